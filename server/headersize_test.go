package server

import (
	"bytes"
	"encoding/binary"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"pumpd/asf"
	"pumpd/asf/asftest"
	"pumpd/codec"
)

// headerOf has so many bytes in all, and still a size in multiples of 16 for bigHeader to make.
func headerOf(n int) []byte {
	h := bigHeader(0)
	more := n - len(h)
	h = bigHeader(more/16*16 + 16)
	cut := len(h) - n // off the unknown object, which is the last child
	at := bytes.Index(h, []byte("nobody knows me."))
	putUint64(h[16:], -cut)
	putUint64(h[at+16:], -cut)
	return append(h[:len(h)-50-cut:len(h)-50-cut], h[len(h)-50:]...)
}

func putUint64(b []byte, more int) {
	binary.LittleEndian.PutUint64(b, binary.LittleEndian.Uint64(b)+uint64(more))
}

func TestRefusers(t *testing.T) {
	for n, want := range map[int]string{
		8192: "", 8193: "xine (8192)", 16384: "xine (8192)", 16385: "xine (8192), libmms (16384)",
		65524: "xine (8192), libmms (16384)", 65525: "xine (8192), libmms (16384), VLC (65524), FFmpeg (65524)",
		asf.MaxHeader: "xine (8192), libmms (16384), VLC (65524), FFmpeg (65524)",
	} {
		if got := refusers(n); got != want {
			t.Errorf("%d: %q, want %q", n, got, want)
		}
	}
}

// A header of MaxHeader bytes is taken from a push and a file, and none larger.
func TestHeaderTooLarge(t *testing.T) {
	for _, n := range []int{asf.MaxHeader, asf.MaxHeader + 1, asf.MaxHeader + 4} { // more is no $H of a push
		header := headerOf(n)
		if len(header) != n {
			t.Fatalf("%d bytes, want %d", len(header), n)
		}
		good := n <= asf.MaxHeader
		r := newRig(t, nil, "a")
		e := r.encoder()
		e.setUp()
		e.start(endless)
		e.say(string(codec.AppendFrame(nil, 'H', header)))
		e.push(1)
		if up := r.reg.streams[0].up() != nil; up != good || e.fin == good {
			t.Errorf("push of %d bytes: up %v, FIN of the encoder %v", n, up, e.fin)
		}
		if !good && !strings.Contains(string(e.got), "limit 65531") {
			t.Errorf("push of %d bytes: told %q", n, e.got)
		}

		file := filepath.Join(t.TempDir(), "x.asf")
		b := bytes.Clone(header)
		b[bytes.Index(b, asftest.GUIDFile)+88] = 0
		binary.LittleEndian.PutUint64(b[len(b)-34:], 0)
		for i := range 50 {
			b = append(b, asftest.Packet(uint32(i), uint32(i*40), i%10 == 0, asftest.PacketSize, 60)...)
		}
		if err := os.WriteFile(file, b, 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := openLoop(t.Context(), file, sampleSize); (err == nil) != good || !good && !strings.Contains(err.Error(),
			"limit 65531") {
			t.Errorf("file of %d bytes: %v", n, err)
		}
	}
}
