package viewers

// What others ask of a worker. Each order is run by the worker, on its goroutine, soon.

// Start adds a viewer of the next site. herd: its times are kept apart.
func (w *Worker) Start(r Role, herd bool) {
	w.post(func() {
		s := w.sites[w.next%len(w.sites)]
		w.next++
		w.add(s, r, herd)
	})
}

// Mark starts the window: bytes are counted from now on for each viewer that watches.
func (w *Worker) Mark() {
	w.post(func() {
		for _, v := range w.viewers {
			if v != nil && v.phase == watching {
				v.mark = v.bytes
			}
		}
	})
}

// Replace ends a random viewer that watches and starts another like it.
func (w *Worker) Replace() { w.post(w.replaceOne) }

// Totals is what the worker has counted so far.
func (w *Worker) Totals() Totals { return w.tally.totals() }
