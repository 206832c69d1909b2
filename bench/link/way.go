package link

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"sync"
	"time"
)

// maxPacket is the largest that a device can give.
const maxPacket = 64 << 10

// A way carries packets through a Line from one device to the other, in two goroutines: collect and deliver.
type way struct {
	from io.Reader // a packet a call
	to   io.Writer
	now  func() time.Duration
	bell chan struct{} // the line's Next may have changed

	mu      sync.Mutex
	line    *Line
	shape   Shape
	refused int64 // packets that the device at the end did not take, as one that is down
}

func newWay(from io.Reader, to io.Writer, shape Shape, seed uint64, now func() time.Duration) *way {
	return &way{
		from: from, to: to, now: now, bell: make(chan struct{}, 1),
		line: NewLine(shape, seed), shape: shape,
	}
}

// collect reads until the device is closed.
func (w *way) collect() error {
	buffer := make([]byte, maxPacket)
	for {
		n, err := w.from.Read(buffer)
		if err != nil {
			if errors.Is(err, fs.ErrClosed) || errors.Is(err, io.EOF) {
				return nil
			}
			return err
		}
		w.send(append([]byte(nil), buffer[:n]...))
	}
}

func (w *way) send(data []byte) {
	w.mu.Lock()
	_, busy := w.line.Next()
	w.line.Send(w.now(), data)
	w.mu.Unlock()
	if !busy { // what comes behind others does not arrive before them
		w.ring()
	}
}

// change gives the line the shape that text says.
func (w *way) change(text string) (Shape, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	defer w.ring()
	err := w.shape.Set(text)
	w.line.Set(w.now(), w.shape)
	return w.shape, err
}

func (w *way) ring() {
	select {
	case w.bell <- struct{}{}:
	default:
	}
}

// deliver writes what arrives until ctx is done.
func (w *way) deliver(ctx context.Context) {
	timer := time.NewTimer(0)
	defer timer.Stop()
	for ctx.Err() == nil {
		data, wait, ok := w.receive()
		if data != nil {
			if _, err := w.to.Write(data); err != nil {
				w.refuse()
			}
			continue
		}
		timer.Stop()
		if ok {
			timer.Reset(wait)
		}
		select {
		case <-ctx.Done():
		case <-w.bell:
		case <-timer.C:
		}
	}
}

// receive is a packet that has arrived, or the time until one may.
func (w *way) receive() (data []byte, wait time.Duration, ok bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	now := w.now()
	if data = w.line.Receive(now); data != nil {
		return data, 0, true
	}
	at, ok := w.line.Next()
	return nil, at - now, ok
}

func (w *way) refuse() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.refused++
}

func (w *way) result() (Count, int64) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.line.Count(), w.refused
}
