package doctor

import (
	"fmt"
	"io"
	"strings"
	"time"

	"pumpd/asf"
)

// A reception is what the packets say that one client gets.
type reception struct {
	asked    time.Time // when the Play was sent
	answered time.Time // and answered
	header   *asf.Header
	part     []byte // of a header of several $H

	packets int
	bytes   int64
	odd     int // packets that are none
	missing int64
	next    uint32 // LocationId, when packets > 0
	ended   bool

	first, last uint32    // send times, ms
	at          time.Time // of the last packet's arrival
	filled      time.Time // when the player had its preroll
	jumps       int       // of the clock
	jump        time.Duration

	joined   bool   // there was a join point
	join     uint32 // send time of the last
	apart    time.Duration
	toJoin   time.Duration // from the first packet, if that was none
	wait     time.Duration // of the gap that a burst may follow
	came     time.Time     // when that burst began
	from     uint32        // its first send time
	bursts   int
	burstGap time.Duration
}

const (
	clockJump   = 10 * time.Second        // more is no pause of a source
	clockBack   = time.Second             // streams of one packet may overlap by less
	burstWait   = 1500 * time.Millisecond // pumps collect for a second at the most
	burstSpread = 300 * time.Millisecond
)

// located counts what is missing by LocationIds, which count packets.
func (w *reception) located(id uint32) {
	if w.packets > 0 && id > w.next && id-w.next < 1<<20 {
		w.missing += int64(id - w.next)
	}
	w.next = id + 1
}

// rawPacket reads the next packet of a raw stream.
func (w *reception) rawPacket(r io.Reader) error {
	b := make([]byte, w.header.PacketSize)
	if _, err := io.ReadFull(r, b); err != nil {
		return err
	}
	w.packet(b, time.Now())
	return nil
}

// packet takes a packet that has come at a moment.
func (w *reception) packet(b []byte, at time.Time) {
	p, err := w.header.ParsePacket(b)
	if err != nil {
		w.odd++
		return
	}
	w.packets++
	w.bytes += int64(len(b))
	if w.packets == 1 {
		w.first, w.last, w.at, w.from, w.came = p.SendTime, p.SendTime, at, p.SendTime, at
	}
	w.tick(p.SendTime, at)
	w.key(p)
	w.burst(p.SendTime, at)
	w.last, w.at = p.SendTime, at
	if w.filled.IsZero() && after(p.SendTime, w.first) >= time.Duration(w.header.Preroll)*time.Millisecond {
		w.filled = at
	}
}

// after is how much later a send time is than another; they wrap around.
func after(a, b uint32) time.Duration { return time.Duration(int32(a-b)) * time.Millisecond }

// tick looks for a clock that jumps, and goes on as if it had not.
func (w *reception) tick(send uint32, at time.Time) {
	d := after(send, w.last)
	if d < -clockBack || d > clockJump+at.Sub(w.at) {
		w.jumps++
		w.jump = d
		moved := send - w.last
		w.first, w.join, w.from = w.first+moved, w.join+moved, w.from+moved
	}
}

// key measures how far apart join points are.
func (w *reception) key(p asf.Packet) {
	if !p.Join {
		return
	}
	if w.joined {
		w.apart = max(w.apart, after(p.SendTime, w.join))
	} else {
		w.toJoin = after(p.SendTime, w.first)
	}
	w.joined, w.join = true, p.SendTime
}

// burst counts silences that are followed at once by what was sent meanwhile: somebody collects it.
func (w *reception) burst(send uint32, at time.Time) {
	if gap := at.Sub(w.at); gap >= burstWait {
		w.wait, w.came, w.from = gap, at, send
	}
	if w.wait > 0 && at.Sub(w.came) < burstSpread && after(send, w.from) >= w.wait/2 {
		w.bursts++
		w.burstGap, w.wait = max(w.burstGap, w.wait), 0
	}
}

// span is the time of the stream that was seen.
func (w *reception) span() time.Duration { return after(w.last, w.first) }

// rate is what the stream takes, bit/s; 0: too little was seen.
func (w *reception) rate() float64 {
	if w.span() < minSpan {
		return 0
	}
	return float64(w.bytes) * 8 / w.span().Seconds()
}

const (
	minSpan  = 3 * time.Second
	rateSpan = 10 * time.Second // over less, one large key frame looks like a rate
)

// String says what was played.
func (w *reception) String() string {
	var parts []string
	for _, s := range w.header.Streams {
		name := s.Kind.String()
		if s.Kind == asf.Video {
			name = fmt.Sprintf("%s %dx%d", name, s.Width, s.Height)
		}
		parts = append(parts, name)
	}
	text := strings.Join(parts, ", ")
	if n := w.header.Bitrate(); n > 0 {
		text += fmt.Sprintf("; declares %s", kilobits(float64(n)))
	}
	if r := w.rate(); r > 0 {
		text += fmt.Sprintf(", takes %s", kilobits(r))
	}
	if w.apart > 0 {
		text += fmt.Sprintf("; key frames up to %.1f s apart", w.apart.Seconds())
	}
	if !w.filled.IsZero() {
		text += fmt.Sprintf("; buffer full after %.1f s", w.filled.Sub(w.asked).Seconds())
	}
	return text
}

func kilobits(r float64) string { return fmt.Sprintf("%.0f kbit/s", r/1000) }

const (
	slowStart    = 5 * time.Second  // people leave after it
	rareKeys     = 10 * time.Second // a viewer who falls behind waits for the next
	overDeclared = 1.25
)

// judge says what is wrong with the stream, for whoever plays it.
func (w *reception) judge() (list []Finding) {
	for _, f := range []Finding{
		w.judgeStart(), w.judgeKeys(), w.judgeRate(), w.judgeClock(), w.judgeBursts(), w.judgeGaps(), w.judgeStreams(),
		w.judgeProtection(),
	} {
		if f.Kind != "" {
			list = append(list, f)
		}
	}
	return list
}

func (w *reception) judgeStart() Finding {
	const advice = "A longer burst at the pump lets players fill their buffers at once; docs/reference.md has burst."
	preroll := time.Duration(w.header.Preroll) * time.Millisecond
	switch took := w.filled.Sub(w.asked); {
	case !w.filled.IsZero() && took > slowStart:
		return Finding{"slow", Warning, nil, fmt.Sprintf("players wait %.1f s for a picture, for their buffer of %.1f s to "+
			"fill", took.Seconds(), preroll.Seconds()), advice}
	case w.filled.IsZero() && w.at.Sub(w.asked) > slowStart:
		return Finding{"slow", Warning, nil, fmt.Sprintf("after %.1f s there are %.1f s of stream, and players want %.1f s "+
			"before they begin", w.at.Sub(w.asked).Seconds(), w.span().Seconds(), preroll.Seconds()), advice}
	}
	return Finding{}
}

func (w *reception) judgeKeys() Finding {
	const advice = "Set the encoder's key frame interval to some seconds: 2 to 5."
	switch {
	case !w.header.HasVideo():
	case !w.joined && w.span() >= minSpan:
		return Finding{"keyframes", Fault, nil, fmt.Sprintf("no key frame in %.1f s of stream: there is no picture until "+
			"one comes", w.span().Seconds()), advice}
	case w.joined && w.toJoin > time.Second:
		return Finding{"keyframes", Warning, nil, fmt.Sprintf("the stream begins %.1f s before a key frame: until then "+
			"there is no picture", w.toJoin.Seconds()), advice}
	case max(w.apart, after(w.last, w.join)) > rareKeys:
		return Finding{"keyframes", Warning, nil, fmt.Sprintf("key frames are %.1f s apart or more: players start late, "+
			"and who falls behind misses as much", max(w.apart, after(w.last, w.join)).Seconds()), advice}
	}
	return Finding{}
}

func (w *reception) judgeRate() Finding {
	declared, takes := float64(w.header.Bitrate()), w.rate()
	if declared == 0 || takes <= overDeclared*declared || w.span() < rateSpan {
		return Finding{}
	}
	return Finding{"bitrate", Warning, nil, fmt.Sprintf("it declares %s and takes %s: players fill too small a buffer",
		kilobits(declared), kilobits(takes)), "Let the encoder keep to a constant rate, or declare its peak."}
}

func (w *reception) judgeClock() Finding {
	if w.jumps == 0 {
		return Finding{}
	}
	return Finding{"clock", Fault, nil, fmt.Sprintf("send times jump, by %v at the last of %d times: players stop or "+
		"stutter", w.jump.Round(time.Millisecond), w.jumps), "An encoder whose clock is set while it runs does that."}
}

func (w *reception) judgeBursts() Finding {
	if w.bursts < 2 {
		return Finding{}
	}
	return Finding{"bursts", Warning, nil, fmt.Sprintf("packets come in heaps, %d times after a silence of up to %.1f s",
		w.bursts, w.burstGap.Seconds()),
		"Something in between collects before it passes on: see proxy_buffering and its like in docs/proxies.md."}
}

func (w *reception) judgeGaps() Finding {
	switch {
	case w.odd > 0:
		return Finding{"gaps", Warning, nil, fmt.Sprintf("%d of %d packets are damaged", w.odd, w.odd+w.packets), ""}
	case w.missing > 0:
		return Finding{"gaps", Warning, nil, fmt.Sprintf("%d packets are missing beside the %d that came", w.missing,
			w.packets), "The line from the pump is too thin or too busy for the stream, and the pump skips."}
	}
	return Finding{}
}

func (w *reception) judgeStreams() Finding {
	videos, rate := 0, uint64(0)
	for _, s := range w.header.Streams {
		if s.Kind == asf.Video {
			videos++
			rate += uint64(s.Bitrate)
		}
	}
	if videos < 2 {
		return Finding{}
	}
	return Finding{"videos", Warning, nil, fmt.Sprintf("there are %d video streams, %s together: each viewer gets all "+
		"and watches one", videos, kilobits(float64(rate))),
		"Have the encoder send one rate, and others to paths of their own."}
}

func (w *reception) judgeProtection() Finding {
	for _, s := range w.header.Streams {
		if s.Encrypted {
			return Finding{"protected", Warning, nil, "it is encrypted (DRM): only Windows Media Player with a licence plays it",
				"Switch protection off in the encoder."}
		}
	}
	return Finding{}
}
