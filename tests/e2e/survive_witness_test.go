package e2e

import (
	"errors"
	"fmt"
	"net"
	"sync"
	"testing"
	"time"
)

// A witness watches a stream while things happen to it. It remembers every packet and finds fault with everything that
// a player would not forgive: frames that are no frames, counters that do not count, a second header without a change,
// times that go back, a start that is no key frame. What it may not decide, such as how a stream ends, it tells.
type witness struct {
	*viewer
	// Set before begin, not changed afterwards.
	skips  bool                // it reads slowly: LocationId may jump to a key frame
	reopen func(header []byte) // is called at $E(1), before the FIN is read, with the header until then; may be nil
	done   chan struct{}       // closed when nothing more is read
	// The reading goroutine's.
	track tracker
	// Under mu.
	mu     sync.Mutex
	seen   []sighting
	heads  [][]byte // headers, the first one included
	end    ending
	faults []string
	news   chan struct{} // closed and replaced at each event
}

// A sighting is a packet as a witness saw it.
type sighting struct {
	at         time.Time
	generation int // 0 for packets of the first header
	key        bool
	skipped    bool // packets before it are missing, and LocationId says so
	number     int64
	hash       uint64 // of the packet's bytes
	packetParts
}

// An ending is how a witness was left.
type ending string

const (
	watching  ending = "" // it was not
	finished  ending = "$E(0) and FIN"
	reopening ending = "$E(1) and FIN" // another header is ready
	hungUp    ending = "FIN"           // behind a whole packet, where there are no frames
)

// endings by dialect when a stream goes on with another header and when it is over.
var (
	endChanged = map[string]ending{agentOld: reopening, agentVLC: finished, agentWMP: watching, agentHTTP: hungUp}
	endOver    = map[string]ending{agentOld: finished, agentVLC: finished, agentWMP: finished, agentHTTP: hungUp}
	allAgents  = []string{agentOld, agentVLC, agentWMP, agentHTTP}
)

// A tracker is what a witness expects next.
type tracker struct {
	video    byte
	location uint32
	flags    byte
	fresh    bool // the next packet is the first of a generation
	changing bool // after $C
	sendTime uint32
	shown    map[byte]uint32 // presentation time of the newest object of each stream
}

// witnessPatience is longer than any silence that the tests cause.
const witnessPatience = 60 * time.Second

// startWitness opens a stream and goes on watching it until it ends or the test is over.
func startWitness(t *testing.T, addr, stream, agent string) *witness {
	t.Helper()
	w := newWitness(watch(t, addr, stream, agent))
	w.begin(t)
	return w
}

func newWitness(v *viewer) *witness {
	return &witness{viewer: v, track: tracker{video: findVideo(v.header), fresh: true}, heads: [][]byte{v.header},
		news: make(chan struct{}), done: make(chan struct{})}
}

// begin reads from now on. At the end of the test the witness must have found no fault.
func (w *witness) begin(t *testing.T) {
	go w.read()
	t.Cleanup(func() {
		w.conn.Close()
		<-w.done
		w.mu.Lock()
		defer w.mu.Unlock()
		for _, text := range w.faults {
			t.Errorf("%s: %s", w.name, text)
		}
	})
}

// startWitnesses are one of each dialect.
func startWitnesses(t *testing.T, addr, stream string) []*witness {
	t.Helper()
	var all []*witness
	for _, agent := range allAgents {
		all = append(all, startWitness(t, addr, stream, agent))
	}
	return all
}

func (w *witness) read() {
	defer close(w.done)
	for {
		w.conn.SetReadDeadline(time.Now().Add(witnessPatience))
		more, err := w.step()
		if err != nil && !errors.Is(err, net.ErrClosed) { // closed by begin's cleanup
			w.fault("%v", err)
		}
		if err != nil || !more {
			return
		}
	}
}

// tell changes what others look at.
func (w *witness) tell(change func()) {
	w.mu.Lock()
	defer w.mu.Unlock()
	change()
	close(w.news)
	w.news = make(chan struct{})
}

func (w *witness) fault(format string, args ...any) {
	w.tell(func() { w.faults = append(w.faults, fmt.Sprintf(format, args...)) })
}
