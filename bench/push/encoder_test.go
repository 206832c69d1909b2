package push

import (
	"bytes"
	"context"
	"errors"
	"net/url"
	"strings"
	"testing"
	"time"

	"pumpd/asf"
	"pumpd/bench/source"
)

// A listSource gives its packets all at once.
type listSource struct {
	head    *asf.Header
	packets [][]byte
	next    int
	every   time.Duration
}

func newListSource(t *testing.T, n int, opt source.Options) *listSource {
	s := mustSynthetic(t, opt)
	l := &listSource{head: s.Header()}
	for range n {
		l.packets = append(l.packets, bytes.Clone(s.Take()))
	}
	return l
}

func (l *listSource) Header() *asf.Header { return l.head }
func (l *listSource) Due() (time.Duration, bool) {
	return time.Duration(l.next) * l.every, l.next < len(l.packets)
}
func (l *listSource) Take() []byte { l.next++; return l.packets[l.next-1] }

var pushSynth = source.Options{Bitrate: 400e3, Packet: 400, GOP: time.Second, Payloads: 2, Padding: 20}

func push(t *testing.T, p *fakePump, src source.Source, opt Options) (Stats, error) {
	t.Helper()
	to := p.start(t)
	opt.Agent = "WMEncoder/11.0.5721.5145"
	if opt.Length == 0 {
		opt.Length = 2147483647
	}
	stats, err := AsEncoder(context.Background(), src, to, opt, 0, t.Logf)
	p.ln.Close()
	p.wait.Wait()
	return stats, err
}

func TestPush(t *testing.T) {
	for _, strip := range []bool{false, true} {
		p, src := &fakePump{}, newListSource(t, 50, pushSynth)
		if _, err := push(t, p, src, Options{Strip: strip}); err != nil {
			t.Fatal(err)
		}
		for i, want := range src.packets {
			if strip {
				want = appendStripped(nil, want)
			}
			if i >= len(p.packets) || !bytes.Equal(p.packets[i], want) {
				t.Fatalf("strip %v: packet %d of %d differs", strip, i, len(p.packets))
			}
		}
		if p.headers != 1 || p.ended != 1 || len(p.starts) != 1 || len(p.setups) != 1 || p.setups[0] != "AutoDestroy: 1\r\n" {
			t.Errorf("strip %v: %d headers, %d ends, %d starts, setups %q", strip, p.headers, p.ended, len(p.starts), p.setups)
		}
	}
}

// push.md §1: each head as encoders send it, the cookie of the last answer in the next request.
func TestPushHeads(t *testing.T) {
	p := &fakePump{}
	if _, err := push(t, p, newListSource(t, 20, pushSynth), Options{Length: 2000}); err != nil {
		t.Fatal(err)
	}
	for i, want := range []string{"Cookie: push-id=0\r\n", "Cookie: push-id=777\r\n", "Cookie: push-id=778\r\n"} {
		head := p.heads[i]
		for _, want := range []string{
			"POST /streams/x_push HTTP/1.1\r\n", want, "X-Accept-Authentication: Negotiate, NTLM, Digest\r\n",
			"User-Agent: WMEncoder/11.0.5721.5145\r\n", "Host: " + p.ln.Addr().String() + "\r\n",
		} {
			if !strings.Contains(head, want) {
				t.Errorf("request %d: no %q in %q", i, want, head)
			}
		}
	}
}

// Bodies of all lengths end exactly, and only the first begins with a header.
func TestPushWraps(t *testing.T) {
	for length := int64(1500); length < 1530; length++ {
		p, src := &fakePump{}, newListSource(t, 40, pushSynth)
		stats, err := push(t, p, src, Options{Length: length})
		if err != nil {
			t.Fatalf("length %d: %v", length, err)
		}
		if len(p.packets) != 40 || p.headers != 1 || p.ended != 1 || stats.Starts != len(p.starts) || len(p.starts) < 10 {
			t.Errorf("length %d: %d packets, %d headers, %d ends, %d starts",
				length, len(p.packets), p.headers, p.ended, len(p.starts))
		}
		for i, s := range p.starts[:len(p.starts)-1] {
			if s.bytes != length || s.length != length || (s.first == 'H') != (i == 0) || s.fill > 404 {
				t.Errorf("length %d: start %d: %+v", length, i, s)
			}
		}
	}
}

func TestPushLengthTooSmall(t *testing.T) {
	src := newListSource(t, 1, pushSynth)
	if _, err := newEncoder(&url.URL{}, src.head, Options{Length: 1211}, t.Logf); err == nil {
		t.Error("less than three packets: accepted")
	}
	if _, err := newEncoder(&url.URL{}, src.head, Options{Length: 1212}, t.Logf); err != nil {
		t.Error(err)
	}
}

func TestPushAuthenticates(t *testing.T) {
	const challenge = "HTTP/1.1 401 Unauthorized\r\nServer: Cougar/9.01.01.3814\r\n" +
		"WWW-Authenticate: Digest realm=\"r\", nonce=\"n\"\r\n" +
		"WWW-Authenticate: Basic realm=\"r\"\r\nContent-Length: 0\r\n\r\n"
	answer := func(p *fakePump, head string) string {
		want, _ := parseChallenge(`Digest realm="r", nonce="n"`).digest("encoder", "secret", "POST", "/streams/x_push", "")
		if strings.Contains(head, want) {
			return goodSetup
		}
		return challenge
	}
	for name, refuse := range map[string]func(*fakePump, string) string{
		"right": nil, "wrong": func(*fakePump, string) string { return challenge },
	} {
		p := &fakePump{setup: answer}
		if refuse != nil {
			p.setup = refuse
		}
		_, err := push(t, p, newListSource(t, 5, pushSynth), Options{})
		if refuse == nil && (err != nil || len(p.packets) != 5 || len(p.setups) != 2 || p.setups[1] == "") {
			t.Errorf("%s: %v, %d packets, setups %q", name, err, len(p.packets), p.setups)
		}
		var refused *refusal
		if refuse != nil && (!errors.As(err, &refused) || refused.status != 401 || len(p.setups) != 2) {
			t.Errorf("%s: got %v after %d setups", name, err, len(p.setups))
		}
	}
}

func TestPushRedirected(t *testing.T) {
	there := &fakePump{}
	to := there.start(t)
	here := &fakePump{setup: func(*fakePump, string) string {
		return "HTTP/1.1 302 Found\r\nServer: Cougar/9.0\r\n" +
			"Location: http://" + to.Host + "/other\r\nConnection: close\r\n\r\n"
	}}
	if _, err := push(t, here, newListSource(t, 5, pushSynth), Options{}); err != nil {
		t.Fatal(err)
	}
	there.ln.Close()
	there.wait.Wait()
	if len(there.packets) != 5 || len(here.packets) != 0 || !strings.HasPrefix(there.heads[0], "POST /other ") {
		t.Errorf("%d packets there, %d here, %q", len(there.packets), len(here.packets), there.heads)
	}
}

// What stops an encoder must stop us.
func TestPushRefusals(t *testing.T) {
	answer := func(s string) func(*fakePump, string) string { return func(*fakePump, string) string { return s } }
	instead := func(old, now string) func(*fakePump, string) string {
		return answer(strings.Replace(goodSetup, old, now, 1))
	}
	for name, p := range map[string]*fakePump{
		"status":          {setup: answer("HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n")},
		"no Server":       {setup: instead("Server", "Via")},
		"Server's name":   {setup: instead("Cougar", "nginx")},
		"cookie's case":   {setup: instead("Set-Cookie", "set-cookie")},
		"length's case":   {setup: instead("Content-L", "Content-l")},
		"redirect to ''":  {setup: answer("HTTP/1.1 302 Found\r\nContent-Length: 0\r\n\r\n")},
		"early answer":    {early: "HTTP/1.1 408 Request Timeout\r\nContent-Length: 0\r\n\r\n"},
		"early success":   {early: goodSetup},
		"loss, no -retry": {hangUp: 3},
	} {
		src := newListSource(t, 3000, pushSynth) // three seconds, of which it needs a moment
		src.every = time.Millisecond
		if _, err := push(t, p, src, Options{}); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

// After a loss the push goes on with its old push-id, and with the header again.
func TestPushResumes(t *testing.T) {
	p := &fakePump{hangUp: 20}
	src := newListSource(t, 1500, pushSynth)
	src.every = time.Millisecond
	stats, err := push(t, p, src, Options{Retry: 10 * time.Second})
	if err != nil || stats.Losses != 1 || stats.Dropped == 0 {
		t.Fatalf("%v, %+v", err, stats)
	}
	if len(p.setups) != 1 || len(p.starts) != 2 || p.headers != 2 || p.ended != 1 || p.starts[1].first != 'H' {
		t.Errorf("%d setups, %d starts, %d headers, %d ends", len(p.setups), len(p.starts), p.headers, p.ended)
	}
	if last := p.heads[len(p.heads)-1]; !strings.Contains(last, "push-id=777") {
		t.Errorf("resumed with %q", last)
	}
}

// A server that says 503 restarts: it will not know the session.
func TestPushOutlivesRestart(t *testing.T) {
	p := &fakePump{early: "HTTP/1.1 503 Service Unavailable\r\nConnection: close\r\n\r\n"}
	src := newListSource(t, 1500, pushSynth)
	src.every = time.Millisecond
	stats, err := push(t, p, src, Options{Retry: 10 * time.Second})
	if err != nil || stats.Losses != 1 || len(p.setups) != 2 || p.ended != 1 {
		t.Errorf("%v, %+v, %d setups, %d ends", err, stats, len(p.setups), p.ended)
	}
}

func TestPushGivesUp(t *testing.T) {
	p := &fakePump{hangUp: 3, vanish: true}
	src := newListSource(t, 3000, pushSynth)
	src.every = time.Millisecond
	_, err := push(t, p, src, Options{Retry: 300 * time.Millisecond})
	if err == nil || !strings.Contains(err.Error(), "limit 300ms") || len(p.packets) != 3 {
		t.Errorf("got %v after %d packets", err, len(p.packets))
	}
}

func mustSynthetic(t testing.TB, opt source.Options) *source.Synthetic {
	t.Helper()
	s, err := source.NewSynthetic(opt)
	if err != nil {
		t.Fatal(err)
	}
	return s
}
