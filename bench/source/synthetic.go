package source

import (
	"fmt"
	"math"
	"time"

	"pumpd/asf"
	"pumpd/bench/probe"
)

// Options describe a synthetic source.
type Options struct {
	Bitrate  int           // bit/s of whole ASF packets
	Packet   int           // bytes of an ASF packet
	GOP      time.Duration // from one key frame to the next
	Payloads int           // a packet: 1 = single payload without a length, more = multiple payloads
	Padding  int           // bytes of padding at the end of each packet
	Ballast  int           // bytes in the header that mean nothing
}

// Bytes in front of the media of one payload: stream, object number, offset (4), replicated length, size (4) and time
// (4); multiple payloads have a WORD length besides.
const (
	payloadHead  = 15
	preroll      = 3000 // ms
	frameRate    = 25   // frames a second, as long as that is at least one packet each
	paddingField = 2    // a WORD
	packetHead   = 3 + 2 + 4 + 2
	maxPacket    = 65524 // largest packet that fits a frame, mmsh.md §6.2
	maxBallast   = 65000 // with what else is in the header it fits a frame
)

// A Synthetic is a live source whose packets carry probes and which never ends. With one payload a packet, frames span
// several packets, so a server must look at the offset to find the start of a key frame; with more, each payload is a
// frame and the key frame is the last of its packet, so a server must look at all of them.
type Synthetic struct {
	opt      Options
	head     *asf.Header
	interval float64 // seconds from packet to packet
	perFrame uint64  // packets
	perGOP   uint64  // packets, a multiple of perFrame
	now      func() time.Time
	offset   time.Duration // of the first packet's send time; a restarted encoder begins anywhere

	number uint64
	buf    []byte
}

// NewSynthetic refuses options that do not fit each other or a packet of MMSH.
func NewSynthetic(opt Options) (*Synthetic, error) {
	s := &Synthetic{opt: opt, now: time.Now}
	if opt.Bitrate <= 0 || opt.GOP <= 0 {
		return nil, fmt.Errorf("bitrate %d bit/s, gop %s: both must be positive", opt.Bitrate, opt.GOP)
	}
	if opt.Payloads < 1 || opt.Payloads > 63 {
		return nil, fmt.Errorf("payloads %d, allowed 1 to 63", opt.Payloads)
	}
	if opt.Packet > maxPacket || opt.Padding < 0 || s.room() < opt.Payloads*probe.Size {
		return nil, fmt.Errorf("packet %d bytes with %d payloads and %d bytes of padding: "+
			"at least %d bytes of media each, at most %d bytes in all",
			opt.Packet, opt.Payloads, opt.Padding, probe.Size, maxPacket)
	}
	s.interval = float64(opt.Packet) * 8 / float64(opt.Bitrate)
	s.perFrame = 1
	if opt.Payloads == 1 {
		s.perFrame = uint64(max(1, math.Round(1/s.interval/frameRate)))
	}
	s.perGOP = s.perFrame * uint64(max(1, math.Round(opt.GOP.Seconds()/s.interval/float64(s.perFrame))))
	if opt.Ballast < 0 || opt.Ballast > maxBallast {
		return nil, fmt.Errorf("ballast %d bytes, allowed 0 to %d", opt.Ballast, maxBallast)
	}
	head, err := asf.ParseHeader(syntheticHeader(opt))
	if err != nil {
		return nil, fmt.Errorf("synthetic header: %w", err)
	}
	s.head = head
	return s, nil
}

// room is how many bytes of media a packet takes, all payloads together.
func (s *Synthetic) room() int {
	n := s.opt.Packet - packetHead - s.opt.Padding - payloadHead*s.opt.Payloads
	if s.opt.Padding > 0 {
		n -= paddingField
	}
	if s.opt.Payloads > 1 {
		n -= 1 + 2*s.opt.Payloads
	}
	return n
}

// Header is that of one video stream, broadcast.
func (s *Synthetic) Header() *asf.Header { return s.head }

// Due follows the bit rate.
func (s *Synthetic) Due() (time.Duration, bool) {
	return s.at(s.number), true
}
