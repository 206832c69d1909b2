package play

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"pumpd/asf/asftest"
	"pumpd/server/clock"
	"pumpd/server/config"
	"pumpd/server/stream"
	"pumpd/server/stream/streamtest"
)

// openTestLoop is a loop of a file in memory.
func openTestLoop(b []byte) (*fileLoop, error) {
	return newFileLoop(context.Background(), "x", bytes.NewReader(b), 0)
}

// lapOf reads one lap: copies of its packets, and when they are due. It leaves the loop at the end of the lap.
func lapOf(t *testing.T, l *fileLoop) (packets [][]byte, due []time.Duration) {
	t.Helper()
	for {
		b, at, err := l.next(t.Context())
		if err == io.EOF {
			return packets, due
		}
		if err != nil {
			t.Fatal(err)
		}
		packets, due = append(packets, bytes.Clone(b)), append(due, at)
	}
}

func TestBuiltInClip(t *testing.T) {
	if len(demoClip) >= 500_000 {
		t.Errorf("%d bytes, want less than 500,000", len(demoClip))
	}
	l, err := openLoop(t.Context(), "", 0)
	if err != nil {
		t.Fatal(err)
	}
	if !l.header.HasVideo() || len(l.header.Streams) != 2 {
		t.Errorf("streams %+v, want one video and one audio", l.header.Streams)
	}
	packets, due := lapOf(t, l)
	length := l.lap.measure.Length()
	// 240 blocks of 2,048 samples are 10,240 ms, and a step of 42 2/3 is taken for 43.
	if length != 10_241 || l.lap.bad > 0 {
		t.Errorf("a lap lasts %d ms and has %d bad packets, want 10241 and none", length, l.lap.bad)
	}
	var joins []time.Duration
	for i, b := range packets {
		p, err := l.header.ParsePacket(b)
		if err != nil {
			t.Fatal(err)
		}
		if p.Join {
			joins = append(joins, due[i])
		}
	}
	joins = append(joins, time.Duration(length)*time.Millisecond)
	for i, at := range joins[1:] {
		if gap := at - joins[i]; joins[0] > 100*time.Millisecond || gap > 2*time.Second {
			t.Errorf("key frames at %v, want one at the start and the next never more than 2s later", joins)
			break
		}
	}
}

// Times go on from lap to lap, over the end of the 32-bit clock too, and packets are due when their times say.
func TestFileLoopTimes(t *testing.T) {
	const packets, step = 50, 40
	l, err := openTestLoop(asftest.File(packets, step))
	if err != nil {
		t.Fatal(err)
	}
	for _, lap := range []uint64{0, 1, 2, 1<<32/(packets*step) - 1, 1 << 32 / (packets * step), 1 << 40} {
		l.begin, l.shift = time.Duration(lap)*packets*step*time.Millisecond, uint32(lap*packets*step)
		if err := l.rewind(); err != nil {
			t.Fatal(err)
		}
		for i := range uint64(2 * packets) {
			b, due, err := l.next(t.Context())
			if err == io.EOF && i == packets {
				if err = l.again(); err == nil {
					b, due, err = l.next(t.Context())
				}
			}
			if err != nil {
				t.Fatal(err)
			}
			p, err := l.header.ParsePacket(b)
			if err != nil {
				t.Fatal(err)
			}
			at := (lap*packets + i) * step // ms since the first packet
			if want := uint32(1000 + at); p.SendTime != want {
				t.Fatalf("lap %d, packet %d: send time %d, want %d", lap, i, p.SendTime, want)
			}
			if shown := binary.LittleEndian.Uint32(b[25:]); shown != p.SendTime+3000 {
				t.Fatalf("lap %d, packet %d: presentation time %d, want %d", lap, i, shown, p.SendTime+3000)
			}
			if want := time.Duration(at) * time.Millisecond; due != want {
				t.Fatalf("lap %d, packet %d: due at %v, want %v", lap, i, due, want)
			}
			if want := uint32(i % packets); asftest.Number(b) != want {
				t.Fatalf("lap %d: packet %d, want %d", lap, asftest.Number(b), want)
			}
		}
	}
}

// Send times that go back, as some files have, do not turn the schedule back.
func TestFileLoopIsMonotone(t *testing.T) {
	b := asftest.File(50, 40)
	at := len(asftest.Header(200, 320)) + 10*200 // the eleventh packet
	binary.LittleEndian.PutUint32(b[at+7:], 1000)
	l, err := openTestLoop(b)
	if err != nil {
		t.Fatal(err)
	}
	packets, due := lapOf(t, l)
	if len(packets) != 50 || !slices.IsSorted(due) {
		t.Fatalf("%d packets, due at %v", len(packets), due)
	}
}

// badPackets are what has been found in place of a packet.
var badPackets = map[string]func(b []byte){
	"zeros": func(b []byte) { clear(b) },
	"0xFF": func(b []byte) {
		for i := range b {
			b[i] = 0xFF
		}
	},
	"another stream":          func(b []byte) { b[14] = 0x80 | 9 },
	"sent in 20 minutes":      func(b []byte) { shiftSend(b, 1_200_000) },
	"sent 20 minutes ago":     func(b []byte) { shiftSend(b, -1_200_000) },
	"sent in 2 minutes":       func(b []byte) { shiftSend(b, 120_000) },
	"more padding than bytes": func(b []byte) { binary.LittleEndian.PutUint16(b[5:], 0xFFFF) },
}

func shiftSend(b []byte, by int32) {
	binary.LittleEndian.PutUint32(b[7:], binary.LittleEndian.Uint32(b[7:])+uint32(by))
}

// Packets that are none, wherever they are, cost themselves and nothing else: the others are due when they were.
func TestFileLoopLeavesBadPacketsOut(t *testing.T) {
	const packets, step = 50, 40
	for name, spoil := range badPackets {
		for _, at := range [][]int{{0}, {1}, {25}, {49}, {0, 49}, {7, 9, 11}, {10, 20, 30, 40}} {
			b := asftest.File(packets, step)
			for _, n := range at {
				spoil(b[len(asftest.Header(200, 320))+n*200:][:200])
			}
			l, err := openTestLoop(b)
			if err != nil {
				t.Errorf("%s at %v: %v", name, at, err)
				continue
			}
			got, due := lapOf(t, l)
			if len(got) != packets-len(at) || l.lap.bad != len(at) {
				t.Errorf("%s at %v: %d packets and %d bad ones", name, at, len(got), l.lap.bad)
				continue
			}
			if want := fmt.Sprintf("packet %d: ", at[0]+1); !strings.HasPrefix(l.lap.flaw.Error(), want) {
				t.Errorf("%s at %v: first flaw %q, want %q", name, at, l.lap.flaw, want)
			}
			first := asftest.Number(got[0])
			for i, p := range got {
				if want := time.Duration(asftest.Number(p)-first) * step * time.Millisecond; due[i] != want {
					t.Fatalf("%s at %v: packet %d is due at %v, want %v", name, at, asftest.Number(p), due[i], want)
				}
			}
			if length := int(l.lap.measure.Length()); length > packets*step+len(at) || length < (packets-2)*step {
				t.Errorf("%s at %v: a lap of %d ms, want about %d", name, at, length, packets*step)
			}
		}
	}
}

func TestFileLoopRefuses(t *testing.T) {
	good := asftest.File(50, 40)
	packets := len(asftest.Header(200, 320))
	spoiled := func(bad int) []byte {
		b := bytes.Clone(good)
		clear(b[packets : packets+bad*200])
		return b
	}
	for _, tt := range []struct {
		name string
		b    []byte
		want string // "" plays
	}{
		{"empty", nil, "EOF"},
		{"not ASF", bytes.Repeat([]byte("x"), 1000), "begins with"},
		{"only a header", good[:packets], "no packets"},
		{"cut in the header", good[:packets-60], "file ends"},
		{"shorter than a second", asftest.File(20, 40), "want at least 1s"},
		{"all packets at one time", asftest.File(50, 0), "want at least 1s"},
		{"half of it bad", spoiled(25), ""},
		{"most of it bad", spoiled(26), "26 of 50 packets are bad, the first: packet 1: "},
		{"all of it bad", spoiled(50), "50 of 50 packets are bad"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, err := openTestLoop(tt.b)
			if tt.want == "" && err != nil || tt.want != "" && (err == nil || !strings.Contains(err.Error(), tt.want)) {
				t.Errorf("%v, want an error with %q", err, tt.want)
			}
		})
	}
}

// A sample is enough to begin with, unless most of it is bad.
func TestFileLoopLooksAtASample(t *testing.T) {
	b := asftest.File(400, 40)
	packets := len(asftest.Header(200, 320))
	clear(b[packets+300*200:]) // bad at the end
	file := &countingFile{Reader: bytes.NewReader(b)}
	if _, err := newFileLoop(t.Context(), "x", file, 50*200); err != nil || file.read > len(b)-1000 {
		t.Errorf("%v, read %d bytes, want some of %d", err, file.read, len(b))
	}
	b = asftest.File(1000, 40)
	clear(b[packets : packets+100*200]) // bad at the beginning, and not on the whole
	if _, err := newFileLoop(t.Context(), "x", bytes.NewReader(b), 50*200); err != nil {
		t.Error(err)
	}
}

type countingFile struct {
	*bytes.Reader
	read int
}

func (f *countingFile) Read(b []byte) (int, error) {
	n, err := f.Reader.Read(b)
	f.read += n
	return n, err
}

// A packet costs no memory, so a file of any size plays.
func TestFileLoopAllocatesNothing(t *testing.T) {
	l, err := openTestLoop(asftest.File(2000, 40))
	if err != nil {
		t.Fatal(err)
	}
	ctx := t.Context()
	if n := testing.AllocsPerRun(1000, func() {
		if _, _, err := l.next(ctx); err != nil {
			t.Fatal(err)
		}
	}); n > 0 {
		t.Errorf("%v allocations for a packet, want none", n)
	}
}

func TestOpenLoop(t *testing.T) {
	dir := t.TempDir()
	good, huge := filepath.Join(dir, "good.asf"), filepath.Join(dir, "huge.asf")
	for _, name := range []string{good, huge} {
		if err := os.WriteFile(name, asftest.File(50, 40), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Truncate(huge, 5<<30); err != nil { // with what is no packet behind the packets, as indexes are
		t.Fatal(err)
	}
	for _, tt := range []struct{ name, want string }{
		{good, ""},
		{huge, ""},
		{filepath.Join(dir, "none.asf"), "none.asf: no such file"},
		{dir, dir + ": not an ordinary file"},
	} {
		l, err := openLoop(t.Context(), tt.name, sampleSize)
		if tt.want != "" {
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("%s: %v, want an error with %q", tt.name, err, tt.want)
			}
			continue
		}
		if err != nil {
			t.Errorf("%s: %v", tt.name, err)
			continue
		}
		if packets, _ := lapOf(t, l); len(packets) != 50 {
			t.Errorf("%s: %d packets, want 50", tt.name, len(packets))
		}
		l.close()
	}
}

// The clip as a stream: two and a half laps without a drift, and an end when it is told to.
func TestRunFile(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		st, _ := streamtest.New(t, config.Stream{Path: "demo", Type: config.TypeFile}, streamtest.Options{})
		ctx, cancel := context.WithCancel(t.Context())
		begin := st.Clock().Now()
		go RunFile(ctx, st, nil, nil)
		synctest.Wait()
		first := st.Up().Start
		time.Sleep(25 * time.Second)
		synctest.Wait()

		h := st.Header()
		packets := 0
		var sent uint32
		for _, e := range streamtest.Elements(first)[1:] {
			p, err := h.ParsePacket(e.Full())
			if err != nil {
				t.Fatal(err)
			}
			if want := begin.Add(time.Duration(p.SendTime) * time.Millisecond); e.At() < want ||
				e.At().Since(want) > 50*time.Millisecond {
				t.Fatalf("packet %d with send time %d came %v after that", packets, p.SendTime, e.At().Since(want))
			}
			if step := int32(p.SendTime - sent); step < 0 || step > 200 {
				t.Fatalf("packet %d: send time %d after %d", packets, p.SendTime, sent)
			}
			sent = p.SendTime
			packets++
		}
		if sent < 24_800 || sent > 25_000 {
			t.Errorf("after 25s the send time is %d ms", sent)
		}
		if n := st.Stats().Generations.Load(); n != 1 {
			t.Errorf("%d generations, want 1", n)
		}
		cancel()
		synctest.Wait()
		all := streamtest.Elements(first)
		if all[len(all)-1].Kind() != stream.EndElement || st.State() != stream.Idle || st.Writer() != nil {
			t.Errorf("stopped: state %v, owner %v, want idle and nobody", st.State(), st.Writer())
		}
	})
}

// After the machine was asleep the file goes on where it was, at its own pace, and does not pour out what it missed.
func TestRunFileAfterSleep(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var st *stream.Stream
		st, _ = streamtest.New(t, config.Stream{Path: "demo", Type: config.TypeFile}, streamtest.Options{Bell: func() {
			if st.Stats().PacketsIn.Load() == 100 {
				time.Sleep(time.Hour)
			}
		}})
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		go RunFile(ctx, st, nil, nil)
		time.Sleep(time.Hour + time.Minute)
		synctest.Wait()
		l, err := openLoop(t.Context(), "", 0)
		if err != nil {
			t.Fatal(err)
		}
		packets, _ := lapOf(t, l)
		perSecond := float64(len(packets)) * 1000 / float64(l.lap.measure.Length())
		if n := float64(st.Stats().PacketsIn.Load()); n > 61*perSecond {
			t.Errorf("%.0f packets in a minute of being awake, want at most %.0f", n, 61*perSecond)
		}
	})
}

// A file that cannot be played is tried again, and one that somebody repairs then plays.
func TestRunFileTriesAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		name := filepath.Join(t.TempDir(), "x.asf")
		st, _ := streamtest.New(t, config.Stream{Path: "x", Type: config.TypeFile, File: name},
			streamtest.Options{})
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		go RunFile(ctx, st, nil, nil)
		time.Sleep(time.Minute)
		synctest.Wait()
		if st.State() != stream.Idle || st.Writer() != nil {
			t.Fatalf("state %v without a file", st.State())
		}
		if fault := st.Fault(); !strings.Contains(fault.Text, name) {
			t.Errorf("fault %+v, want one that names the file", fault)
		}
		if err := os.WriteFile(name, asftest.File(50, 40), 0o600); err != nil {
			t.Fatal(err)
		}
		time.Sleep(clock.Backoff(100, 0))
		synctest.Wait()
		if st.State() != stream.Live {
			t.Errorf("state %v, want live", st.State())
		}
		cancel()
		synctest.Wait()
	})
}

// While somebody else has the stream the file waits.
func TestRunFileBusy(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		st, _ := streamtest.New(t, config.Stream{Path: "demo", Type: config.TypeFile}, streamtest.Options{})
		other, err := st.Claim(stream.Claim{Kind: stream.Pull, Who: "other"})
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		go RunFile(ctx, st, nil, nil)
		time.Sleep(5 * time.Second)
		synctest.Wait()
		if st.Up() != nil {
			t.Error("file plays on a stream that is somebody else's")
		}
		other.End()
		time.Sleep(clock.Backoff(100, 0))
		synctest.Wait()
		if st.State() != stream.Live {
			t.Errorf("state %v after the other has gone, want live", st.State())
		}
		cancel()
		synctest.Wait()
	})
}

// One line and a count say that a file has bad packets, however often it goes round.
func TestRunFileWithABadPacket(t *testing.T) {
	for name, spoil := range badPackets {
		synctest.Test(t, func(t *testing.T) {
			b := asftest.File(50, 40)
			spoil(b[len(asftest.Header(200, 320))+25*200:][:200])
			file := filepath.Join(t.TempDir(), "x.asf")
			if err := os.WriteFile(file, b, 0o600); err != nil {
				t.Fatal(err)
			}
			var log bytes.Buffer
			st, _ := streamtest.New(t, config.Stream{Path: "x", Type: config.TypeFile, File: file},
				streamtest.Options{Log: slog.New(slog.NewTextHandler(&log, nil))})
			ctx, cancel := context.WithCancel(t.Context())
			go RunFile(ctx, st, nil, nil)
			time.Sleep(3*2*time.Second - time.Millisecond)
			cancel()
			synctest.Wait()
			if in, bad := st.Stats().PacketsIn.Load(), st.Stats().BadPackets.Load(); in != 3*49 || bad != 3 {
				t.Errorf("%s: %d packets, %d bad, want 147 and 3", name, in, bad)
			}
			if n := st.Stats().Generations.Load(); n != 1 {
				t.Errorf("%s: %d generations, want 1", name, n)
			}
			if got := log.String(); strings.Count(got, "level=WARN") != 1 || !strings.Contains(got, "packet 26: ") {
				t.Errorf("%s: log %q, want one WARN about packet 26", name, got)
			}
		})
	}
}

// A file that is replaced plays from its next lap on, with its header or another; what cannot be played, or is gone,
// does not end the one that plays.
func TestRunFileReplaced(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dir := t.TempDir()
		name, young := filepath.Join(dir, "x.asf"), filepath.Join(dir, "young.asf")
		put := func(b []byte) {
			t.Helper()
			if err := os.WriteFile(young, b, 0o600); err != nil {
				t.Fatal(err)
			}
			if err := os.Rename(young, name); err != nil {
				t.Fatal(err)
			}
		}
		put(asftest.File(50, 40))
		var log bytes.Buffer
		st, _ := streamtest.New(t, config.Stream{Path: "x", Type: config.TypeFile, File: name},
			streamtest.Options{Log: slog.New(slog.NewTextHandler(&log, nil))})
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		go RunFile(ctx, st, nil, nil)
		check := func(packets, generations uint64) {
			t.Helper()
			time.Sleep(2 * time.Second)
			synctest.Wait()
			if got := st.Stats().PacketsIn.Load(); got != packets {
				t.Errorf("%d packets, want %d", got, packets)
			}
			if got := st.Stats().Generations.Load(); got != generations {
				t.Errorf("%d generations, want %d", got, generations)
			}
		}
		time.Sleep(time.Second - time.Millisecond)
		put(asftest.File(100, 20)) // twice as many in the same time
		check(50+50, 1)            // the first half of it
		put([]byte("not a file"))
		check(50+100+50, 1)
		if err := os.Remove(name); err != nil {
			t.Fatal(err)
		}
		check(50+200+50, 1)
		put(asftest.FileOf(640, 50, 40))
		check(50+300+25, 2)
		got := log.String()
		if strings.Count(got, "file was replaced\"") != 2 || strings.Count(got, "level=ERROR") != 1 {
			t.Errorf("log %q, want two replacements and one error", got)
		}
		last := streamtest.Elements(st.Up().Start)
		var sent uint32
		for _, e := range last {
			if e.Kind() != stream.PacketElement {
				sent = 0
				continue
			}
			at := binary.LittleEndian.Uint32(e.Full()[7:])
			if step := int32(at - sent); sent > 0 && (step < 0 || step > 100) {
				t.Errorf("send time %d after %d", at, sent)
			}
			sent = at
		}
	})
}

// A slate with bad packets plays, and one that is put there later does.
func TestSlateWithABadPacket(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		name := filepath.Join(t.TempDir(), "x.asf")
		st, _ := streamtest.New(t, config.Stream{Path: "x", Type: config.TypePush, Slate: name,
			SlateAfter: config.Duration(time.Second)},
			streamtest.Options{})
		ctx, cancel := context.WithCancel(t.Context())
		go RunSlate(ctx, st, nil, nil)
		time.Sleep(3 * time.Second)
		b := asftest.File(50, 40)
		for i := range 200 {
			b[len(asftest.Header(200, 320))+25*200+i] = 0xFF
		}
		if err := os.WriteFile(name, b, 0o600); err != nil {
			t.Fatal(err)
		}
		time.Sleep(clock.Backoff(100, 0) + 2*time.Second)
		synctest.Wait()
		if st.State() != stream.Live || st.Stats().BadPackets.Load() == 0 {
			t.Errorf("state %v, %d bad packets, want live and some", st.State(), st.Stats().BadPackets.Load())
		}
		cancel()
		synctest.Wait()
	})
}
