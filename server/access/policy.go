// Package access is who may watch: a Policy for each stream says what is to be done about a request, from facts that it
// or others find out, and a Caller asks the operator's own service. Policies and facts are values; a Caller has
// goroutines and a cache of its own.
package access

import (
	"fmt"
	"net/netip"
	"strings"

	"pumpd/server/auth"
	"pumpd/server/config"
)

// A Policy is who may watch one stream. It never changes.
type Policy struct {
	users auth.Users    // of view_users
	from  auth.Networks // of view_from
	keys  [][]byte      // of view_keys

	path       string // what signatures are for, see signed
	any        bool   // one condition is enough
	open       bool   // auth_fail
	conditions []func(p *Policy, f Facts) outcome
}

// New makes the policy of a checked configuration; nil lets everybody watch.
func New(c *config.Stream) (*Policy, error) {
	p := &Policy{path: Path(c), any: c.ViewSatisfy == config.SatisfyAny, open: c.AuthFail == config.FailOpen}
	var err error
	if p.users, err = auth.ParseUsers(c.ViewUsers); err != nil {
		return nil, fmt.Errorf("stream %s: view_users: %w", c.Path, err)
	}
	if p.from, err = auth.ParseNetworks(c.ViewFrom); err != nil {
		return nil, fmt.Errorf("stream %s: view_from: %w", c.Path, err)
	}
	for _, k := range c.ViewKeys {
		p.keys = append(p.keys, []byte(k))
	}
	// What costs least first: nobody is asked for whom it makes no difference.
	p.want(len(p.from) > 0, (*Policy).near)
	p.want(len(p.keys) > 0, (*Policy).signature)
	p.want(len(p.users) > 0, (*Policy).password)
	p.want(c.AuthURL != "", (*Policy).callback)
	if len(p.conditions) == 0 {
		return nil, nil
	}
	return p, nil
}

func (p *Policy) want(set bool, c func(*Policy, Facts) outcome) {
	if set {
		p.conditions = append(p.conditions, c)
	}
}

// Path is the one form of a stream's path that signatures and the callback have; requests may write it otherwise.
func Path(c *config.Stream) string { return "/streams/" + strings.ToLower(c.Path) }

// Users are those of view_users, to check a password with.
func (p *Policy) Users() auth.Users { return p.users }

// Facts are what is known of a request. The zero value of each is that nothing is.
type Facts struct {
	Near      bool // it comes from a network of view_from
	Signature Signature
	Password  Password
	Callback  Callback
	Why       string // what the callback says about it, for the viewer
}

// A Password is what is known of the credentials that a request shows.
type Password uint8

// What may be known of credentials.
const (
	PasswordNone  Password = iota // it shows none
	PasswordShown                 // it does, and they are not checked yet
	PasswordWrong
	PasswordStale // right, but Digest wants another request
	PasswordRight
)

// A Callback is what is known of the answer of auth_url.
type Callback uint8

// What may be known of the callback's answer.
const (
	CallbackUnasked  Callback = iota
	CallbackAllows            // the viewer may watch
	CallbackDenies            // the viewer may not
	CallbackPassword          // it wants other credentials, or any at all
	CallbackFails             // there was no answer, or none that can be read
	CallbackBusy              // too many wait for one
)

// Look finds the facts that a request shows by itself.
func (p *Policy) Look(query []byte, from netip.Addr, credentials bool, now int64) (f Facts, viewer string) {
	f.Near = p.from.Contains(from)
	if len(p.keys) > 0 {
		f.Signature, viewer = p.verify(query, from, now)
	}
	if credentials {
		f.Password = PasswordShown
	}
	return f, viewer
}

// A Step is what is to be done about a request.
type Step uint8

// What may be to be done.
const (
	Admit         Step = iota
	CheckPassword      // find out about the credentials
	AskCallback        // find out what the callback says
	Challenge          // 401
	Refuse             // 403
	Unavailable        // 503: nobody can say at present
)

// An outcome is what one condition wants done; weight says which refusal tells a viewer most, where any condition would
// be enough.
type outcome struct {
	step   Step
	why    string
	weight int
}

// Next says what is to be done about a request of which these facts are known, and with a refusal why, in one line for
// the viewer.
func (p *Policy) Next(f Facts) (Step, string) {
	best := outcome{weight: -1}
	for _, c := range p.conditions {
		o := c(p, f)
		switch {
		case o.step == CheckPassword, o.step == AskCallback:
			return o.step, ""
		case o.step == Admit && p.any:
			return Admit, ""
		case o.step != Admit && !p.any:
			return o.step, o.why
		case o.weight > best.weight:
			best = o
		}
	}
	return best.step, best.why // all hold, or none does
}

func (p *Policy) near(f Facts) outcome {
	if f.Near {
		return outcome{step: Admit}
	}
	return outcome{Refuse, "this address may not watch this stream", 0}
}

func (p *Policy) signature(f Facts) outcome {
	switch f.Signature {
	case SignatureRight:
		return outcome{step: Admit}
	case SignatureNone:
		return outcome{Refuse, f.Signature.String(), 1}
	}
	return outcome{Refuse, f.Signature.String(), 4} // a password would not have been meant
}

func (p *Policy) password(f Facts) outcome {
	switch f.Password {
	case PasswordRight:
		return outcome{step: Admit}
	case PasswordShown:
		return outcome{step: CheckPassword}
	}
	return outcome{Challenge, "", 3}
}

func (p *Policy) callback(f Facts) outcome {
	switch {
	case f.Callback == CallbackUnasked:
		return outcome{step: AskCallback}
	case f.Callback == CallbackAllows, f.Callback == CallbackFails && p.open:
		return outcome{step: Admit}
	case f.Callback == CallbackPassword:
		return outcome{Challenge, "", 3}
	case f.Callback == CallbackDenies && f.Why != "":
		return outcome{Refuse, f.Why, 2}
	case f.Callback == CallbackDenies:
		return outcome{Refuse, "you may not watch this stream", 2}
	}
	return outcome{Unavailable, "whether you may watch this stream cannot be found out at present", 5}
}
