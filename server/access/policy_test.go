package access

import (
	"net/netip"
	"strings"
	"testing"

	"pumpd/server/auth"
	"pumpd/server/config"
)

// conditions are the four, as a configuration has them.
var conditions = map[string]func(*config.Stream){
	"from":  func(c *config.Stream) { c.ViewFrom = []string{"10.0.0.0/8"} },
	"keys":  func(c *config.Stream) { c.ViewKeys = []auth.Secret{"0123456789abcdef"} },
	"users": func(c *config.Stream) { c.ViewUsers = []auth.Secret{"ann:secret"} },
	"url":   func(c *config.Stream) { c.AuthURL = "http://127.0.0.1/" },
}

// policyOf has the conditions that are named.
func policyOf(t *testing.T, names, satisfy, fail string) *Policy {
	t.Helper()
	c := &config.Stream{Path: "Demo", ViewSatisfy: satisfy, AuthFail: fail}
	for name := range strings.FieldsSeq(names) {
		conditions[name](c)
	}
	p, err := New(c)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func TestNoConditionIsNoPolicy(t *testing.T) {
	if p := policyOf(t, "", "any", "open"); p != nil {
		t.Errorf("%+v, want none", p)
	}
}

// What is done about whom, where one condition is set, or several.
func TestPolicy(t *testing.T) {
	near, signed := Facts{Near: true}, Facts{Signature: SignatureRight}
	shown, right, wrong := Facts{Password: PasswordShown}, Facts{Password: PasswordRight}, Facts{Password: PasswordWrong}
	expired := Facts{Signature: SignatureExpired}
	callback := func(c Callback) Facts { return Facts{Callback: c} }
	join := func(facts ...Facts) (all Facts) {
		for _, f := range facts {
			all.Near = all.Near || f.Near
			all.Signature = max(all.Signature, f.Signature)
			all.Password = max(all.Password, f.Password)
			all.Callback = max(all.Callback, f.Callback)
		}
		return all
	}
	for _, c := range []struct {
		names, satisfy, fail string
		facts                Facts
		step                 Step
		why                  string
	}{
		{"from", "all", "closed", near, Admit, ""},
		{"from", "all", "closed", join(signed, right), Refuse, "address"},
		{"from", "any", "closed", signed, Refuse, "address"},
		{"keys", "all", "closed", signed, Admit, ""},
		{"keys", "all", "closed", near, Refuse, "wants a signed URL"},
		{"keys", "all", "closed", expired, Refuse, "expired"},
		{"users", "all", "closed", Facts{}, Challenge, ""},
		{"users", "all", "closed", shown, CheckPassword, ""},
		{"users", "all", "closed", wrong, Challenge, ""},
		{"users", "all", "closed", Facts{Password: PasswordStale}, Challenge, ""},
		{"users", "all", "closed", right, Admit, ""},
		{"url", "all", "closed", Facts{}, AskCallback, ""},
		{"url", "all", "closed", callback(CallbackAllows), Admit, ""},
		{"url", "all", "open", callback(CallbackDenies), Refuse, "you may not watch"},
		{"url", "all", "open", callback(CallbackPassword), Challenge, ""},
		{"url", "all", "closed", callback(CallbackFails), Unavailable, "cannot be found out"},
		{"url", "all", "open", callback(CallbackFails), Admit, ""},
		{"url", "all", "open", callback(CallbackBusy), Unavailable, "cannot be found out"},

		// All: the first that does not hold, and nobody is asked for nothing.
		{"from keys users url", "all", "closed", join(signed, right, callback(CallbackAllows)), Refuse, "address"},
		{"from keys users url", "all", "closed", join(near, shown), Refuse, "signed"},
		{"from keys users url", "all", "closed", join(near, signed), Challenge, ""},
		{"from keys users url", "all", "closed", join(near, signed, shown), CheckPassword, ""},
		{"from keys users url", "all", "closed", join(near, signed, right), AskCallback, ""},
		{"from keys users url", "all", "open", join(near, signed, right, callback(CallbackFails)), Admit, ""},
		{"from users", "all", "open", join(near, wrong), Challenge, ""},

		// Any: the first that holds, and else what tells most.
		{"from keys users url", "any", "closed", near, Admit, ""},
		{"from keys users url", "any", "closed", join(signed, shown), Admit, ""},
		{"from keys users url", "any", "closed", shown, CheckPassword, ""},
		{"from keys users url", "any", "closed", right, Admit, ""},
		{"from keys users url", "any", "closed", wrong, AskCallback, ""},
		{"from keys users url", "any", "closed", join(wrong, callback(CallbackAllows)), Admit, ""},
		{"from keys users url", "any", "closed", join(wrong, callback(CallbackDenies)), Challenge, ""},
		{"from keys users url", "any", "closed", join(expired, callback(CallbackDenies)), Refuse, "expired"},
		{"from keys users url", "any", "closed", callback(CallbackFails), Unavailable, "cannot be found out"},
		{"from keys users url", "any", "open", callback(CallbackFails), Admit, ""},
		{"keys users", "any", "closed", Facts{}, Challenge, ""},
		{"keys users", "any", "closed", expired, Refuse, "expired"},
		{"from keys", "any", "closed", Facts{}, Refuse, "signed"},
		{"from users", "any", "closed", Facts{}, Challenge, ""},
		{"from url", "any", "closed", callback(CallbackDenies), Refuse, "you may not watch"},
	} {
		step, why := policyOf(t, c.names, c.satisfy, c.fail).Next(c.facts)
		if step != c.step || c.why == "" != (why == "") || !strings.Contains(why, c.why) {
			t.Errorf("%s of %s, %s, %+v: got %d %q, want %d %q", c.satisfy, c.names, c.fail, c.facts, step, why, c.step, c.why)
		}
	}
}

// Whatever is set, nobody is let in of whom nothing is known.
func TestNobodyIsLetInForNothing(t *testing.T) {
	for _, names := range []string{"from", "keys", "users", "url", "from keys", "users url", "from keys users url"} {
		for _, satisfy := range []string{"all", "any", ""} {
			if step, _ := policyOf(t, names, satisfy, "closed").Next(Facts{}); step == Admit {
				t.Errorf("%s of %s lets everybody in", satisfy, names)
			}
		}
	}
}

func TestLook(t *testing.T) {
	p := policyOf(t, "from keys users", "all", "closed")
	f, viewer := p.Look(nil, netip.MustParseAddr("10.1.2.3"), true, 0)
	if want := (Facts{Near: true, Password: PasswordShown}); f != want || viewer != "" {
		t.Errorf("got %+v %q, want %+v", f, viewer, want)
	}
}
