package e2e

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/maphash"
	"io"
	"time"
)

// step reads one frame, or one packet where there are no frames. more is false when the stream has ended.
func (w *witness) step() (more bool, err error) {
	if !w.framed {
		b := make([]byte, w.size)
		_, err := io.ReadFull(w.in, b)
		if err == io.EOF {
			return false, w.ended(hungUp)
		}
		if err != nil {
			return false, err
		}
		return true, w.packet(b, false)
	}
	f, err := w.frame()
	switch {
	case err == io.EOF:
		return false, errors.New("the connection ended without $E")
	case err != nil:
		return false, err
	case w.track.changing && f.kind != 'H':
		return false, fmt.Errorf("$%c between $C and $H", f.kind)
	}
	switch f.kind {
	case 'D':
		return true, w.data(f)
	case 'C':
		w.track.changing = true
		if f.reason != 0 {
			return false, fmt.Errorf("$C with reason %#x", f.reason)
		}
		return true, nil
	case 'H':
		return true, w.change(f)
	case 'E':
		return false, w.over(f.reason)
	}
	return false, fmt.Errorf("frame $%c", f.kind)
}

// data checks the counters of a $D.
func (w *witness) data(f mmshFrame) error {
	tr := &w.track
	skipped := f.location != tr.location
	if skipped && !(w.skips && int32(f.location-tr.location) > 0 && !tr.fresh) {
		w.fault("LocationId %d where %d belongs, packet %d", f.location, tr.location, w.count())
	}
	if f.flags != tr.flags {
		w.fault("AFFlags %d where %d belongs, packet %d", f.flags, tr.flags, w.count())
	}
	tr.location, tr.flags = f.location+1, f.flags+1
	if len(f.payload) > w.size {
		return fmt.Errorf("packet of %d bytes, the header says %d", len(f.payload), w.size)
	}
	return w.packet(f.payload, skipped)
}

// change takes a $H in the middle of the stream.
func (w *witness) change(f mmshFrame) error {
	tr := &w.track
	if !tr.changing {
		return errors.New("a second $H without $C")
	}
	if f.flags != 0x0C || f.location != 0 {
		return fmt.Errorf("$H with flags %#x, location %d; want 0xc, 0", f.flags, f.location)
	}
	size, err := packetSize(f.payload)
	if err != nil {
		return err
	}
	w.size = size
	tr.video, tr.location, tr.fresh, tr.changing = findVideo(f.payload), 0, true, false
	w.tell(func() { w.heads = append(w.heads, f.payload) })
	return nil
}

func (w *witness) over(reason uint32) error {
	how := finished
	if reason != 0 {
		how = ending(fmt.Sprintf("$E(%d) and FIN", reason))
	}
	if how == reopening && w.reopen != nil {
		w.reopen(w.heads[len(w.heads)-1])
	}
	if b, err := w.in.ReadByte(); err != io.EOF {
		return fmt.Errorf("after $E(%d): byte %#x, error %v, want FIN", reason, b, err)
	}
	return w.ended(how)
}

func (w *witness) ended(how ending) error {
	w.tell(func() { w.end = how })
	return nil
}

var hashSeed = maphash.MakeSeed()

// packet checks what is in a packet.
func (w *witness) packet(b []byte, skipped bool) error {
	s := sighting{at: time.Now(), skipped: skipped, number: probeNumber(b), hash: maphash.Bytes(hashSeed, b)}
	var err error
	if s.packetParts, err = cutPacket(b); err != nil {
		return err
	}
	tr := &w.track
	s.key = s.startsKeyFrame(tr.video)
	if (tr.fresh || skipped) && !s.key {
		w.fault("packet %d, the first or the one after a skip, starts no key frame", w.count())
	}
	if !tr.fresh && int32(s.sendTime-tr.sendTime) < 0 {
		w.fault("send time %d follows %d, packet %d", s.sendTime, tr.sendTime, w.count())
	}
	if tr.fresh {
		tr.shown = map[byte]uint32{}
	}
	for _, l := range s.list() {
		last, ok := tr.shown[l.stream]
		if ok && l.offset == 0 && int32(l.shown-last) < 0 {
			w.fault("presentation time %d follows %d, stream %d, packet %d", l.shown, last, l.stream, w.count())
		}
		tr.shown[l.stream] = l.shown
	}
	tr.fresh, tr.sendTime = false, s.sendTime
	w.tell(func() {
		s.generation = len(w.heads) - 1
		w.seen = append(w.seen, s)
	})
	return nil
}

// probeNumber finds what bench's synthetic source writes into every payload: 8 bytes of magic, then the packet's number
// as a u64. -1: the packet is from another source.
func probeNumber(b []byte) int64 {
	const magic = "\xb5bench\x01\xf3"
	at := bytes.Index(b, []byte(magic))
	if at < 0 || len(b) < at+16 {
		return -1
	}
	return int64(binary.LittleEndian.Uint64(b[at+8:]))
}
