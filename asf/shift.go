package asf

import "errors"

// ShiftTimes adds delta to every clock in the data packet b, in place: Send Time and each payload's presentation time.
// delta is in ms and may be negative as its two's complement, all arithmetic is modulo 2^32. A file that loops as a
// live stream shifts each lap by one more length, so that times never jump back. If b is no valid packet, or a
// compressed payload has less than 4 bytes for its time, it is left as it was.
func (h *Header) ShiftTimes(b []byte, delta uint32) error {
	p, err := h.ParsePacket(b)
	if err != nil {
		return err
	}
	if p.narrowTime {
		return errors.New("packet: compressed payload whose time is less than 4 bytes")
	}
	shift(b[p.timeAt():], delta)
	w := p.walk(b)
	for range p.Payloads {
		l, _ := w.next() // ParsePacket saw no error here
		if l.timeAt != 0 {
			shift(b[l.timeAt:], delta)
		}
	}
	return nil
}

func shift(b []byte, delta uint32) { le.PutUint32(b, le.Uint32(b)+delta) }
