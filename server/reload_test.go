package server

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"pumpd/asf/asftest"
	"pumpd/codec"
	"pumpd/server/auth"
	"pumpd/server/clock"
	"pumpd/server/config"
	"pumpd/server/logging"
	"pumpd/server/logging/logtest"
	"pumpd/server/reason"
	"pumpd/server/stream"
)

// Every key of the configuration is applied by a reload, in one of the ways that settings.go names, or is named as one
// that needs a restart.
func TestReloadKnowsEveryKey(t *testing.T) {
	known := slices.Clone(askedOfStreams)
	for _, g := range settings {
		known = append(known, g.keys...)
	}
	for _, task := range tasks {
		known = append(known, task.keys...)
		for _, key := range task.global {
			if !slices.Contains(known, key) {
				t.Errorf("%s makes a task begin anew, and no setting has it", key)
			}
		}
	}
	all := config.Keys()
	for _, key := range all {
		if !slices.Contains(known, key) {
			t.Errorf("%s: a reload does not know what to do with it; CONTRIBUTING.md says where it belongs", key)
		}
	}
	for _, key := range known {
		if !slices.Contains(all, key) {
			t.Errorf("%s: a reload knows this key, and there is none", key)
		}
	}
}

// A reloadable is a whole server whose configuration a test changes.
type reloadable struct {
	*Server
	t    *testing.T
	cfg  *config.Config // what the next reload finds
	err  error          // or this
	book *logtest.Book
	at   netip.AddrPort
	halt func() // ends the server
}

func startReloadable(t *testing.T, change func(*config.Config)) *reloadable {
	t.Helper()
	r := &reloadable{t: t, book: &logtest.Book{}, cfg: config.Default()}
	r.cfg.Server.Listen, r.cfg.Server.Admin = []string{"127.0.0.1:0"}, ""
	r.cfg.Server.Merge = config.Merge{Interval: config.Duration(5 * time.Millisecond)}
	r.cfg.Streams = []config.Stream{{Path: "a", Enabled: true, Type: config.TypePush, OnSecondPush: "takeover"}}
	if change != nil {
		change(r.cfg)
	}
	s, err := New(r.copy(), slog.New(r.book))
	if err != nil {
		t.Fatal(err)
	}
	s.Load = func() (*config.Config, error) { return r.copy(), r.err }
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- s.Run(ctx) }()
	select {
	case <-s.Ready():
	case err := <-ended:
		t.Fatal(err)
	}
	r.halt = func() {
		cancel()
		err := <-ended
		ended <- err
	}
	t.Cleanup(r.halt)
	r.Server, r.at = s, s.Addrs()[0]
	return r
}

// copy is what loading the file again would give: nothing in it is shared with the last one.
func (r *reloadable) copy() *config.Config {
	c := *r.cfg
	c.Streams = slices.Clone(c.Streams)
	return &c
}

// change has the next configuration be another and reloads.
func (r *reloadable) change(do func(*config.Config)) *Report {
	r.t.Helper()
	do(r.cfg)
	report, err := r.Reload(r.t.Context())
	if err != nil {
		r.t.Fatal(err)
	}
	return report
}

// ask gives the status that a viewer of a path gets.
func (r *reloadable) ask(path string) int {
	r.t.Helper()
	c := dial(r.t, r.at)
	defer c.Close()
	fmt.Fprintf(c, "HEAD %s HTTP/1.0\r\nUser-Agent: curl/8\r\n\r\n", path)
	res, err := http.ReadResponse(bufio.NewReader(c), nil)
	if err != nil {
		r.t.Fatal(err)
	}
	return res.StatusCode
}

// until waits for something.
func (r *reloadable) until(what string, done func() bool) {
	r.t.Helper()
	for deadline := time.Now().Add(time.Minute); !done(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			r.t.Fatalf("not within a minute: %s", what)
		}
	}
}

func (r *reloadable) watch(path, agent string) io.Reader {
	r.t.Helper()
	c := dial(r.t, r.at)
	fmt.Fprintf(c, "GET /streams/%s HTTP/1.0\r\nUser-Agent: %s\r\nPragma: xPlayStrm=1\r\n\r\n", path, agent)
	res, err := http.ReadResponse(bufio.NewReader(c), nil)
	if err != nil || res.StatusCode != 200 {
		r.t.Fatalf("%s: %v, %v", path, res, err)
	}
	return res.Body
}

func fileStream(path string) config.Stream {
	return config.Stream{Path: path, Enabled: true, Type: config.TypeFile}
}

// A stream comes, and goes: its viewers are told, and those of others notice nothing.
func TestReloadStreamsComeAndGo(t *testing.T) {
	t.Parallel()
	r := startReloadable(t, nil)
	encoder := pushTo(t, r.at)
	stays := r.watch("a", ffmpegAgent)
	report := r.change(func(c *config.Config) { c.Streams = append(c.Streams, fileStream("b")) })
	if !slices.Equal(report.Added, []string{"b"}) || len(report.Changed) > 0 {
		t.Errorf("%+v, want b added and nothing else", report)
	}
	r.until("b is up", func() bool { return r.ask("/streams/b") == 200 })
	goes := r.watch("b", ffmpegAgent)
	removed := r.reg.Streams()[1]
	report = r.change(func(c *config.Config) { c.Streams = c.Streams[:1] })
	if !slices.Equal(report.Removed, []string{"b"}) {
		t.Errorf("%+v, want b removed", report)
	}
	b, err := io.ReadAll(goes)
	if end := codec.AppendReason(nil, 'E', 0); err != nil || !bytes.HasSuffix(b, end) {
		t.Errorf("a viewer of b: %d bytes, %v, want $E(0) and FIN at their end", len(b), err)
	}
	r.until("it left for that", func() bool { return removed.Stats().Left[reason.StreamRemoved].Load() == 1 })
	if code := r.ask("/streams/b"); code != 404 {
		t.Errorf("a newcomer to b gets %d, want 404", code)
	}
	encoder.Write(codec.AppendFrame(nil, 'D', asftest.Packet(1, 40, false, asftest.PacketSize, 500)))
	encoder.Write(codec.AppendReason(nil, 'E', 0))
	b, err = io.ReadAll(stays)
	if got := (&rig{t: t}).read(b); err != nil || got.headers != 1 || !slices.Equal(got.numbers, numbers(0, 2)) {
		t.Errorf("a viewer of a: %+v, %v, want one header and two packets", got, err)
	}
	r.until("nothing is left of b", func() bool { return removed.Joins() == nil && removed.Writer() == nil })
}

// The encoder of a stream that is removed is told so, and so is one whose stream has another kind of source.
func TestReloadEndsPushes(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		change func(*config.Config)
		answer string
		grace  bool // viewers wait
	}{
		{func(c *config.Config) { c.Streams[0].Enabled = false }, "404", false},
		{func(c *config.Config) { c.Streams[0] = fileStream("a") }, "403", true},
	} {
		r := startReloadable(t, nil)
		encoder := pushTo(t, r.at)
		viewer := r.watch("a", wmpAgent)
		r.change(c.change)
		if line, err := bufio.NewReader(encoder).ReadString('\n'); !strings.Contains(line, c.answer) {
			t.Errorf("the encoder: %q, %v, want %s", line, err, c.answer)
		}
		if !c.grace {
			if _, err := io.ReadAll(viewer); err != nil {
				t.Errorf("the viewer: %v, want the end", err)
			}
			continue
		}
		r.until("the file plays", func() bool {
			kind, _, ok := r.reg.Streams()[0].Feeder()
			return ok && kind.String() == "file"
		})
		if n := r.reg.Streams()[0].Stats().Viewers.Load(); n != 1 {
			t.Errorf("%d viewers, want the one that waited", n)
		}
	}
}

// A source that is to come from elsewhere begins anew, and viewers wait for that. What nobody could notice touches
// neither.
func TestReloadSource(t *testing.T) {
	t.Parallel()
	r := startReloadable(t, func(c *config.Config) { c.Streams[0] = fileStream("a") })
	r.until("a is up", func() bool { return r.ask("/streams/a") == 200 })
	st := r.reg.Streams()[0]
	viewer := r.watch("a", wmpAgent)
	source := st.Writer()
	report := r.change(func(c *config.Config) {
		c.Streams[0].Title, c.Streams[0].Hold = "A", config.Duration(time.Second)
	})
	if st.Writer() != source || st.Config().Title != "A" || !slices.Equal(report.Changed, []string{"a"}) {
		t.Errorf("%+v, source %v, want the one before and another title", report, st.Writer())
	}
	clip, err := filepath.Abs("play/clip/demo.asf")
	if err != nil {
		t.Fatal(err)
	}
	r.change(func(c *config.Config) { c.Streams[0].File = clip })
	r.until("another file plays", func() bool {
		_, who, ok := st.Feeder()
		return ok && who == clip
	})
	before := st.Stats().PacketsIn.Load()
	r.until("packets come", func() bool { return st.Stats().PacketsIn.Load() > before })
	if _, err := io.ReadFull(viewer, make([]byte, 1000)); err != nil || st.Stats().Viewers.Load() != 1 {
		t.Errorf("the viewer: %v, want it to go on", err)
	}
}

// A configuration that is wrong changes nothing and says why, and so does one that there are no descriptors for.
func TestReloadRefused(t *testing.T) {
	t.Parallel()
	r := startReloadable(t, nil)
	r.err = errors.New("pump.toml:1: one\npump.toml:2: two")
	if _, err := r.Reload(t.Context()); err != r.err {
		t.Errorf("got %v, want %v", err, r.err)
	}
	const refused = "ERROR reload refused, the configuration is as before"
	for _, line := range []string{" err=pump.toml:1: one", " err=pump.toml:2: two"} {
		r.until("the log says so", func() bool { return r.book.Count(refused+line) == 1 })
	}
	if n := r.lastReload.Load(); n.OK || n.Error != r.err.Error() || n.Loaded.Equal(n.At) {
		t.Errorf("the admin sees %+v", n)
	}
	r.err = nil
	old := r.config()
	r.cfg.Server.MaxConnections = 1 << 30
	r.cfg.Streams[0].Title = "A"
	if _, err := r.Reload(t.Context()); err == nil || r.config() != old || r.reg.Streams()[0].Config().Title != "" {
		t.Errorf("got %v, want an error and all as before", err)
	}
	r.cfg.Server.MaxConnections = 0
	if r.change(func(*config.Config) {}); !r.lastReload.Load().OK || r.reg.Streams()[0].Config().Title != "A" {
		t.Errorf("after a good one the admin sees %+v", r.lastReload.Load())
	}
}

// What cannot change is named, as long as it is otherwise in the file, and the rest counts.
func TestReloadNamesWhatNeedsARestart(t *testing.T) {
	t.Parallel()
	r := startReloadable(t, func(c *config.Config) { c.Server.Loops = 1 })
	var level slog.LevelVar
	r.Level = &level
	for range 2 {
		report := r.change(func(c *config.Config) { c.Server.Loops, c.Server.LogLevel = 2, "error" })
		if !slices.Equal(report.Restart, []string{"server.loops"}) || r.config().Server.Loops != 1 {
			t.Errorf("%+v with %d loops, want server.loops to wait", report, r.config().Server.Loops)
		}
	}
	r.until("the log has what was done", func() bool { return r.book.Count("INFO reloaded keys=server.log_level") == 1 })
	r.until("and what was not", func() bool {
		return r.book.Count("WARN reload: some keys count from the next start on keys=server.loops") == 2
	})
	if level.Level() != slog.LevelError || !slices.Equal(r.lastReload.Load().Restart, []string{"server.loops"}) {
		t.Errorf("level %v, the admin sees %+v", level.Level(), r.lastReload.Load())
	}
	if report := r.change(func(c *config.Config) { c.Server.Loops = 1 }); !report.Nothing() {
		t.Errorf("%+v, want nothing left", report)
	}
}

// Limits reach loops, streams and the gate.
func TestReloadLimits(t *testing.T) {
	t.Parallel()
	r := startReloadable(t, nil)
	source := pushTo(t, r.at)
	defer source.Close()
	r.change(func(c *config.Config) {
		c.Server.MaxConnections = 20
		c.Server.Redirect404To = "http://elsewhere.example/"
		c.Timeouts.SourceGrace = config.Duration(time.Minute)
	})
	r.until("loops know", func() bool { return r.ask("/streams/none") == 302 })
	if most, grace := r.gate.most.Load(), r.reg.Streams()[0].Grace(); most != 20 || grace != time.Minute {
		t.Errorf("%d connections, a grace of %v, want 20 and 1m", most, grace)
	}
}

// A server that has stopped takes no reload any more.
func TestReloadAtTheEnd(t *testing.T) {
	t.Parallel()
	r := startReloadable(t, nil)
	r.halt()
	if _, err := r.Reload(t.Context()); err != errOver {
		t.Errorf("got %v, want %v", err, errOver)
	}
}

// Who waits for a stream that is removed is told that there is none.
func TestRetireHeld(t *testing.T) {
	r := newRig(t, func(c *config.Config) { c.Streams[0].Hold = config.Duration(time.Minute) }, "a", "b")
	p := r.watch("a", ffmpegAgent)
	st := r.reg.Streams()[0]
	r.reg.SetStreams(r.reg.Streams()[1:])
	r.loop.retire([]*stream.Stream{st}, r.at)
	r.turn()
	if !strings.Contains(p.status(), "404") || st.Stats().Held.Load() != 0 {
		t.Errorf("%q, %d held, want 404 and none", p.status(), st.Stats().Held.Load())
	}
}

// Pumps are told too that a stream is no more, and one whose socket is full as soon as it can be.
func TestRetireViewers(t *testing.T) {
	r := newRig(t, nil, "a", "b")
	f := r.feeder(0, 320)
	f.publish(1)
	viewer, tight := r.watch("a", ffmpegAgent), r.watch("a", ffmpegAgent)
	tight.room = 20
	f.publish(1)
	r.turn()
	st := r.reg.Streams()[0]
	r.reg.SetStreams(r.reg.Streams()[1:])
	r.loop.tell(func(now clock.Instant) { r.loop.retire([]*stream.Stream{st}, now) })
	r.turn()
	if got := r.read(viewer.body()); got.ended != 0 || !viewer.fin {
		t.Errorf("$E %d, FIN %v, want 0 and true", got.ended, viewer.fin)
	}
	tight.room = plenty
	r.turn()
	if got := r.read(tight.body()); got.ended != 0 || !tight.fin || !slices.Equal(got.numbers, numbers(0, 2)) {
		t.Errorf("half-sent frame: %+v, FIN %v, want it whole, then the end", got, tight.fin)
	}
	if n := st.Stats().Left[reason.StreamRemoved].Load(); n != 2 {
		t.Errorf("%d left because of that, want 2", n)
	}
}

// An encoder that could not come in any more has to go, and cannot come back by its push-id. Others stay.
func TestReloadPushRights(t *testing.T) {
	for _, c := range []struct {
		name         string
		before, then []auth.Secret
		from         []string
		stays        bool
	}{
		{"a user more", []auth.Secret{"encoder:secret"}, []auth.Secret{"encoder:secret", "b:c"}, nil, true},
		{"another password", []auth.Secret{"encoder:secret"}, []auth.Secret{"encoder:other"}, nil, false},
		{"the first password", nil, []auth.Secret{"encoder:secret"}, nil, false},
		{"a network more", nil, nil, []string{"192.0.2.0/24", "198.51.100.0/24"}, true},
		{"another network", nil, nil, []string{"198.51.100.0/24"}, false},
	} {
		r := newRig(t, func(cfg *config.Config) { cfg.Streams[0].PushUsers = c.before }, "a")
		st := r.reg.Streams()[0]
		e := r.encoder()
		right := "Authorization: Basic ZW5jb2RlcjpzZWNyZXQ=\r\n" // encoder:secret
		e.post(setupType, "0", 0, right)
		_, after, _ := strings.Cut(string(e.got), "push-id=")
		e.id, _, _ = strings.Cut(after, "\r\n")
		e.start(endless)
		e.header(320)
		e.push(1)
		to := *st.Config()
		to.PushUsers = c.then
		if c.from != nil {
			to.PushFrom = c.from
		}
		from := st.Config()
		rights, err := parsePushRights(&to)
		if err != nil {
			t.Fatal(err)
		}
		st.Configure(&to, &config.Default().Server)
		r.loop.node.access.replace(pushRightsByStream{st: rights})
		s := &Server{node: r.loop.node}
		s.retire(nil, map[*stream.Stream]dismissal{
			st: s.dismissalOf(st, config.StreamChange{From: from, To: &to, Keys: pushKeys}),
		})
		r.turn()
		if stays := st.Writer() != nil && !e.fin; stays != c.stays {
			t.Errorf("%s: it stays: %v, want %v; %q", c.name, stays, c.stays, e.got)
		}
		if c.stays {
			continue
		}
		again := r.encoder()
		if again.post(startType, e.id, 100, ""); !strings.Contains(again.status(), " 40") {
			t.Errorf("%s: by its push-id it gets %q", c.name, again.status())
		}
	}
}

// Another access log, and another form of the log, count from a reload on; one that cannot be opened refuses it.
func TestReloadLogs(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	r := startReloadable(t, nil)
	pushTo(t, r.at)
	var out bytes.Buffer
	r.Format = logging.NewFormat(&out, slog.LevelInfo)
	log := slog.New(r.Format)
	report := r.change(func(c *config.Config) {
		c.Server.LogFormat, c.Server.AccessLog, c.Server.AccessFormat = "json", filepath.Join(dir, "one"), "json"
	})
	if len(report.Restart) > 0 || len(report.Keys) != 3 {
		t.Errorf("%+v, want three keys that count at once", report)
	}
	if log.Info("x"); !strings.HasPrefix(out.String(), "{") {
		t.Errorf("the log has %q, want JSON", out.String())
	}
	visit := func(agent string) {
		c := dial(t, r.at)
		fmt.Fprintf(c, "GET /streams/a HTTP/1.0\r\nUser-Agent: %s\r\nPragma: xPlayStrm=1\r\n\r\n", agent)
		if _, err := io.ReadFull(c, make([]byte, 100)); err != nil {
			t.Fatal(err)
		}
		c.Close()
	}
	has := func(name, agent string) bool {
		b, _ := os.ReadFile(filepath.Join(dir, name))
		return strings.Contains(string(b), agent)
	}
	visit("first")
	r.until("the first viewer is in the first log", func() bool { return has("one", "first") })
	r.cfg.Server.AccessLog = filepath.Join(dir, "none", "log")
	if _, err := r.Reload(t.Context()); err == nil || !strings.HasPrefix(err.Error(), "access_log: ") {
		t.Errorf("got %v, want access_log refused", err)
	}
	visit("second")
	r.until("it goes on", func() bool { return has("one", "second") })
	r.change(func(c *config.Config) { c.Server.AccessLog, c.Server.AccessFormat = filepath.Join(dir, "two"), "w3c" })
	visit("third")
	r.until("the third viewer is in the second log", func() bool { return has("two", "third") })
	if has("one", "third") || has("two", "first") || !has("two", "#Fields: c-ip") {
		t.Error("lines are in the wrong log")
	}
	r.change(func(c *config.Config) { c.Server.AccessLog = "" })
	visit("fourth")
	r.until("the log has what the access log had", func() bool { return r.book.Count("INFO viewer left") > 0 })
}
