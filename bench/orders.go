package main

// What others ask of a worker. Each order is run by the worker, on its goroutine, soon.

// start adds a viewer of the next site. herd: its times are kept apart.
func (w *worker) start(r role, herd bool) {
	w.post(func() {
		s := w.sites[w.next%len(w.sites)]
		w.next++
		w.add(s, r, herd)
	})
}

// mark starts the window: bytes are counted from now on for each viewer that watches.
func (w *worker) mark() {
	w.post(func() {
		for _, v := range w.viewers {
			if v != nil && v.phase == watching {
				v.mark = v.bytes
			}
		}
	})
}

// replace ends a random viewer that watches and starts another like it.
func (w *worker) replace() { w.post(w.replaceOne) }

// totals is what the worker has counted so far.
func (w *worker) totals() totals { return w.tally.totals() }
