package server

import (
	"bytes"
	"encoding/gob"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"reflect"
	"sync/atomic"
	"testing"
	"time"

	"pumpd/asf/asftest"
	"pumpd/server/access"
	"pumpd/server/admission"
	"pumpd/server/auth"
	"pumpd/server/bans"
	"pumpd/server/clock"
	"pumpd/server/config"
	"pumpd/server/gobtest"
	"pumpd/server/line"
	"pumpd/server/reason"
	"pumpd/server/stream"
)

var stranger = netip.MustParseAddr("192.0.2.7")

// moveNode has another server take up what s leaves beside its streams, which are the same ones in another order.
func moveNode(t *testing.T, s, to *Server) {
	t.Helper()
	places := map[*stream.Stream]int{}
	var streams []arrivingStream
	for i, st := range s.reg.Streams() {
		places[st] = i
		streams = append(streams, arrivingStream{stream: to.reg.Find([]byte(st.Config().Path))})
	}
	m := gobtest.Passed(t, s.leaveNode(places))
	if err := to.takeUp(&m, streams); err != nil {
		t.Fatal(err)
	}
}

// stillServer is a server that nobody runs.
func stillServer(t testing.TB, cfg *config.Config) *Server {
	t.Helper()
	s, err := New(cfg, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.release)
	return s
}

func configOf(paths ...string) *config.Config {
	c := config.Default()
	for _, path := range paths {
		c.Streams = append(c.Streams, config.Stream{Path: path, Enabled: true, Type: config.TypePush})
	}
	return c
}

// Whoever has to wait for their next guess have to wait for it in the process that goes on, and for the same stream.
func TestGuessersMove(t *testing.T) {
	to := stillServer(t, configOf("b", "a")) // first, so that nothing of the other one is later than its clock
	s := stillServer(t, configOf("a", "gone", "b"))
	for i, r := range []*auth.Record{s.node.access.Record, s.node.viewing.Record} {
		for range 6 + i {
			r.Wrong(s.reg.Find([]byte("a")).ID(), stranger, s.clock.Now())
			r.Wrong(s.reg.Find([]byte("gone")).ID(), stranger, s.clock.Now())
		}
	}
	places := map[*stream.Stream]int{s.reg.Find([]byte("b")): 0, s.reg.Find([]byte("a")): 1}
	streams := []arrivingStream{{stream: to.reg.Find([]byte("b"))}, {stream: to.reg.Find([]byte("a"))}}
	m := gobtest.Passed(t, s.leaveNode(places))
	if err := to.takeUp(&m, streams); err != nil {
		t.Fatal(err)
	}
	for i, r := range []*auth.Record{to.node.access.Record, to.node.viewing.Record} {
		list := r.Guessers(to.clock.Now())
		if len(list) != 1 || list[0].Stream != streams[1].stream.ID() || list[0].Wrong != 6+i {
			t.Errorf("%d: %+v", i, list)
		}
	}
	m.ViewGuessers[0].Stream = 2
	if to.takeUp(&m, streams) == nil {
		t.Error("wrong passwords for a stream that has not come are taken")
	}
}

// What a callback has said it need not say again to the process that goes on, unless that asks another one.
func TestAnswersMove(t *testing.T) {
	var asked atomic.Int64
	at := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { asked.Add(1) }))
	defer at.Close()
	cfg := configOf("a")
	cfg.Streams[0].AuthURL, cfg.Streams[0].AuthTTL = at.URL, config.Duration(time.Hour)
	cfg.Streams[0].AuthTimeout = config.Duration(time.Minute)
	other := configOf("a")
	other.Streams[0] = cfg.Streams[0]
	other.Streams[0].AuthTTL = config.Duration(time.Minute)
	ask := func(s *Server) access.Callback {
		r, _ := s.node.viewing.of(s.reg.Streams()[0])
		said := make(chan access.Answer, 1)
		done := func(a access.Answer) { said <- a }
		if a, known := r.caller.Ask(access.Question{Path: "/streams/a"}, stranger, time.Now(), done); known {
			return a.Callback
		}
		return (<-said).Callback
	}
	s := stillServer(t, cfg)
	for _, c := range []struct {
		of    *config.Config
		asked int64
	}{{cfg, 1}, {cfg, 1}, {other, 2}} {
		to := stillServer(t, c.of)
		ask(s)
		moveNode(t, s, to)
		if got := ask(to); got != access.CallbackAllows || asked.Load() != c.asked {
			t.Errorf("%d after %d questions, want %d after %d", got, asked.Load(), access.CallbackAllows, c.asked)
		}
		s = to
	}
}

// What the line was found to carry is so in the process that goes on, and a limit there.
func TestLineMoves(t *testing.T) {
	cfg := configOf("a")
	cfg.Server.Uplink.Auto = true
	to := stillServer(t, cfg)
	s := stillServer(t, cfg)
	now := s.clock.Now()
	for !s.node.line.Full() {
		now = now.Add(250 * time.Millisecond)
		s.node.line.Report(0, line.Report{Viewers: 9, Witnesses: 9, Pressed: 9, Given: 9e5, Delivered: 5e5}, now)
	}
	m := s.leaveNode(nil)
	m.Pump.Line.Alarmed = 0 // which the model's clock has far ahead
	m = gobtest.Passed(t, m)
	if err := to.takeUp(&m, nil); err != nil {
		t.Fatal(err)
	}
	if v := to.node.ledger.View(); v.Shut != admission.Line || v.Usable != s.node.ledger.View().Usable || v.Usable == 0 {
		t.Errorf("%d bit/s can be used, shut %v", v.Usable, v.Shut)
	}
	if got, want := to.node.line.View(), s.node.line.View(); got.Carries != 5e5 || got.Full != want.Full {
		t.Errorf("%+v, want %+v", got, want)
	}
}

// sourceOf claims a stream and gives it a header.
func sourceOf(t *testing.T, st *stream.Stream) *stream.Source {
	t.Helper()
	src, err := st.Claim(stream.Claim{Kind: stream.Push})
	if err != nil {
		t.Fatal(err)
	}
	if err := src.Header(asftest.Header(asftest.PacketSize, 320)); err != nil {
		t.Fatal(err)
	}
	return src
}

// What a stream was measured to take is what its viewers are reckoned to cost in the process that goes on.
func TestLedgerMoves(t *testing.T) {
	to := stillServer(t, configOf("a"))
	s := stillServer(t, configOf("a"))
	st := s.reg.Streams()[0]
	src := sourceOf(t, st)
	for i := range uint32(20) {
		if err := src.Packet(asftest.Packet(i, i*10, true, asftest.PacketSize, 500)); err != nil {
			t.Fatal(err)
		}
		n := st.Stats()
		s.node.ledger.Measure(st.ID(), admission.Sample{Declared: 1, Packet: asftest.PacketSize, Bytes: n.BytesIn.Load(),
			Packets: n.PacketsIn.Load(), At: clock.Instant(i) * 10_000})
	}
	d, err := s.depart(&freeze{s: s, loops: &atRest{}}, prepared{Streams: []string{"a"}})
	if err != nil {
		t.Fatal(err)
	}
	to.before = &predecessor{}
	of := gobtest.Passed(t, *d.describeStream(0))
	if err := to.arriveStream(&of, nil); err != nil {
		t.Fatal(err)
	}
	got, want := to.node.ledger.CostOf(to.reg.Streams()[0].ID(), 0), s.node.ledger.CostOf(st.ID(), 0)
	if got != want || got < 1000 {
		t.Errorf("a viewer costs %d, want %d", got, want)
	}
	of.Ledger.Measured.Seen = 21
	if to.arriveStream(&of, nil) == nil {
		t.Error("more was measured than there was, and that is taken")
	}
}

// What was counted is counted on, every counter of it.
func TestCountsMove(t *testing.T) {
	to, s := stillServer(t, configOf()), stillServer(t, configOf())
	for i, name := range []string{"Refused", "Banned", "Rounds", "Sends", "LogLost", "AccessLost"} {
		s.countersByName()[name].Store(uint64(i) + 3)
	}
	s.stats.logLost.Store(10)
	s.stats.ended[reason.Stalled].Store(4)
	s.stats.refused.Count(404)
	for _, h := range s.stats.histograms() {
		h.Observe(3, 2)
	}
	want := s.counters()
	moveNode(t, s, to)
	got := to.counters()
	got.Connections, got.Limit, got.Unknown = want.Connections, want.Limit, nil
	want.Unknown = nil
	if !reflect.DeepEqual(got, want) || got.LogLost != 17 {
		t.Errorf("%+v\nwant %+v", got, want)
	}
	refused := map[string]uint64{}
	to.stats.refused.All(func(status string, n uint64) { refused[status] = n })
	if refused["404"] != 1 || refused["other"] != 0 {
		t.Errorf("refused %v", refused)
	}
	moveNode(t, s, to)
	if n := to.counters(); n.Refused != 6 || n.FirstByte.Count != 4 || n.Ended[reason.Stalled] != 8 {
		t.Errorf("it does not add up: %+v", n)
	}
}

// Every counter is among those that go on, so that a new one is not forgotten.
func TestAllCountsGoOn(t *testing.T) {
	s := stillServer(t, configOf())
	known := map[any]bool{&s.stats.logLost: true} // which goes on as logLostBefore
	for _, c := range s.countersByName() {
		known[c] = true
	}
	for _, h := range s.stats.histograms() {
		known[h] = true
	}
	for _, of := range []reflect.Value{reflect.ValueOf(&s.stats).Elem(), reflect.ValueOf(&s.stats.hubs).Elem()} {
		for i := range of.NumField() {
			f := of.Field(i)
			where := f.Addr().UnsafePointer()
			is := func(v any) bool { return reflect.ValueOf(v).UnsafePointer() == where }
			if f.Kind() == reflect.Pointer {
				is = func(v any) bool { return reflect.ValueOf(v).UnsafePointer() == f.UnsafePointer() }
			}
			found := f.Type() != reflect.TypeFor[atomic.Uint64]() && f.Kind() != reflect.Pointer
			for v := range known {
				found = found || is(v)
			}
			if !found {
				t.Errorf("%s does not go on", of.Type().Field(i).Name)
			}
		}
	}
}

// nodeOnly is a server of which there is only what takes a movedNode up: a fuzz target makes many.
func nodeOnly(t testing.TB, cfg *config.Config) *Server {
	t.Helper()
	log := slog.New(slog.DiscardHandler)
	s := &Server{clock: clock.New(), log: log, node: newNode(&cfg.Server)}
	s.stats.measure()
	s.gate = newGate(&budget{connections: 100, encoders: 10, reserve: 10}, log)
	s.node.line = newLine(lineOf(&cfg.Server), s.node.ledger, log)
	var streams []*stream.Stream
	for i := range cfg.Streams {
		streams = append(streams, s.newStream(&cfg.Streams[i], &cfg.Server))
	}
	s.reg = stream.NewRegistry(s.clock, time.Minute, streams)
	var err error
	if s.node.access, err = newPushAccess(streams, s.clock); err != nil {
		t.Fatal(err)
	}
	if s.node.viewing, err = newViewAccess(streams, log, s.clock); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.node.viewing.close)
	return s
}

// FuzzNode takes what a process leaves beside its streams, or what has become of that. If it does, the server can be
// used.
func FuzzNode(f *testing.F) {
	cfg := configOf("a", "b")
	cfg.Server.Uplink.Auto = true
	cfg.Streams[0].AuthURL = "http://127.0.0.1:1/"
	s := nodeOnly(f, cfg)
	f.Add(gobtest.Encoded(f, s.leaveNode(nil)), []byte{})
	st := s.reg.Streams()[0]
	now := s.clock.Now()
	id := s.node.access.open(st, stranger, now, now.Add(time.Hour))
	s.node.access.keep(st, pushSession{id: id, from: stranger}, now, time.Hour)
	s.node.access.Wrong(st.ID(), stranger, now)
	s.node.viewing.Wrong(st.ID(), stranger, now)
	if err := s.gate.bans.Add(bans.Ban{Network: netip.MustParsePrefix("192.0.2.0/24"), Until: time.Now().Add(time.Hour)},
		time.Now()); err != nil {
		f.Fatal(err)
	}
	s.node.sessions.add(movedSession{ID: 7, From: [16]byte{1}, Ends: 9})
	m := s.leaveNode(map[*stream.Stream]int{st: 0})
	m.Pushes[0].Last = asftest.Header(asftest.PacketSize, 320)
	r, _ := s.node.viewing.of(st)
	m.Answers = []access.Snapshot{{Service: r.caller.Service, Answers: []access.KeptAnswer{{
		Answer: access.Answer{Callback: access.CallbackAllows, User: "ann", Keep: time.Hour},
		Until:  time.Now().Add(time.Hour),
	}}}}
	f.Add(gobtest.Encoded(f, m), []byte{})
	f.Add(gobtest.Encoded(f, m), []byte{3, 0, 1, 1})
	f.Fuzz(func(t *testing.T, b, script []byte) {
		var m movedNode
		if len(b) > 1<<20 || len(script) > 100 || gob.NewDecoder(bytes.NewReader(b)).Decode(&m) != nil {
			return
		}
		gobtest.Spoil(&m, script)
		s := nodeOnly(t, cfg)
		var streams []arrivingStream
		for _, st := range s.reg.Streams() {
			streams = append(streams, arrivingStream{stream: st})
		}
		if s.takeUp(&m, streams) != nil {
			return
		}
		now := s.clock.Now()
		for _, st := range s.reg.Streams() {
			s.node.access.Turn(st.ID(), stranger, now)
			s.node.access.open(st, stranger, now, now.Add(time.Hour))
			s.node.viewing.Turn(st.ID(), stranger, now)
			s.node.ledger.Ask(admission.Ask{Stream: st.ID(), From: stranger, Declared: 300e3, Packet: 1400})
		}
		s.node.line.Report(0, line.Report{Viewers: 1}, now.Add(time.Second))
		s.counters()
		s.leaveNode(nil)
	})
}
