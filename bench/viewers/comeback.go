package viewers

import "time"

// A comeback is a viewer that is to return.
type comeback struct {
	at time.Time
	v  *viewer // as it was
}

// returnAfter lets a viewer begin anew after a pause. Not at once: a server that refuses would keep us in a loop.
func (w *Worker) returnAfter(v *viewer, pause time.Duration) {
	w.retire(v)
	w.away = append(w.away, comeback{w.now.Add(pause), v})
}

// startReturning starts those whose pause is over.
func (w *Worker) startReturning() {
	still := w.away[:0]
	for _, c := range w.away {
		if w.now.Before(c.at) {
			still = append(still, c)
		} else {
			w.add(c.v.home, c.v.role, c.v.herd)
		}
	}
	clear(w.away[len(still):])
	w.away = still
}
