package push

import (
	"context"
	"fmt"
	"strings"
)

// A refusal is an answer that means: not like this.
type refusal struct {
	what   string
	status int
	reason string
}

func (r *refusal) Error() string { return fmt.Sprintf("%s: %d %s", r.what, r.status, r.reason) }

// setup asks for a push-id. It follows redirects and answers challenges.
func (p *encoder) setup(ctx context.Context) error {
	var authorization string
	for range maxSetups {
		if p.conn == nil {
			if err := p.dial(ctx); err != nil {
				return err
			}
		}
		const body = "AutoDestroy: 1\r\n"
		if err := p.write(append(p.request("pushsetup", int64(len(body)), authorization), body...)); err != nil {
			return err
		}
		rep, err := p.await()
		if err != nil {
			return fmt.Errorf("push setup: %w", err)
		}
		if rep.closes {
			p.drop()
		}
		switch {
		case rep.status == 200 || rep.status == 204:
			return p.accepted("push setup", rep)
		case rep.status == 401 && authorization == "" && p.url.User != nil:
			password, _ := p.url.User.Password()
			authorization, err = authorize(rep.all("WWW-Authenticate"), p.url.User.Username(), password,
				"POST", p.url.RequestURI())
		case rep.status >= 300 && rep.status <= 305:
			authorization, err = "", p.redirect(rep)
		default:
			err = &refusal{"push setup", rep.status, rep.reason}
		}
		if err != nil {
			return err
		}
	}
	return fmt.Errorf("push setup: more than %d answers without success", maxSetups)
}

// accepted checks a success as encoders do and keeps the push-id.
func (p *encoder) accepted(what string, rep *reply) error {
	server := rep.field("Server")
	if !strings.HasPrefix(server, "Cougar/") && !strings.HasPrefix(server, "Rex/") {
		return fmt.Errorf("%s: Server %q (and field %q): encoders want Cougar/ or Rex/", what, server, rep.miscased("Server"))
	}
	if name := rep.miscased("Content-Length"); name != "" {
		return fmt.Errorf("%s: field %q: encoders want Content-Length in this case", what, name)
	}
	for _, cookie := range rep.all("Set-Cookie") {
		name, value, _ := strings.Cut(strings.Split(cookie, ";")[0], "=")
		if strings.TrimSpace(name) == "push-id" {
			p.pushID = strings.TrimSpace(value)
		}
	}
	if name := rep.miscased("Set-Cookie"); p.pushID == "0" && name != "" {
		return fmt.Errorf("%s: field %q: encoders want Set-Cookie in this case", what, name)
	}
	return nil
}

// redirect makes the Location of a 3xx the new target, credentials kept.
func (p *encoder) redirect(rep *reply) error {
	to, err := p.url.Parse(rep.field("Location"))
	if err != nil || rep.field("Location") == "" || to.Host == "" {
		return fmt.Errorf("push setup: %d to Location %q", rep.status, rep.field("Location"))
	}
	p.log("redirected to %s", to.Redacted())
	if to.User == nil {
		to.User = p.url.User
	}
	p.url = to
	p.drop()
	return nil
}

// request is the head of a POST. kind is pushsetup or pushstart.
func (p *encoder) request(kind string, length int64, authorization string) []byte {
	var b strings.Builder
	fmt.Fprintf(&b, "POST %s HTTP/1.1\r\n", p.url.RequestURI())
	fmt.Fprintf(&b, "Content-Type: application/x-wms-%s\r\n", kind)
	fmt.Fprintf(&b, "X-Accept-Authentication: Negotiate, NTLM, Digest\r\n")
	fmt.Fprintf(&b, "User-Agent: %s\r\nHost: %s\r\nContent-Length: %d\r\n", p.opt.Agent, p.url.Host, length)
	fmt.Fprintf(&b, "Connection: Keep-Alive\r\nCache-Control: no-cache\r\nCookie: push-id=%s\r\n", p.pushID)
	if authorization != "" {
		fmt.Fprintf(&b, "Authorization: %s\r\n", authorization)
	}
	b.WriteString("\r\n")
	return []byte(b.String())
}
