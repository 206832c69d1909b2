package asf

const (
	flagBroadcast = 1 << 0 // of the File Properties
	flagSeekable  = 1 << 1

	// unknownPackets is what WMP-tested servers write for a live stream; one found WMP 9 to refuse 0 as "nothing to play".
	unknownPackets = 0xFFFFFFFF
)

// Published returns h as viewers are to see it: live, not seekable, without an end. All else is kept byte for byte, and
// the length does not change. Publishing twice changes nothing more.
//
//	File Properties  88  flags           bit 0 set, bit 1 clear
//	Data Object      16  size            50
//	                 40  total packets   0
//	and where bit 0 was clear, so that the source is a file:
//	File Properties  56  packets         0xFFFFFFFF
//	                 64  play duration   0
//	                 72  send duration   0
//
// MPlayer stops after as many bytes as the Data Object's size says whenever that is above 50, FFmpeg does when the
// broadcast bit is clear.
func (h *Header) Published() *Header {
	p := *h // Streams are shared: nobody writes to them
	p.Raw = append([]byte(nil), h.Raw...)
	f, d := p.Raw[p.properties:], p.Raw[p.dataAt():]
	if !h.Broadcast {
		le.PutUint64(f[56:], unknownPackets)
		le.PutUint64(f[64:], 0)
		le.PutUint64(f[72:], 0)
	}
	f[88] = f[88]&^flagSeekable | flagBroadcast
	le.PutUint64(d[16:], dataHead)
	le.PutUint64(d[40:], 0)
	p.readTimes()
	return &p
}
