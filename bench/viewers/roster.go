package viewers

import (
	"errors"
	"math/rand/v2"
	"strconv"

	"golang.org/x/sys/unix"
)

// add adds a viewer of a site.
func (w *Worker) add(s *Site, r Role, herd bool) {
	if w.stop {
		return
	}
	v := &viewer{
		fd: -1, home: s, site: s, role: r, herd: herd, describe: s.description != nil && r != Stalled,
		born: w.now, last: w.now, mark: -1,
	}
	w.assignSlot(v)
	w.open(v)
}

// assignSlot gives a viewer a slot.
func (w *Worker) assignSlot(v *viewer) {
	if n := len(w.free); n > 0 {
		v.slot = w.free[n-1]
		w.free = w.free[:n-1]
		w.viewers[v.slot] = v
		return
	}
	v.slot = len(w.viewers)
	w.viewers = append(w.viewers, v)
}

// ended decides what the end of a viewer means. Stalled and slow ones may be cut; the others must not be. watched: it
// had got as far as that.
func (w *Worker) ended(v *viewer, err error, watched bool) {
	var no *rejection
	switch {
	case errors.As(err, &no):
		w.refused(v, no)
	case v.role == Stalled || v.role == Slow:
		w.tally.cut.Add(1)
	case w.opt.Reconnect:
		w.tally.returned.Add(1)
		tallyInto(&w.retired.Returns, v.outcome, 1)
		v.outcome = ""
		pause := defaultRetry
		if watched {
			pause = 0
		}
		w.returnAfter(v, pause)
	default:
		w.tally.failed.Add(1)
	}
}

// refused counts apart from failures.
func (w *Worker) refused(v *viewer, no *rejection) {
	v.outcome = ""
	w.tally.refused.Add(1)
	w.clock.Refusal(w.now.Sub(v.born))
	tallyInto(&w.retired.Refusals, strconv.Itoa(no.status), 1)
	if w.opt.Reconnect {
		w.returnAfter(v, no.after)
	}
}

// retire takes a viewer off the list and keeps what its checker found.
func (w *Worker) retire(v *viewer) {
	w.retired.addViewer(v)
	w.viewers[v.slot] = nil
	w.free = append(w.free, v.slot)
}

// replaceOne ends a random viewer that watches and adds another like it.
func (w *Worker) replaceOne() {
	v := w.random()
	if v == nil {
		return
	}
	unix.Close(v.fd)
	v.fd, v.phase = -1, gone
	w.tally.up.Add(-1)
	w.retire(v)
	w.add(v.home, v.role, false)
}

// random finds a viewer to replace, nil if a few tries find none.
func (w *Worker) random() *viewer {
	for range 16 {
		if len(w.viewers) == 0 {
			return nil
		}
		v := w.viewers[rand.IntN(len(w.viewers))]
		if v != nil && v.phase == watching && (v.role == Crowd || v.role == Sample) {
			return v
		}
	}
	return nil
}
