package asf

// Types of a variable field, two bits of flags each.
const (
	none  = 0
	byte1 = 1
	word  = 2
	dword = 3
)

// width is the size in bytes of a field of each type.
var width = [4]int{none: 0, byte1: 1, word: 2, dword: 4}

// fields reads fields one after the other. Once one does not fit, short is set and all further ones are 0, so that one
// check at the end of a run of fields is enough.
type fields struct {
	b     []byte
	at    int
	short bool
}

// skip passes n bytes.
func (f *fields) skip(n uint32) {
	if uint64(n) > uint64(len(f.b)-f.at) {
		f.short = true
	}
	if f.short {
		f.at = len(f.b)
		return
	}
	f.at += int(n)
}

func (f *fields) byte() byte { return byte(f.read(byte1)) }

// read returns the next field of one of the four types; none is 0.
func (f *fields) read(typ byte) uint32 {
	at := f.at
	f.skip(uint32(width[typ]))
	if f.short {
		return 0
	}
	switch typ {
	case byte1:
		return uint32(f.b[at])
	case word:
		return uint32(le.Uint16(f.b[at:]))
	case dword:
		return le.Uint32(f.b[at:])
	}
	return 0
}

// putField writes v over a field of the given type. v fits: callers widen the field first.
func putField(b []byte, typ byte, v int) {
	switch typ {
	case byte1:
		b[0] = byte(v)
	case word:
		le.PutUint16(b, uint16(v))
	case dword:
		le.PutUint32(b, uint32(v))
	}
}

// fits reports whether a field of the given type can hold v.
func fits(typ byte, v int) bool {
	switch typ {
	case byte1:
		return v <= 0xFF
	case word:
		return v <= 0xFFFF
	}
	return typ == dword
}
