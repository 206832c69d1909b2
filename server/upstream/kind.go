package upstream

import (
	"bytes"

	"pumpd/asf"
)

// A bodyKind is what the body of a good answer is. Content-Types mean nothing: all of these come as octet-stream, as
// video/x-ms-asf, or without one.
type bodyKind uint8

const (
	framedBody bodyKind = iota // MMSH, or nothing that we know
	rawBody                    // ASF without frames
	textBody                   // perhaps a playlist
)

// headerGUID is the GUID of a Header Object, with which raw ASF begins: asf.md §2.
var headerGUID = asf.GUID{
	0x30, 0x26, 0xB2, 0x75, 0x8E, 0x66, 0xCF, 0x11, 0xA6, 0xD9, 0x00, 0xAA, 0x00, 0x62, 0xCE, 0x6C,
}

// kind looks at the first bytes of a body. What goes wrong while they come goes wrong again for who reads on.
func (w *window) kind() bodyKind {
	for !enough(w.bytes()) && w.fill() == nil {
	}
	switch b := visible(w.bytes()); {
	case bytes.HasPrefix(w.bytes(), headerGUID[:]):
		return rawBody
	case len(b) > 0 && (b[0] == '<' || b[0] == '['):
		return textBody
	}
	return framedBody
}

// enough says whether so much of a body tells its kind. A frame does by its first byte: it may be all that comes.
func enough(b []byte) bool {
	switch {
	case len(b) == 0:
		return false
	case b[0]&0x7F == '$' || len(b) > maxBlank:
		return true
	}
	return len(b) >= len(headerGUID) && len(visible(b)) > 0
}

const maxBlank = 1 << 10 // bytes before a playlist

// visible is a text without what may stand before it.
func visible(b []byte) []byte { return bytes.TrimLeft(bytes.TrimPrefix(b, byteOrderMark), " \t\r\n") }

var byteOrderMark = []byte("\xEF\xBB\xBF")
