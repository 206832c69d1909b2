package asf

import "bytes"

// Same reports whether o is the header of the same stream, so that viewers who have h can go on with o's packets: equal
// byte for byte but for what an encoder writes anew at every start.
//
//	File Properties  24-80  File ID, file size, creation time, packets, play and send duration
//	Data Object      16-48  size, File ID, total packets
//
// Equal packet size and streams would not do: the decoder's extra data may differ. Compare published headers with
// published ones; the flags count.
func (h *Header) Same(o *Header) bool {
	if len(h.Raw) != len(o.Raw) || h.properties != o.properties {
		return false
	}
	f, d := h.properties, h.dataAt()
	return bytes.Equal(h.Raw[:f+24], o.Raw[:f+24]) &&
		bytes.Equal(h.Raw[f+80:d+16], o.Raw[f+80:d+16]) &&
		bytes.Equal(h.Raw[d+48:], o.Raw[d+48:])
}
