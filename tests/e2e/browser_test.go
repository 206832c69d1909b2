//go:build players

package e2e

import (
	"bufio"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// A browser is a headless Chromium with one page, driven by the DevTools protocol over a pair of pipes: JSON messages
// with a 0 behind each. It says yes to all that it is asked, and shows credentials where those are wanted.
//
//	we ──▶ fd 3 of Chromium   {"id":1,"method":"Page.navigate","params":{…},"sessionId":"…"}
//	we ◀── fd 4               {"id":1,"result":{…}}, and events, which have a method and no id
type browser struct {
	// Set by startBrowser, never changed.
	t       *testing.T
	to      io.Writer
	session string // of the page
	name    string // of a user
	secret  string

	mu      sync.Mutex
	last    int                   // id
	waiting map[int]chan cdpReply // by id
	asked   []string              // URLs that the page asked for
	dialogs []string              // what it has asked the user
	broken  []string              // exceptions and refusals of its script
}

// A cdpMessage is an answer or an event.
type cdpMessage struct {
	ID     int             `json:"id"`
	Method string          `json:"method"`
	Params json.RawMessage `json:"params"`
	cdpReply
}

type cdpReply struct {
	Result json.RawMessage `json:"result"`
	Error  *struct {
		Message string `json:"message"`
	} `json:"error"`
}

// chromiumFlags have it ask for nothing but what the page wants.
var chromiumFlags = []string{
	"--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-dev-shm-usage",
	"--disable-background-networking", "--disable-component-update", "--disable-sync", "--disable-extensions",
	"--hide-scrollbars", "--remote-debugging-pipe",
}

// browserPatience is for Chromium on a busy machine.
const browserPatience = time.Minute

func startBrowser(t *testing.T, name, secret string) *browser {
	t.Helper()
	program := needProgram(t, "chromium", "chromium")
	in, to, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	from, out, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	// Not the test's own directory: Chromium writes on in its profile while it ends.
	profile, err := os.MkdirTemp("", "chromium-")
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(program, append(slices.Clone(chromiumFlags), "--user-data-dir="+profile, "about:blank")...)
	cmd.ExtraFiles = []*os.File{in, out}
	cmd.Env = append(os.Environ(), "HOME="+profile)
	printed := newTranscript()
	p, err := startProcess("chromium", cmd, printed)
	if err != nil {
		t.Fatal(err)
	}
	in.Close()
	out.Close()
	b := &browser{t: t, to: to, name: name, secret: secret, waiting: map[int]chan cdpReply{}}
	t.Cleanup(func() {
		to.Close() // it ends by that
		if _, willing := p.terminate(browserPatience); !willing {
			t.Error("chromium does not end")
		}
		from.Close()
		os.RemoveAll(profile)
		if t.Failed() {
			t.Logf("chromium printed at last:\n%s", printed.tail(10))
		}
	})
	go b.listen(from)
	b.open()
	return b
}

// open makes the page.
func (b *browser) open() {
	b.t.Helper()
	var target struct{ TargetID string }
	b.call("Target.createTarget", map[string]any{"url": "about:blank"}, &target)
	var session struct{ SessionID string }
	b.call("Target.attachToTarget", map[string]any{"targetId": target.TargetID, "flatten": true}, &session)
	b.session = session.SessionID
	for _, domain := range []string{"Page", "Runtime", "Network", "Log"} {
		b.call(domain+".enable", nil, nil)
	}
	b.call("Fetch.enable", map[string]any{"handleAuthRequests": true}, nil)
}

// listen hands out what Chromium says until it is gone.
func (b *browser) listen(from io.Reader) {
	in := bufio.NewReader(from)
	for {
		text, err := in.ReadBytes(0)
		if err != nil {
			b.mu.Lock()
			for _, reply := range b.waiting {
				close(reply)
			}
			b.waiting = nil
			b.mu.Unlock()
			return
		}
		var m cdpMessage
		if err := json.Unmarshal(text[:len(text)-1], &m); err != nil {
			b.t.Errorf("chromium says %.200q: %v", text, err)
			continue
		}
		if m.Method != "" {
			b.event(m)
			continue
		}
		b.mu.Lock()
		if reply := b.waiting[m.ID]; reply != nil {
			reply <- m.cdpReply
			delete(b.waiting, m.ID)
		}
		b.mu.Unlock()
	}
}

// event does what a person would, and takes notes.
func (b *browser) event(m cdpMessage) {
	var p struct {
		RequestID string `json:"requestId"`
		Message   string `json:"message"`
		Request   struct {
			URL string `json:"url"`
		} `json:"request"`
		Details struct {
			Text      string `json:"text"`
			Exception struct {
				Description string `json:"description"`
			} `json:"exception"`
		} `json:"exceptionDetails"`
		Entry struct {
			Level string `json:"level"`
			Text  string `json:"text"`
			URL   string `json:"url"`
		} `json:"entry"`
	}
	json.Unmarshal(m.Params, &p) // what it does not have stays empty
	note := func(list *[]string, text string) {
		b.mu.Lock()
		*list = append(*list, text)
		b.mu.Unlock()
	}
	switch m.Method {
	case "Network.requestWillBeSent":
		note(&b.asked, p.Request.URL)
	case "Fetch.requestPaused":
		b.send("Fetch.continueRequest", map[string]any{"requestId": p.RequestID})
	case "Fetch.authRequired":
		b.send("Fetch.continueWithAuth", map[string]any{"requestId": p.RequestID, "authChallengeResponse": map[string]any{
			"response": "ProvideCredentials", "username": b.name, "password": b.secret,
		}})
	case "Page.javascriptDialogOpening":
		note(&b.dialogs, p.Message)
		b.send("Page.handleJavaScriptDialog", map[string]any{"accept": true})
	case "Runtime.exceptionThrown":
		note(&b.broken, p.Details.Text+" "+p.Details.Exception.Description)
	case "Log.entryAdded":
		if p.Entry.Level == "error" && !strings.Contains(p.Entry.Text, "401") { // that is where credentials are asked for
			note(&b.broken, p.Entry.Text+" "+p.Entry.URL)
		}
	}
}

// send does not wait for an answer.
func (b *browser) send(method string, params any) (id int, reply chan cdpReply) {
	reply = make(chan cdpReply, 1)
	b.mu.Lock()
	defer b.mu.Unlock()
	b.last++
	if b.waiting == nil {
		close(reply)
		return b.last, reply
	}
	b.waiting[b.last] = reply
	message := map[string]any{"id": b.last, "method": method}
	if params != nil {
		message["params"] = params
	}
	if b.session != "" {
		message["sessionId"] = b.session
	}
	text, err := json.Marshal(message)
	if err != nil {
		panic(err) // of our own values
	}
	b.to.Write(append(text, 0)) // if that fails there is no answer
	return b.last, reply
}

// call waits for the answer.
func (b *browser) call(method string, params, result any) {
	b.t.Helper()
	_, wait := b.send(method, params)
	select {
	case reply, alive := <-wait:
		switch {
		case !alive:
			b.t.Fatalf("chromium: %s: it is gone", method)
		case reply.Error != nil:
			b.t.Fatalf("chromium: %s: %s", method, reply.Error.Message)
		}
		if result != nil {
			if err := json.Unmarshal(reply.Result, result); err != nil {
				b.t.Fatalf("chromium: %s: %v", method, err)
			}
		}
	case <-time.After(browserPatience):
		b.t.Fatalf("chromium: %s: no answer in %v", method, browserPatience)
	}
}

// eval gives what JavaScript in the page comes to.
func (b *browser) eval(script string, value any) {
	b.t.Helper()
	var r struct {
		Result struct {
			Value json.RawMessage `json:"value"`
		} `json:"result"`
		Details *struct {
			Exception struct {
				Description string `json:"description"`
			} `json:"exception"`
		} `json:"exceptionDetails"`
	}
	b.call("Runtime.evaluate", map[string]any{"expression": script, "returnByValue": true, "awaitPromise": true}, &r)
	if r.Details != nil {
		b.t.Fatalf("%s: %s", script, r.Details.Exception.Description)
	}
	if value != nil {
		if err := json.Unmarshal(r.Result.Value, value); err != nil {
			b.t.Fatalf("%s: %s: %v", script, r.Result.Value, err)
		}
	}
}

// await waits until JavaScript in the page is true.
func (b *browser) await(what, script string) {
	b.t.Helper()
	if !poll(browserPatience, func() (is bool) { b.eval("!!("+script+")", &is); return is }) {
		var text string
		b.eval("document.body.innerText", &text)
		b.t.Fatalf("%s: not in %v; the page says:\n%.3000s", what, browserPatience, text)
	}
}

// visit opens a URL and waits until it is all there.
func (b *browser) visit(url string) {
	b.t.Helper()
	b.call("Page.navigate", map[string]any{"url": url}, nil)
	b.await("the page at "+url, fmt.Sprintf("location.href === %q && document.readyState === 'complete'", url))
}

// window has the page laid out at a size in pixels.
func (b *browser) window(width, height int, phone bool) {
	b.t.Helper()
	b.call("Emulation.setDeviceMetricsOverride", map[string]any{
		"width": width, "height": height, "deviceScaleFactor": 1, "mobile": phone,
	}, nil)
}

// scheme is dark or light.
func (b *browser) scheme(name string) {
	b.t.Helper()
	b.call("Emulation.setEmulatedMedia", map[string]any{
		"features": []map[string]string{{"name": "prefers-color-scheme", "value": name}},
	}, nil)
}

// tab presses the tabulator key.
func (b *browser) tab() {
	b.t.Helper()
	for _, kind := range []string{"rawKeyDown", "keyUp"} {
		b.call("Input.dispatchKeyEvent", map[string]any{"type": kind, "key": "Tab", "code": "Tab",
			"windowsVirtualKeyCode": 9}, nil)
	}
}

// enter presses the return key, and does not wait for what comes of it: a dialog may.
func (b *browser) enter() {
	for _, kind := range []string{"keyDown", "keyUp"} {
		b.send("Input.dispatchKeyEvent", map[string]any{"type": kind, "key": "Enter", "code": "Enter", "text": "\r",
			"windowsVirtualKeyCode": 13})
	}
}

// picture writes what is to be seen to a file in the directory that PUMPD_SCREENSHOTS names, if it does.
func (b *browser) picture(name string, whole bool) {
	b.t.Helper()
	dir := os.Getenv("PUMPD_SCREENSHOTS")
	if dir == "" {
		return
	}
	var shot struct{ Data string }
	b.call("Page.captureScreenshot", map[string]any{"format": "png", "captureBeyondViewport": whole}, &shot)
	png, err := base64.StdEncoding.DecodeString(shot.Data)
	if err == nil {
		err = os.WriteFile(filepath.Join(dir, name+".png"), png, 0o644)
	}
	if err != nil {
		b.t.Fatal(err)
	}
}

// notes are what the page has asked for, what it asked the user, and what went wrong in it.
func (b *browser) notes() (asked, dialogs, broken []string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return slices.Clone(b.asked), slices.Clone(b.dialogs), slices.Clone(b.broken)
}
