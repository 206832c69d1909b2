package play

import (
	"bytes"
	"context"
	"encoding/binary"
	"encoding/gob"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"pumpd/asf/asftest"
	"pumpd/server/clock"
	"pumpd/server/config"
	"pumpd/server/standstill"
	"pumpd/server/stream"
	"pumpd/server/stream/streamtest"
)

// A process is one of several that play to a stream one after another, in this one.
type process struct {
	t      *testing.T
	cfg    config.Stream
	clock  clock.Clock
	log    bytes.Buffer
	st     *stream.Stream
	signal *standstill.Signal
	stop   context.CancelFunc
	ended  chan struct{}
	first  *stream.Element // of the chain in this process; nil: it has none yet
	last   *stream.Element // that was seen, in any
}

func newProcess(t *testing.T, cfg config.Stream) *process {
	cfg.Path = "x"
	p := &process{t: t, cfg: cfg, clock: clock.New()}
	p.make()
	return p
}

func (p *process) make() {
	log := slog.New(slog.NewTextHandler(&p.log, nil))
	p.st, _ = streamtest.New(p.t, p.cfg, streamtest.Options{Clock: p.clock, Log: log})
	p.signal, p.ended = standstill.NewSignal(), make(chan struct{})
}

func (p *process) run(from *Inheritance) {
	ctx, stop := context.WithCancel(p.t.Context())
	p.stop = stop
	st, signal, ended := p.st, p.signal, p.ended
	go func() {
		defer close(ended)
		if p.cfg.Slate != "" {
			RunSlate(ctx, st, signal, from)
		} else {
			RunFile(ctx, st, signal, from)
		}
	}()
}

func (p *process) end() {
	p.stop()
	<-p.ended
}

// move has the next process go on. spoil changes what goes along; nil: nothing does.
func (p *process) move(spoil func(*Snapshot)) {
	p.t.Helper()
	if err := p.signal.Park(p.t.Context(), p.ended); err != nil {
		p.t.Fatal(err)
	}
	state := p.signal.State()
	var s *Snapshot
	var file *os.File
	if of, ok := state.Snapshot.(*Snapshot); ok {
		s = streamtest.Gob(p.t, of)
		if err := s.Check(); err != nil {
			p.t.Fatal(err)
		}
	}
	if state.FD >= 0 {
		fd, err := syscall.Dup(state.FD)
		if err != nil {
			p.t.Fatal(err)
		}
		file = os.NewFile(uintptr(fd), "moved")
	}
	signal, ended, was := p.signal, p.ended, p.st
	p.make()
	streamtest.Move(p.t, was, p.st)
	p.first = p.st.Joins().Start
	signal.Leave()
	<-ended
	var from *Inheritance
	if s != nil {
		if spoil != nil {
			spoil(s)
		}
		from = Inherit(p.st, s, file)
	}
	p.st.Settle()
	p.run(from)
}

// seen adds what is new in the chain: each packet, and when it came.
func (p *process) seen(list []string) []string {
	synctest.Wait()
	if j := p.st.Joins(); p.first == nil && j != nil {
		p.first = j.Start
	}
	for _, e := range streamtest.Elements(p.first) {
		if p.last == nil || e.After(p.last) {
			list, p.last = append(list, fmt.Sprintf("%v %d %x", time.Duration(e.At()), e.Kind(), e.Full())), e
		}
	}
	return list
}

// gapFile has packets with a gap in the middle, which the second packet behind it confirms, and a damaged one.
func gapFile() []byte {
	b := asftest.File(50, 40)
	packets := b[len(b)-50*200:]
	for i := 25; i < 50; i++ {
		at := packets[i*200+7:]
		binary.LittleEndian.PutUint32(at, binary.LittleEndian.Uint32(at)+5000)
	}
	packets[10*200] = 0xFF
	return b
}

// What plays goes on in another process as it would have in this one: the same packets with the same times at the same
// moments, from lap to lap, also where somebody has removed the file.
func TestMoves(t *testing.T) {
	dir := t.TempDir()
	for _, tt := range []struct {
		name string
		file []byte // nil: the built-in clip
		cfg  config.Stream
	}{
		{"file", asftest.File(50, 40), config.Stream{Type: config.TypeFile}},
		{"with a gap", gapFile(), config.Stream{Type: config.TypeFile}},
		{"built-in", nil, config.Stream{Type: config.TypeFile}},
		{"slate", asftest.File(50, 40), config.Stream{Type: config.TypePush, SlateAfter: config.Duration(time.Second)}},
		{"built-in slate", nil, config.Stream{Type: config.TypePush, Slate: config.SlateBuiltin}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			run := func(moves int) (list []string) {
				name := filepath.Join(dir, "x")
				cfg := tt.cfg
				if tt.file != nil {
					if err := os.WriteFile(name, tt.file, 0o600); err != nil {
						t.Fatal(err)
					}
					if cfg.Type == config.TypeFile {
						cfg.File = name
					} else {
						cfg.Slate = name
					}
				}
				synctest.Test(t, func(t *testing.T) {
					p := newProcess(t, cfg)
					p.run(nil)
					random := rand.New(rand.NewPCG(1, uint64(moves)))
					for p.st.Joins() == nil {
						time.Sleep(10 * time.Millisecond)
					}
					list = p.seen(list)
					time.Sleep(2 * time.Second)
					if tt.file != nil {
						os.Remove(name)
					}
					for range moves {
						time.Sleep(time.Duration(random.IntN(300_000)) * time.Microsecond)
						list = p.seen(list)
						p.move(nil)
					}
					for p.clock.Now() < clock.Instant(20*time.Second) {
						time.Sleep(time.Second / 10)
						list = p.seen(list)
					}
					p.end()
					if strings.Contains(p.log.String(), "level=WARN msg=\"source") || strings.Contains(p.log.String(), "cannot") {
						t.Errorf("log:\n%s", p.log.String())
					}
				})
				return list
			}
			want, got := run(0), run(60)
			for i := range min(len(want), len(got)) {
				if want[i] != got[i] {
					t.Fatalf("element %d of %d: %.60s, without a move %.60s", i, len(got), got[i], want[i])
				}
			}
			if len(want) < 100 || len(got) < len(want)-3 || len(got) > len(want)+3 {
				t.Errorf("%d elements, without a move %d", len(got), len(want))
			}
		})
	}
}

// A slate that has moved gives way as before.
func TestMovedSlateGivesWay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newProcess(t, config.Stream{Type: config.TypePush, Slate: config.SlateBuiltin})
		p.run(nil)
		time.Sleep(5 * time.Second)
		p.move(nil)
		time.Sleep(time.Second)
		granted := make(chan struct{})
		if _, done, err := p.st.Inherit(stream.Claim{Kind: stream.Push}, func() { close(granted) }); done || err != nil {
			t.Fatalf("done %v, %v", done, err)
		}
		<-granted
		p.end()
	})
}

// A slate that stands still keeps the claim, whoever asks for it: what is described of the stream stays true. It gives
// way when it may go on.
func TestStandingSlateStays(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newProcess(t, config.Stream{Type: config.TypePush, Slate: config.SlateBuiltin})
		p.run(nil)
		time.Sleep(5 * time.Second)
		if err := p.signal.Park(t.Context(), p.ended); err != nil {
			t.Fatal(err)
		}
		granted := make(chan struct{})
		if _, done, err := p.st.Inherit(stream.Claim{Kind: stream.Push}, func() { close(granted) }); done || err != nil {
			t.Fatalf("done %v, %v", done, err)
		}
		time.Sleep(time.Second)
		if w := p.st.Writer(); w == nil || w.Kind() != stream.Slate || !p.st.Export().Contested() {
			t.Error("the slate has let go while it is to stand still")
		}
		p.signal.GoOn()
		<-granted
		p.end()
	})
}

// What does not fit is left, and the file begins anew; viewers stay.
func TestMovesNowhere(t *testing.T) {
	for name, spoil := range map[string]func(*Snapshot){
		"another file":   func(s *Snapshot) { s.Name = "y" },
		"another kind":   func(s *Snapshot) { s.Slate = true },
		"a short packet": func(s *Snapshot) { s.Packet = s.Packet[1:] },
		"a long one":     func(s *Snapshot) { s.Follows = make([]byte, len(s.Packet)+1) },
		"too far":        func(s *Snapshot) { s.Due = 1 << 60 },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p := newProcess(t, config.Stream{Type: config.TypeFile})
				p.run(nil)
				time.Sleep(5 * time.Second)
				p.move(spoil)
				time.Sleep(5 * time.Second)
				after := p.seen(nil)
				if p.st.State() != stream.Live || len(after) < 50 || strings.Contains(strings.Join(after, ""), " 2 ") {
					t.Errorf("%v, %d packets\n%s", p.st.State(), len(after), p.log.String())
				}
				p.end()
			})
		})
	}
}

// Whatever comes from another process is refused or can be played on, and nothing breaks.
func FuzzSnapshot(f *testing.F) {
	l, err := openLoop(f.Context(), "", sampleSize)
	if err != nil {
		f.Fatal(err)
	}
	for n := range 3 {
		packet, due, err := l.next(f.Context())
		if err != nil {
			f.Fatal(err)
		}
		var b bytes.Buffer
		s := Snapshot{Name: builtInClip, Packet: packet, Due: due, Measure: l.lap.measure, Number: l.lap.number, Good: n + 1}
		if err := gob.NewEncoder(&b).Encode(&s); err != nil {
			f.Fatal(err)
		}
		f.Add(b.Bytes())
	}
	published := l.header.Published()
	f.Fuzz(func(t *testing.T, description []byte) {
		var s Snapshot
		if gob.NewDecoder(bytes.NewReader(description)).Decode(&s) != nil || s.Check() != nil {
			return
		}
		l, err := s.loop(nil, published, 1<<40)
		if err != nil {
			return
		}
		for range 1000 {
			if _, _, err = l.next(t.Context()); err != nil && l.again() != nil {
				return
			}
		}
	})
}
