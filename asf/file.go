package asf

import (
	"errors"
	"fmt"
	"io"
)

// ReadFile reads an ASF file: its header, and its packets of PacketSize bytes each. It fails where header and packets
// together are more than maxBytes. Indexes behind the packets are not packets; a last packet that the file breaks off in
// is left out. Packets are not parsed: a caller meets bad ones anyway when it publishes them.
func ReadFile(r io.Reader, maxBytes int64) (*Header, [][]byte, error) {
	h, err := readHeader(r, maxBytes)
	if err != nil {
		return nil, nil, err
	}
	packets, err := h.readPackets(r, maxBytes-int64(len(h.Raw)))
	if err != nil {
		return nil, nil, err
	}
	return h, packets, nil
}

// readHeader reads up to where packets start.
func readHeader(r io.Reader, maxBytes int64) (*Header, error) {
	head := make([]byte, objectHead)
	if _, err := io.ReadFull(r, head); err != nil {
		return nil, fmt.Errorf("header: %w", err)
	}
	if id := GUID(head[:16]); id != headerObject {
		return nil, fmt.Errorf("header: begins with object %v, want %v", id, headerObject)
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

// readPackets reads until the Data Object, the file or the limit is over.
func (h *Header) readPackets(r io.Reader, maxBytes int64) ([][]byte, error) {
	var packets [][]byte
	for count := h.filePackets(); uint64(len(packets)) < count; {
		b := make([]byte, h.PacketSize)
		n, err := io.ReadFull(r, b)
		if err == io.EOF || err == io.ErrUnexpectedEOF || IsIndex(b[:n]) {
			break
		}
		if err != nil {
			return nil, fmt.Errorf("packet %d: %w", len(packets), err)
		}
		if maxBytes -= int64(n); maxBytes < 0 {
			return nil, fmt.Errorf("packet %d: file is %d bytes above the limit here", len(packets), -maxBytes)
		}
		packets = append(packets, b)
	}
	if len(packets) == 0 {
		return nil, errors.New("data object: no packets")
	}
	return packets, nil
}

// filePackets returns how many packets the Data Object holds by its size. A recorded live stream does not know its size,
// so there it is as many as come.
func (h *Header) filePackets() uint64 {
	size := le.Uint64(h.Raw[h.dataAt()+16:])
	if h.Broadcast || size <= dataHead {
		return 1 << 63
	}
	return (size - dataHead) / uint64(h.PacketSize)
}

// IsIndex reports whether b is the start of an index object, which follows the packets of a file. No packet looks like that: their first bytes would be error
// correction of a length nobody uses.
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
