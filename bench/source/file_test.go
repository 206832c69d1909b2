package source

import (
	"testing"
	"time"
)

// A looped file goes on in time where it ended.
func TestFileLoops(t *testing.T) {
	s := mustSynthetic(t, Options{Bitrate: 800e3, Packet: 1000, GOP: time.Second, Payloads: 1})
	s.offset = time.Hour // send times of files need not start at 0
	f := &File{head: s.head, loop: true}
	for range 5 {
		f.packets = append(f.packets, append([]byte(nil), s.Take()...))
	}
	if err := f.readTimes(); err != nil {
		t.Fatal(err)
	}
	for i := range 23 {
		at, ok := f.Due()
		p, err := f.head.ParsePacket(f.Take())
		want := time.Duration(i) * 10 * time.Millisecond
		if !ok || err != nil || at != want || time.Duration(p.SendTime)*time.Millisecond != time.Hour+want {
			t.Errorf("packet %d: due %s, send time %d ms, %v, want %s", i, at, p.SendTime, err, want)
		}
	}
	f.loop, f.next = false, len(f.packets)
	if _, ok := f.Due(); ok {
		t.Error("goes on without -loop")
	}
}
