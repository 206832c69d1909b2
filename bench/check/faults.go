package check

import "fmt"

// A fault is what a checker can find wrong in a stream.
type fault uint8

const (
	faultFraming  fault = iota // bytes that are no frame, or a type that viewers must not get; the viewer gives up
	faultHeader                // no valid ASF header where one belongs; the viewer gives up
	faultPacket                // an ASF packet that does not parse
	faultLocation              // LocationId not one more than before, or not 0 at the start
	faultFlags                 // AFFlags not one more than before mod 256, or not 0 at the start
	faultKeyStart              // the first packet, or the first after a skip, does not start a key frame
	faultGap                   // packets of the source are missing, doubled or out of order
	faultContent               // a payload is damaged
	faultCount                 // how many kinds there are
)

var faultNames = [faultCount]string{
	"framing", "header", "packet", "location_id", "af_flags", "key_start", "gap", "content",
}

func (f fault) String() string { return faultNames[f] }

// Faults counts what was found by kind. The zero value is ready.
type Faults struct {
	n     [faultCount]int64
	First string // the first of it in words, "" if nothing was found
}

func (f *Faults) add(kind fault, format string, args ...any) {
	f.n[kind]++
	if f.First == "" {
		f.First = kind.String() + ": " + fmt.Sprintf(format, args...)
	}
}

// Merge adds what another one counted.
func (f *Faults) Merge(o *Faults) {
	for i, n := range o.n {
		f.n[i] += n
	}
	if f.First == "" {
		f.First = o.First
	}
}

func (f *Faults) total() int64 {
	var sum int64
	for _, n := range f.n {
		sum += n
	}
	return sum
}

// ByName gives the number of each kind that occurred. The names do not change: they stand in reports.
func (f *Faults) ByName() map[string]int64 {
	m := map[string]int64{}
	for i, n := range f.n {
		if n > 0 {
			m[fault(i).String()] = n
		}
	}
	return m
}
