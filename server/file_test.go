package server

import (
	"bytes"
	"context"
	"encoding/binary"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// fedStream is a stream for a pull or a file to feed; nothing of it is on a loop.
func fedStream(t *testing.T, cfg StreamConfig, bell func(*loopSet, instant)) *stream {
	t.Helper()
	if bell == nil {
		bell = func(*loopSet, instant) {}
	}
	c := newClock()
	st, err := newStream(0, &cfg, slog.New(slog.DiscardHandler), c, &DefaultConfig().Server, bell)
	if err != nil {
		t.Fatal(err)
	}
	newRegistry(c, 30*time.Second, []*stream{st})
	return st
}

// elements lists the chain from e on.
func elements(e *element) (list []*element) {
	for ; e != nil; e = e.next.Load() {
		list = append(list, e)
	}
	return list
}

// testFile is an ASF file of testPackets that many ms apart.
func testFile(packets int, step uint32) []byte {
	b := testHeader(200, 320)
	data := len(b) - 50
	b[bytes.Index(b, guidFile)+88] = 0 // not a broadcast
	binary.LittleEndian.PutUint64(b[data+16:], uint64(50+200*packets))
	for i := range packets {
		b = append(b, testPacket(uint32(i), 1000+uint32(i)*step, i%10 == 0, 200, 60)...)
	}
	return b
}

func TestBuiltInClip(t *testing.T) {
	if len(demoClip) >= 500_000 {
		t.Errorf("%d bytes, want less than 500,000", len(demoClip))
	}
	l, err := openLoop("")
	if err != nil {
		t.Fatal(err)
	}
	if !l.header.HasVideo() || len(l.header.Streams) != 2 {
		t.Errorf("streams %+v, want one video and one audio", l.header.Streams)
	}
	if l.length != 10_241 { // 240 blocks of 2,048 samples are 10,240 ms and a step of 42 2/3 is taken for 43
		t.Errorf("a turn lasts %d ms, want 10241", l.length)
	}
	var joins []time.Duration
	for i, b := range l.packets {
		p, err := l.header.ParsePacket(b)
		if err != nil {
			t.Fatal(err)
		}
		if p.Join {
			joins = append(joins, l.due[i])
		}
	}
	joins = append(joins, time.Duration(l.length)*time.Millisecond)
	for i, at := range joins[1:] {
		if gap := at - joins[i]; joins[0] > 100*time.Millisecond || gap > 2*time.Second {
			t.Errorf("key frames at %v, want one at the start and the next never more than 2s later", joins)
			break
		}
	}
}

// Times go on from turn to turn, over the end of the 32-bit clock too, and packets are due when their times say.
func TestFileLoopTimes(t *testing.T) {
	const packets, step = 50, 40
	l, err := newFileLoop(bytes.NewReader(testFile(packets, step)), maxFile)
	if err != nil {
		t.Fatal(err)
	}
	if l.length != packets*step {
		t.Fatalf("a turn lasts %d ms, want %d", l.length, packets*step)
	}
	for _, turn := range []uint64{0, 1, 2, 1<<32/(packets*step) - 1, 1 << 32 / (packets * step), 1 << 40} {
		l.turn, l.at = turn, 0
		for i := range uint64(packets + 1) {
			b, due, err := l.next()
			if err != nil {
				t.Fatal(err)
			}
			p, err := l.header.ParsePacket(b)
			if err != nil {
				t.Fatal(err)
			}
			at := (turn*packets + i) * step // ms since the first packet
			if want := uint32(1000 + at); p.SendTime != want {
				t.Fatalf("turn %d, packet %d: send time %d, want %d", turn, i, p.SendTime, want)
			}
			if shown := binary.LittleEndian.Uint32(b[25:]); shown != p.SendTime+3000 {
				t.Fatalf("turn %d, packet %d: presentation time %d, want %d", turn, i, shown, p.SendTime+3000)
			}
			if want := time.Duration(at) * time.Millisecond; due != want {
				t.Fatalf("turn %d, packet %d: due at %v, want %v", turn, i, due, want)
			}
			if want := uint32(i % packets); packetNumber(b) != want {
				t.Fatalf("turn %d: packet %d, want %d", turn, packetNumber(b), want)
			}
		}
	}
}

// Send times that go back, as some files have, do not turn the schedule back.
func TestFileLoopScheduleIsMonotone(t *testing.T) {
	b := testFile(50, 40)
	at := len(testHeader(200, 320)) + 10*200 // the eleventh packet
	binary.LittleEndian.PutUint32(b[at+7:], 1000)
	l, err := newFileLoop(bytes.NewReader(b), maxFile)
	if err != nil {
		t.Fatal(err)
	}
	for i := 1; i < len(l.due); i++ {
		if l.due[i] < l.due[i-1] {
			t.Fatalf("packet %d is due at %v, the one before at %v", i, l.due[i], l.due[i-1])
		}
	}
}

func TestFileLoopRefuses(t *testing.T) {
	good := testFile(50, 40)
	for _, tt := range []struct {
		name string
		b    []byte
		max  int64
		want string
	}{
		{"empty", nil, maxFile, "EOF"},
		{"not ASF", bytes.Repeat([]byte("x"), 1000), maxFile, "begins with"},
		{"only a header", good[:len(testHeader(200, 320))], maxFile, "no packets"},
		{"shorter than a second", testFile(20, 40), maxFile, "want at least 1s"},
		{"all packets at one time", testFile(50, 0), maxFile, "want at least 1s"},
		{"above the limit", good, int64(len(good)) - 1, "limit"},
		{"a packet that is none", append(bytes.Clone(good[:len(good)-200]), bytes.Repeat([]byte{0xFF}, 200)...), maxFile, "packet 50 of 50"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if _, err := newFileLoop(bytes.NewReader(tt.b), tt.max); err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("%v, want an error with %q", err, tt.want)
			}
		})
	}
}

func TestOpenLoop(t *testing.T) {
	dir := t.TempDir()
	good, huge := filepath.Join(dir, "good.asf"), filepath.Join(dir, "huge.asf")
	if err := os.WriteFile(good, testFile(50, 40), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(huge, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(huge, maxFile+1); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct{ name, want string }{
		{good, ""},
		{huge, huge + ": 268435457 bytes, limit 268435456"},
		{filepath.Join(dir, "none.asf"), "none.asf: no such file"},
		{dir, dir},
	} {
		l, err := openLoop(tt.name)
		if tt.want == "" && (err != nil || len(l.packets) != 50) {
			t.Errorf("%s: %v, want 50 packets", tt.name, err)
		}
		if tt.want != "" && (err == nil || !strings.Contains(err.Error(), tt.want)) {
			t.Errorf("%s: %v, want an error with %q", tt.name, err, tt.want)
		}
	}
}

// The clip as a stream: two and a half turns without a drift, and an end when it is told to.
func TestRunFile(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		st := fedStream(t, StreamConfig{Path: "demo", Type: typeFile}, nil)
		ctx, cancel := context.WithCancel(t.Context())
		begin := st.clock.now()
		go new(Server).runFile(ctx, st)
		synctest.Wait()
		first := st.up().start
		time.Sleep(25 * time.Second)
		synctest.Wait()

		h := st.chain.gen.header
		packets := 0
		var sent uint32
		for _, e := range elements(first)[1:] {
			p, err := h.ParsePacket(e.full)
			if err != nil {
				t.Fatal(err)
			}
			if want := begin.add(time.Duration(p.SendTime) * time.Millisecond); e.at < want || e.at.since(want) > 50*time.Millisecond {
				t.Fatalf("packet %d with send time %d came %v after that", packets, p.SendTime, e.at.since(want))
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
		if n := st.stats.generations.Load(); n != 1 {
			t.Errorf("%d generations, want 1", n)
		}
		cancel()
		synctest.Wait()
		if st.chain.last.kind != endElement || st.currentState() != streamIdle || st.reg.owned(st) != nil {
			t.Errorf("stopped: state %v, owner %v, want idle and nobody", st.currentState(), st.reg.owned(st))
		}
	})
}

// After the machine was asleep the file goes on where it was, at its own pace, and does not pour out what it missed.
func TestRunFileAfterSleep(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var st *stream
		st = fedStream(t, StreamConfig{Path: "demo", Type: typeFile}, func(*loopSet, instant) {
			if st.stats.packetsIn.Load() == 100 {
				time.Sleep(time.Hour)
			}
		})
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		go new(Server).runFile(ctx, st)
		time.Sleep(time.Hour + time.Minute)
		synctest.Wait()
		l, err := openLoop("")
		if err != nil {
			t.Fatal(err)
		}
		perSecond := float64(len(l.packets)) * 1000 / float64(l.length)
		if n := float64(st.stats.packetsIn.Load()); n > 61*perSecond {
			t.Errorf("%.0f packets in a minute of being awake, want at most %.0f", n, 61*perSecond)
		}
	})
}

// A file that cannot be played is tried again, and one that somebody repairs then plays.
func TestRunFileTriesAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		name := filepath.Join(t.TempDir(), "x.asf")
		st := fedStream(t, StreamConfig{Path: "x", Type: typeFile, File: name}, nil)
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		go new(Server).runFile(ctx, st)
		time.Sleep(time.Minute)
		synctest.Wait()
		if st.currentState() != streamIdle || st.reg.owned(st) != nil {
			t.Fatalf("state %v without a file", st.currentState())
		}
		if err := os.WriteFile(name, testFile(50, 40), 0o600); err != nil {
			t.Fatal(err)
		}
		time.Sleep(longestPause)
		synctest.Wait()
		if st.currentState() != streamLive {
			t.Errorf("state %v, want live", st.currentState())
		}
		cancel()
		synctest.Wait()
	})
}

// While somebody else has the stream the file waits.
func TestRunFileBusy(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		st := fedStream(t, StreamConfig{Path: "demo", Type: typeFile}, nil)
		other, err := st.claim(sourcePull, "other")
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		go new(Server).runFile(ctx, st)
		time.Sleep(5 * time.Second)
		synctest.Wait()
		if st.up() != nil {
			t.Error("file plays on a stream that is somebody else's")
		}
		other.end()
		time.Sleep(longestPause)
		synctest.Wait()
		if st.currentState() != streamLive {
			t.Errorf("state %v after the other has gone, want live", st.currentState())
		}
		cancel()
		synctest.Wait()
	})
}
