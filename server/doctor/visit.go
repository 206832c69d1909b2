package doctor

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"pumpd/asf"
	"pumpd/codec"
	"pumpd/server/auth"
	"pumpd/server/via"
)

// A visit is one client's way to its packets. One goroutine owns it.
type visit struct {
	x      *examination
	client *client
	at     endpoint
	login  auth.Login
	id     uint32 // client-id of the Describe
	known  bool
}

// play has a client play for as long as d. It is nil where the client gets no header.
func (x *examination) play(ctx context.Context, c *client, d time.Duration) *reception {
	v := &visit{x: x, client: c, at: x.at, login: auth.Login{User: x.at.user, Password: x.at.password}}
	w := &reception{asked: time.Now()}
	if !c.raw {
		a := v.get(ctx, false)
		if a == nil {
			return nil
		}
		ok := v.describe(a, w)
		a.close()
		if !ok {
			return nil
		}
		w = &reception{asked: time.Now()}
	}
	a := v.get(ctx, true)
	if a == nil {
		return nil
	}
	defer a.close()
	w.answered = time.Now()
	a.conn.SetDeadline(time.Now().Add(max(d, x.options.Patience)))
	v.read(a, w, d)
	if w.packets == 0 {
		return nil
	}
	x.mu.Lock()
	x.played = append(x.played, c.name)
	x.mu.Unlock()
	return w
}

const maxHops = 5 // redirects

// get asks until the answer is a good one; nil: it never is, and there is a finding.
func (v *visit) get(ctx context.Context, play bool) *answer {
	for range maxHops {
		a, err := v.x.ask(ctx, v.at, v.request(play))
		if err != nil {
			v.find("unreachable", Fault, err.Error(), "")
			return nil
		}
		switch {
		case a.Status == 200:
			v.judgeHead(a, play)
			return a
		case a.Status/100 == 3:
			if !v.redirect(a) {
				return nil
			}
		case a.Status == 401:
			if !v.authenticate(a) {
				return nil
			}
		default:
			v.refused(a)
			return nil
		}
	}
	v.find("redirect", Fault, fmt.Sprintf("more than %d redirects and questions for a password", maxHops), "")
	return nil
}

func (v *visit) request(play bool) []byte {
	return v.client.request(v.at, play, v.login.Field("GET", v.at.target))
}

func (v *visit) find(kind string, s Severity, text, advice string) {
	v.x.find(v.client, Finding{Kind: kind, Severity: s, Text: text, Advice: advice})
}

// refused explains a status that leads nowhere.
func (v *visit) refused(a *answer) {
	said, _ := io.ReadAll(io.LimitReader(a.body, 200))
	a.close()
	text := fmt.Sprintf("answer %d", a.Status)
	if line, _, _ := strings.Cut(strings.TrimSpace(string(said)), "\n"); line != "" && !strings.HasPrefix(line, "<") {
		text += fmt.Sprintf(": %q", line)
	}
	advice := map[int]string{
		404: "Is the path right, and the stream enabled?",
		403: "The pump lets only some in: see view_from, view_keys and auth_url of its configuration, and docs/access.md.",
		503: "Does the encoder push, does the upstream send? Or the pump is full, or its line.",
		502: "A proxy answers, and does not reach the pump.",
		504: "A proxy answers, and does not reach the pump.",
	}[a.Status]
	if strings.Contains(text, nobodySends) {
		advice = "Does the encoder push, does the upstream send? The pump's status page says what it knows of them."
	}
	v.find("status", Fault, text, advice)
}

// nobodySends is what a pumpd says of a stream without a source; any other 503 may have other reasons.
const nobodySends = "nothing is sent to this stream"

// redirect follows one if the client does.
func (v *visit) redirect(a *answer) bool {
	a.close()
	to, err := v.at.to(string(a.Location))
	switch {
	case err != nil:
		v.find("redirect", Fault, fmt.Sprintf("answer %d to a place that %v", a.Status, err), "")
		return false
	case !v.client.follows(a.Status, to):
		advice := "It follows no redirects: give it the address itself."
		if v.client.redirects != nil {
			advice = fmt.Sprintf("It follows %v to %s:// only.", v.client.redirects, v.client.scheme)
		}
		v.find("redirect", Fault, fmt.Sprintf("answer %d sends it to %s", a.Status, to), advice)
		return false
	}
	v.at, v.login = to, auth.Login{User: to.user, Password: to.password}
	return true
}

// authenticate makes the next request one with credentials, if there are any and the client can have them.
func (v *visit) authenticate(a *answer) bool {
	a.close()
	switch {
	case !v.client.login:
		v.find("login", Fault, "a password is asked for, and there is no way to give it one",
			"Let its address in, or use signed URLs: docs/access.md.")
		return false
	case v.login.User == "":
		v.find("login", Warning, "a password is asked for", "Write it into the URL: mmsh://USER:PASSWORD@HOST/PATH")
		return false
	}
	if err := v.login.Learn(string(a.WWWAuthenticate)); err != nil {
		v.find("login", Fault, "the password is not accepted: "+err.Error(), "")
		return false
	}
	return true
}

// judgeHead looks at what the client needs of the head of a good answer.
func (v *visit) judgeHead(a *answer, play bool) {
	c := v.client
	media := string(a.ContentType)
	if !c.bears(media) {
		v.find("fields", Fault, fmt.Sprintf("Content-Type is %q", media), "A server or proxy that is not made for this.")
	}
	if c.phrase && len(a.Reason) == 0 {
		v.find("fields", Fault, "the status line has no reason phrase", "")
	}
	if c.windows {
		v.judgeWindows(a)
	}
	if play && a.Chunked && !c.chunked {
		v.find("chunked", Fault, "the stream comes in chunks, which it takes for damage",
			"A proxy does that: have it speak HTTP/1.0 to players, or pass bodies on as they are.")
	}
	if n := a.Via.String(); n != "" && !strings.Contains(n, via.Prefix) {
		v.x.findOnce(Finding{
			Kind: "proxy", Severity: Note, Text: fmt.Sprintf("between here and the pump is a proxy: Via: %.100s", n),
			Advice: "See docs/proxies.md for what it must be told.",
		})
	}
	if a.Pragma.HasClientID {
		v.id, v.known = a.Pragma.ClientID, true
	}
}

// judgeWindows is for Windows Media Player, which looks at who answers: clients.md §6.
func (v *visit) judgeWindows(a *answer) {
	server := string(a.Server)
	if !strings.HasPrefix(server, "Cougar/") && !strings.HasPrefix(server, "Rex/") {
		v.find("fields", Fault, fmt.Sprintf("Server is %q, it wants Cougar/ or Rex/", server),
			"A proxy that puts its own name there has to pass ours on: docs/proxies.md.")
	}
	if !a.Pragma.HasClientID {
		v.find("fields", Fault, "there is no client-id in the answer", "A proxy has dropped Pragma fields.")
	}
}

// describe reads the header as the client does; false: it fails at that.
func (v *visit) describe(a *answer, w *reception) bool {
	for w.header == nil {
		f, err := a.frame()
		if err != nil {
			v.broken(a, w, err)
			return false
		}
		if !v.frame(f, w) {
			return false
		}
	}
	if n := len(w.header.Raw); n > v.client.maxHeader {
		v.find("header", Fault, fmt.Sprintf("the header has %d bytes, it has room for %d", n, v.client.maxHeader),
			"Fewer streams, scripts and texts in the encoder's profile make it smaller.")
		return false
	}
	return v.afterHeader(a)
}

// openTime is how long the end of the answer to a Describe is waited for. It comes at once where all is well, and on a
// machine that has much else to do, or behind a line that loses packets, it does so a second or two later.
const openTime = 3 * time.Second

// afterHeader looks at what follows the header in the answer to a Describe: nothing should, but the end.
func (v *visit) afterHeader(a *answer) bool {
	a.conn.SetDeadline(time.Now().Add(min(openTime, v.x.options.Patience)))
	f, err := a.frame()
	if err == nil {
		if v.client.strict {
			v.find("frames", Fault, fmt.Sprintf("a $%c follows the header in the answer to its first request", f.Type),
				"The server sends the stream to who asks for the header: put a pump in front of it.")
		}
		return !v.client.strict
	}
	switch counted := a.ContentLength >= 0; {
	case v.client.waits == byLength, v.client.waits == byKeepAlive && a.KeepAlive && counted:
		return true
	case counted && v.closed(a), !counted && errors.Is(err, io.EOF):
		return true
	}
	v.find("open", Fault, "the connection stays open behind the header, and it waits for its end",
		"A proxy keeps the connection: have it close when the pump does, or ask by HTTP/1.0.")
	return false
}

// closed says whether the peer has closed the connection behind a body of known length.
func (v *visit) closed(a *answer) bool {
	var one [1]byte
	_, err := a.conn.Read(one[:])
	return err != nil && !errors.Is(err, os.ErrDeadlineExceeded)
}

// read reads packets for as long as d, and the first one however late the header was: the connection has its limit.
func (v *visit) read(a *answer, w *reception, d time.Duration) {
	until := time.Now().Add(d)
	if v.client.raw && !v.readHeader(a, w) {
		return
	}
	for w.packets+w.odd == 0 || time.Now().Before(until) {
		var err error
		if v.client.raw {
			err = w.rawPacket(a.body)
		} else {
			var f codec.Frame
			if f, err = a.frame(); err == nil && !v.frame(f, w) {
				return
			}
		}
		if err != nil {
			if !errors.Is(err, os.ErrDeadlineExceeded) || w.packets == 0 {
				v.broken(a, w, err)
			}
			return
		}
	}
}

// readHeader is for raw ASF.
func (v *visit) readHeader(a *answer, w *reception) bool {
	h, err := asf.ReadHeader(a.body, asf.MaxHeader)
	if err != nil {
		v.broken(a, w, err)
		return false
	}
	w.header = h
	return true
}

// frame takes one; false: the client fails at it, or the stream is over.
func (v *visit) frame(f codec.Frame, w *reception) bool {
	if f.More && !v.client.bit {
		v.find("frames", Fault, "a frame has the B bit set, which it takes for garbage",
			"Windows Media Services sends so to players of version 9: put a pump in front of it.")
		return false
	}
	switch f.Type {
	case 'H':
		return v.header(f, w)
	case 'D':
		if w.header == nil {
			return true // of a stream that it knows nothing of yet: dropped
		}
		d, err := codec.ParseData(f.Body)
		if err == nil {
			w.located(d.Location)
			w.packet(d.Payload, time.Now())
		}
		return true
	case 'E':
		w.ended = true
		v.find("ended", Warning, "the stream ended while it was watched", "")
		return false
	}
	return true
}

// header takes a $H, or one of several that make one.
func (v *visit) header(f codec.Frame, w *reception) bool {
	d, err := codec.ParseData(f.Body)
	if err != nil {
		v.find("content", Fault, "$H: "+err.Error(), "")
		return false
	}
	if len(w.part) > 0 && v.client.whole {
		v.find("frames", Fault, "the header comes in several $H, which it cannot put together",
			"Windows Media Services does that: put a pump in front of it.")
		return false
	}
	const last = 0x08
	whole := d.AFFlags&last != 0 || d.AFFlags == 0 && len(w.part) == 0 // PeerCast has no flags
	if w.part = append(w.part, d.Payload...); !whole {
		return len(w.part) <= asf.MaxHeader
	}
	h, err := asf.ParseHeader(w.part)
	w.part = nil
	if err != nil {
		v.find("content", Fault, "the header is none: "+err.Error(), "")
		return false
	}
	w.header = h
	return true
}

// broken explains why a body went on no further.
func (v *visit) broken(a *answer, w *reception, err error) {
	switch {
	case errors.Is(err, os.ErrDeadlineExceeded):
		v.find("silent", Fault, fmt.Sprintf("an answer of %d, and then nothing", a.Status),
			"Something in between collects before it passes on: a proxy that buffers (docs/proxies.md), a virus scanner. Or "+
				"the encoder has stopped.")
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		v.find("ended", Fault, fmt.Sprintf("the connection was closed after %d packets", w.packets), "")
	default:
		v.find("content", Fault, fmt.Sprintf("what comes is no Windows Media stream: %v (Content-Type %.80q)", err,
			a.ContentType), "Is the path that of a stream? A proxy's own page, or a playlist, looks like this.")
	}
}
