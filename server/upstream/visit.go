package upstream

import (
	"context"
	"fmt"
	"time"

	"pumpd/server/auth"
)

const maxHops = 5 // redirects and playlists on the way to one stream

// A Visit is a way to one upstream, through redirects and challenges. What was learned for the Describe is used for the
// Play. One goroutine owns it.
type Visit struct {
	client *Client
	at     *Address
	login  auth.Login
	hops   int      // redirects and playlists so far
	trail  []string // the playlists among them
	least  scope    // nothing nearer is dialled: somebody that far away has sent us
	asked  bool     // the proxy has asked for credentials
	pushes bool     // it is a push's: encoders follow more redirects than players
	Via    string   // of the last reply that was no circle
}

// Ask sends a Describe or, if about is given, a Play, until an answer is a good one, which the caller closes. Errors
// are those of the connection, of the login, of the rule for redirects, a StatusError, or that of a circle of pumps.
func (v *Visit) Ask(ctx context.Context, about *Description) (*Answer, error) {
	for {
		a, err := v.once(ctx, about)
		if err != nil {
			return nil, err
		}
		again, err := v.judge(ctx, a)
		if err == nil && !again {
			return a, nil
		}
		a.Close()
		if err != nil {
			return nil, err
		}
	}
}

func (v *Visit) once(ctx context.Context, about *Description) (*Answer, error) {
	l, err := v.client.Dialer.dial(ctx, v.at, v.least)
	if err != nil {
		return nil, err
	}
	a := &Answer{link: l, stall: v.client.Stall}
	a.release = context.AfterFunc(ctx, func() { l.Close() })
	r := request{to: v.at, proxy: l.proxy, via: string(v.client.Name), guid: v.client.GUID,
		auth: v.login.Field("GET", v.at.target)}
	if about != nil {
		r.play, r.streams, r.clientID, r.known = true, about.streams, about.clientID, about.known
	}
	if err := a.roundTrip(r.append(nil)); err != nil {
		a.Close()
		return nil, err
	}
	return a, nil
}

// judge says whether an answer was only a step on the way.
func (v *Visit) judge(ctx context.Context, a *Answer) (again bool, err error) {
	r := a.reply
	if err := v.client.Name.CheckReply([]byte(r.via)); err != nil {
		return false, err
	}
	v.Via = r.via
	switch r.status {
	case 200, 204:
		return false, nil
	case 300, 301, 302, 303, 305, 307, 308:
		if r.location != "" && (v.pushes || r.status != 300 && r.status != 305) {
			return true, v.follow(ctx, a, r.location)
		}
	case 401:
		return true, v.login.Learn(r.challenge)
	case 407:
		if a.link.proxy != nil && !v.asked {
			v.asked = true
			return true, a.link.proxy.learn(r.proxyAsks)
		}
	}
	return false, &StatusError{Status: r.status, Reason: r.reason, After: retryAfter(r.retryAfter)}
}

// follow goes where an answer sends us, if the rules let it.
func (v *Visit) follow(ctx context.Context, a *Answer, where string) error {
	if v.hops++; v.hops > maxHops {
		return fmt.Errorf("redirects: more than %d", maxHops)
	}
	to, err := v.at.redirect(where)
	if err != nil {
		return err
	}
	if err := v.client.Follow.check(v.at, to); err != nil {
		return fmt.Errorf("redirect %w", err)
	}
	if v.client.Follow != FollowAny {
		v.least = max(v.least, v.client.Dialer.reach(ctx, a.link, v.at))
	}
	v.client.Log.Debug("redirected", "from", v.at, "to", to, "status", a.reply.status)
	v.at, v.login = to, auth.Login{User: to.user, Password: to.password}
	return nil
}

// A StatusError is an answer of an upstream with a status that leads nowhere: 404, 503, or a 302 without Location.
type StatusError struct {
	Status int
	Reason string
	After  time.Duration // by its Retry-After, 0 if it has none
}

func (e *StatusError) Error() string {
	return fmt.Sprintf("upstream answers %d %.80q", e.Status, e.Reason)
}
