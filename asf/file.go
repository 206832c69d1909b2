package asf

import (
	"errors"
	"fmt"
	"io"
)

// ReadFile reads an ASF file: its header, and its packets as FilePackets gives them. It fails where header and packets
// together are more than maxBytes, and where there are no packets.
func ReadFile(r io.Reader, maxBytes int64) (*Header, [][]byte, error) {
	h, err := ReadHeader(r, maxBytes)
	if err != nil {
		return nil, nil, err
	}
	packets, err := h.readPackets(r, maxBytes-int64(len(h.Raw)))
	if err != nil {
		return nil, nil, err
	}
	return h, packets, nil
}

// ReadHeader reads a file up to where its packets start, which is at len(Header.Raw); it fails where that is more than
// maxBytes.
func ReadHeader(r io.Reader, maxBytes int64) (*Header, error) {
	head := make([]byte, objectHead)
	if _, err := io.ReadFull(r, head); err != nil {
		return nil, fmt.Errorf("header: %w", err)
	}
	if id := GUID(head[:16]); id != headerObject {
		return nil, fmt.Errorf("begins with %q, which no ASF file does (.wmv, .wma, .asf)", head[:16])
	}
	size := le.Uint64(head[16:])
	if limit := max(maxBytes-dataHead, 0); size < objectHead || size > uint64(limit) {
		return nil, fmt.Errorf("header: size %d, allowed %d to %d", size, objectHead, limit)
	}
	// The size is only a promise, so the buffer grows with what really comes.
	rest, err := io.ReadAll(io.LimitReader(r, int64(size)-objectHead+dataHead))
	if err != nil {
		return nil, fmt.Errorf("header: %w", err)
	}
	if want := int64(size) - objectHead + dataHead; int64(len(rest)) != want {
		return nil, fmt.Errorf("header: file ends %d bytes before the first packet", want-int64(len(rest)))
	}
	return ParseHeader(append(head, rest...))
}

// readPackets reads until there are no more, or the limit is over.
func (h *Header) readPackets(r io.Reader, maxBytes int64) ([][]byte, error) {
	var packets [][]byte
	for in := h.Packets(r); ; {
		b := make([]byte, h.PacketSize)
		err := in.Next(b)
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, fmt.Errorf("packet %d: %w", len(packets), err)
		}
		if maxBytes -= int64(len(b)); maxBytes < 0 {
			return nil, fmt.Errorf("packet %d: file is %d bytes above the limit here", len(packets), -maxBytes)
		}
		packets = append(packets, b)
	}
	if len(packets) == 0 {
		return nil, errors.New("data object: no packets")
	}
	return packets, nil
}

// FilePackets are the packets of a file, one after another. Indexes behind them are not packets; a last packet that the
// file breaks off in is left out. They are not parsed: among them may be what is none.
type FilePackets struct {
	r    io.Reader
	left uint64
}

// Packets reads what follows the header in a file.
func (h *Header) Packets(r io.Reader) *FilePackets { return &FilePackets{r, h.filePackets()} }

// PacketsFrom is Packets for a reader that has passed the first n of them already.
func (h *Header) PacketsFrom(r io.Reader, n int) *FilePackets {
	all := h.filePackets()
	return &FilePackets{r, all - min(uint64(n), all)}
}

// Next fills b, of PacketSize bytes, with the next packet. io.EOF: there are no more.
func (p *FilePackets) Next(b []byte) error {
	if p.left == 0 {
		return io.EOF
	}
	n, err := io.ReadFull(p.r, b)
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || IsIndex(b[:n]) {
		p.left = 0
		return io.EOF
	}
	p.left--
	return err
}

// filePackets returns how many packets the Data Object holds by its size. A recorded live stream does not know its
// size, so there it is as many as come.
func (h *Header) filePackets() uint64 {
	size := le.Uint64(h.Raw[h.dataAt()+16:])
	if h.Broadcast || size <= dataHead {
		return 1 << 63
	}
	return (size - dataHead) / uint64(h.PacketSize)
}

// IsIndex reports whether b is the start of an index object, which follows the packets of a file. No packet looks like
// that: their first bytes would be error correction of a length nobody uses.
func IsIndex(b []byte) bool {
	if len(b) < 16 {
		return false
	}
	switch GUID(b[:16]) {
	case simpleIndex, indexObject, mediaIndex, timecodes:
		return true
	}
	return false
}
