package asf

import (
	"fmt"
	"math"
)

// A Header is what a stream declares about itself: the Header Object and the start of the Data Object. It does not
// change after ParseHeader.
type Header struct {
	Raw []byte // Header Object and 50 bytes of Data Object, our own copy; not to be written to

	PacketSize   int    // P, bytes: no packet is larger, and in a file none is smaller
	Preroll      uint64 // ms; presentation times are ahead of send times by it
	PlayDuration uint64 // 100 ns, preroll included; junk if Broadcast
	SendDuration uint64 // 100 ns; junk if Broadcast
	DataPackets  uint64 // junk if Broadcast
	Broadcast    bool   // live: durations and counts mean nothing
	MaxBitrate   uint32 // bit/s, a hint
	Streams      []Stream

	properties int                 // where the File Properties Object starts in Raw
	kinds      [maxStream + 1]Kind // by stream number; zero: no such stream
	video      bool
}

// MaxHeader is the most that Raw may have, bytes: what fits the $H of a push (push.md §4). Players fail long before.
const MaxHeader = 65531

const (
	headerHead = 30 // before the children of a Header Object: head, count u32, 01 02
	dataHead   = 50 // before the packets of a Data Object

	propertiesSize = 104 // a File Properties Object
	extensionHead  = 46  // before the children of a Header Extension Object

	minPacketSize = 32
	maxPacketSize = 65524 // what still fits a $D frame behind its 8-byte MMS header
	maxObjects    = 1000  // in one header, nested ones included
)

// ParseHeader reads a Header Object followed by the first 50 bytes of its Data Object. It copies b. Where the 50 bytes
// are missing they are made up; anything else behind the Header Object is refused, because players take it for packets.
//
// The walk is stricter than most players, so that no viewer meets what would hang or confuse it: children must fill
// their parent exactly, there are at most 1000, File Properties come once, stream numbers are unique. Section 3. Nor
// may it be larger than MaxHeader.
func ParseHeader(b []byte) (*Header, error) {
	size, err := headerSize(b)
	if err != nil {
		return nil, fmt.Errorf("header: %w", err)
	}
	if size+dataHead > MaxHeader {
		return nil, fmt.Errorf("header: %d bytes with the start of the data, limit %d", size+dataHead, MaxHeader)
	}
	h := &Header{Raw: make([]byte, size+dataHead)}
	copy(h.Raw, b)
	w := headerWalk{h: h}
	if err := w.run(size); err != nil {
		return nil, fmt.Errorf("header: %w", err)
	}
	if len(b) == size {
		h.putDataHead(size)
	}
	return h, nil
}

// headerSize checks the frame of b: a Header Object and nothing, or the start of a Data Object, behind it.
func headerSize(b []byte) (int, error) {
	id, o, err := cutObject(b)
	if err != nil {
		return 0, err
	}
	if id != headerObject {
		return 0, fmt.Errorf("begins with object %v, want %v", id, headerObject)
	}
	if len(o) < headerHead {
		return 0, fmt.Errorf("%d bytes, need %d", len(o), headerHead)
	}
	rest := b[len(o):]
	if len(rest) == 0 {
		return len(o), nil
	}
	if len(rest) != dataHead {
		return 0, fmt.Errorf("%d bytes behind it, want %d", len(rest), dataHead)
	}
	if id := GUID(rest[:16]); id != dataObject {
		return 0, fmt.Errorf("object %v behind it, want %v", id, dataObject)
	}
	return len(o), nil
}

// putDataHead makes up the start of a live Data Object behind the Header Object, section 5.1:
//
//	 0        16       24        40              48
//	+--------+--------+---------+---------------+-------+
//	| GUID   | size   | File ID | total packets | 01 01 |
//	+--------+--------+---------+---------------+-------+
func (h *Header) putDataHead(at int) {
	d := h.Raw[at:]
	copy(d, dataObject[:])
	le.PutUint64(d[16:], dataHead)
	copy(d[24:40], h.Raw[h.properties+24:]) // File ID: the same in both
	d[48], d[49] = 1, 1
}

// Bitrate returns what all streams together declare, in bit/s: the sum of Stream.Bitrate, or MaxBitrate if that is more
// and some stream declares nothing. Several versions of one video all count, since all of them are sent. It is a hint:
// VLC's muxer says 1.
func (h *Header) Bitrate() uint32 {
	var sum uint64
	silent := false
	for _, s := range h.Streams {
		sum += uint64(s.Bitrate)
		silent = silent || s.Bitrate == 0
	}
	if silent {
		sum = max(sum, uint64(h.MaxBitrate))
	}
	return uint32(min(sum, math.MaxUint32))
}

// HasVideo reports whether any stream is video. If so only a video key frame is a place to start.
func (h *Header) HasVideo() bool { return h.video }

// dataAt returns where the Data Object starts in Raw.
func (h *Header) dataAt() int { return len(h.Raw) - dataHead }
