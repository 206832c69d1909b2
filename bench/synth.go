package main

import (
	"fmt"
	"math"
	"time"

	"pumpd/asf"
)

// synthOptions describe a synthetic source.
type synthOptions struct {
	bitrate  int           // bit/s of whole ASF packets
	packet   int           // bytes of an ASF packet
	gop      time.Duration // from one key frame to the next
	payloads int           // a packet: 1 = single payload without a length, more = multiple payloads
	padding  int           // bytes of padding at the end of each packet
}

// Bytes in front of the media of one payload: stream, object number, offset (4), replicated length, size (4) and time (4);
// multiple payloads have a WORD length besides.
const (
	payloadHead   = 15
	synthPreroll  = 3000 // ms
	synthFrames   = 25   // frames a second, as long as that is at least one packet each
	paddingField  = 2    // a WORD
	packetHead    = 3 + 2 + 4 + 2
	synthHeadRoom = 65524 // largest packet that fits a frame, mmsh.md §6.2
)

// synth is a live source whose packets carry probes. With one payload a packet, frames span several packets, so a server
// must look at the offset to find the start of a key frame; with more, each payload is a frame and the key frame is the
// last of its packet, so a server must look at all of them.
type synth struct {
	opt      synthOptions
	head     *asf.Header
	interval float64 // seconds from packet to packet
	perFrame uint64  // packets
	perGOP   uint64  // packets, a multiple of perFrame
	now      func() time.Time
	offset   time.Duration // of the first packet's send time; a restarted encoder begins anywhere

	number uint64
	buf    []byte
}

func newSynth(opt synthOptions) (*synth, error) {
	s := &synth{opt: opt, now: time.Now}
	if opt.bitrate <= 0 || opt.gop <= 0 {
		return nil, fmt.Errorf("bitrate %d bit/s, gop %s: both must be positive", opt.bitrate, opt.gop)
	}
	if opt.payloads < 1 || opt.payloads > 63 {
		return nil, fmt.Errorf("payloads %d, allowed 1 to 63", opt.payloads)
	}
	if opt.packet > synthHeadRoom || opt.padding < 0 || s.room() < opt.payloads*probeSize {
		return nil, fmt.Errorf("packet %d bytes with %d payloads and %d bytes of padding: at least %d bytes of media each, at most %d bytes in all",
			opt.packet, opt.payloads, opt.padding, probeSize, synthHeadRoom)
	}
	s.interval = float64(opt.packet) * 8 / float64(opt.bitrate)
	s.perFrame = 1
	if opt.payloads == 1 {
		s.perFrame = uint64(max(1, math.Round(1/s.interval/synthFrames)))
	}
	s.perGOP = s.perFrame * uint64(max(1, math.Round(opt.gop.Seconds()/s.interval/float64(s.perFrame))))
	head, err := asf.ParseHeader(synthHeader(opt))
	if err != nil {
		return nil, fmt.Errorf("synthetic header: %w", err)
	}
	s.head = head
	return s, nil
}

// room is how many bytes of media a packet takes, all payloads together.
func (s *synth) room() int {
	n := s.opt.packet - packetHead - s.opt.padding - payloadHead*s.opt.payloads
	if s.opt.padding > 0 {
		n -= paddingField
	}
	if s.opt.payloads > 1 {
		n -= 1 + 2*s.opt.payloads
	}
	return n
}

func (s *synth) header() *asf.Header { return s.head }

func (s *synth) due() (time.Duration, bool) {
	return s.at(s.number), true
}
