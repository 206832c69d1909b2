package codec

// MaxLines is how many fields of one name are kept where it may come more than once.
const MaxLines = 4

// Lines are the values of all fields of a name in their order. Where there are too many the first ones are missing:
// each proxy on the way adds its own at the end, and what it does not know comes from the client. What has no value is
// left out; behind the last one is nil.
type Lines [MaxLines][]byte

func (l *Lines) add(value []byte) {
	if len(value) == 0 {
		return
	}
	for i := range l {
		if l[i] == nil {
			l[i] = value
			return
		}
	}
	copy(l[:], l[1:])
	l[len(l)-1] = value
}
