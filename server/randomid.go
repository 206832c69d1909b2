package server

import (
	"crypto/rand"
	"encoding/binary"
)

// randomID is a client-id or push-id: never 0, and nobody can work it out from others that he was given.
func randomID() uint32 {
	for {
		var b [4]byte
		rand.Read(b[:]) // never fails
		if id := binary.LittleEndian.Uint32(b[:]); id != 0 {
			return id
		}
	}
}
