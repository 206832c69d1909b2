package asf

import "time"

// A Track follows the send times of a file's packets, in their order, and does not believe those that damage has made.
// Its zero value is ready for the first packet.
type Track struct {
	packets int
	last    uint32 // send time of the newest packet that fits, ms
	at      int64  // of that packet, ms after the first
	latest  int64  // the largest at so far
	doubt   uint32 // send time of the packet before, if waits
	waits   bool
	reset   bool // with this packet it was found that the first one's time was damaged

	// Confirmed says that the packet before, which did not fit, does after all, because this one agrees with it, and is
	// due at Before.
	Confirmed bool
	Before    time.Duration
}

// Steps of a clock from one packet to the next, in ms.
const (
	stepMost    = 3_000   // a muxer goes back or ahead by less, but for a gap in the recording
	stepAgain   = 15_000  // and this is enough for two packets behind one
	stepGap     = 600_000 // and more than that is no gap but another clock
	aheadOfSend = 60_000  // no packet is shown later than this after sending and preroll
)

// Follow says when a packet is due, from the first one on: never before the one that it was asked for last. Where the
// send time does not fit that is the moment of the one before, and fits is false; but see Confirmed.
func (t *Track) Follow(h *Header, p Packet) (due time.Duration, fits bool) {
	step := int64(int32(p.SendTime - t.last))
	t.reset, t.Confirmed = false, false
	switch again := int64(int32(p.SendTime - t.doubt)); {
	case t.packets > 0 && step >= -stepMost && step <= stepMost, t.packets == 0 && h.Coherent(p):
	case t.waits && again >= -stepMost && again <= stepAgain:
		gap := int64(int32(t.doubt - t.last))
		if t.packets == 0 || gap < -stepMost || gap > stepGap || t.packets == 1 && gap > stepAgain {
			gap = 0
			t.reset = t.packets == 1
		}
		t.Confirmed = true
		t.Before = time.Duration(max(t.latest, t.at+gap)) * time.Millisecond
		step = gap + again
	default:
		t.doubt, t.waits = p.SendTime, true
		return t.due(), false
	}
	if t.packets > 0 {
		t.at += step
	}
	t.packets++
	t.last, t.waits = p.SendTime, false
	t.latest = max(t.latest, t.at)
	return t.due(), true
}

func (t *Track) due() time.Duration { return time.Duration(t.latest) * time.Millisecond }

// Coherent reports whether the times of a packet of h fit each other: it is shown about the preroll after it is sent.
// Where they do not, one of them is damaged.
func (h *Header) Coherent(p Packet) bool {
	return h.shownFits(p.SendTime, p.Earliest) && h.shownFits(p.SendTime, p.Latest)
}

// shownFits reports whether what is sent at one time may be shown at the other.
func (h *Header) shownFits(send, shown uint32) bool {
	ahead := int64(int32(shown - send))
	return ahead >= -aheadOfSend && ahead <= aheadOfSend+int64(min(h.Preroll, aheadOfSend))
}
