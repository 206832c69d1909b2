package viewers

import "time"

// How often slow viewers read, and others are looked at.
const (
	slowTick  = 50 * time.Millisecond
	watchTick = time.Second
)

// tick does what is due by time: slow viewers read, late and silent ones are found.
func (w *Worker) tick() {
	d := w.now.Sub(w.ticked)
	if d < slowTick {
		return
	}
	whole := w.now.Truncate(watchTick) != w.ticked.Truncate(watchTick)
	if w.ticked.IsZero() {
		d = 0
	}
	w.ticked = w.now
	w.startReturning()
	for _, v := range w.viewers {
		if v == nil || v.phase == gone {
			continue
		}
		if v.role == Slow && v.phase == watching {
			if err := w.readSlowly(v, d); err != nil {
				w.fail(v, err)
			}
		} else if whole {
			w.inspect(v)
		}
	}
}

// inspect fails viewers that wait too long for their stream and counts those that hear nothing any more.
func (w *Worker) inspect(v *viewer) {
	if v.role == Stalled {
		return
	}
	if v.first == 0 && w.now.Sub(v.born) > w.opt.Patience && !w.opt.Bare {
		w.fail(v, errLate)
		return
	}
	quiet := w.now.Sub(v.last) > w.opt.Silence && !w.opt.Bare
	if quiet && !v.silent {
		w.tally.silent.Add(1)
	}
	v.silent = v.silent || quiet
}
