package asf

import (
	"encoding/binary"
	"fmt"
)

var le = binary.LittleEndian

// objectHead is what every object starts with, in bytes:
//
//	 0        16       24
//	+--------+--------+------
//	| GUID   | size   | body
//	+--------+--------+------
//
// size is a u64 and counts these 24 bytes too. Section 2.1.
const objectHead = 24

// object is one object as it lies in a header, its 24 bytes included.
type object struct {
	id GUID
	at int // of its first byte, from the start of the header
	b  []byte
}

// cutObject returns the object that b begins with. A size of less than the object's own head would keep a walk in
// place for ever, which is what libmms and xine do with it, so it is an error, as is one that reaches past b.
func cutObject(b []byte) (GUID, []byte, error) {
	if len(b) < objectHead {
		return GUID{}, nil, fmt.Errorf("object: %d bytes left, need %d", len(b), objectHead)
	}
	id := GUID(b[:16])
	size := le.Uint64(b[16:]) // compared as u64: as an int it could be negative
	if size < objectHead || size > uint64(len(b)) {
		return GUID{}, nil, fmt.Errorf("object %v: size %d, allowed %d to %d", id, size, objectHead, len(b))
	}
	return id, b[:size], nil
}
