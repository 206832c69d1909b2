package access

import (
	"fmt"
	"time"

	"pumpd/server/config"
)

// A Snapshot is the answers that a Caller knows, or a part of them, for the process that goes on with it. It is for
// encoding/gob.
type Snapshot struct {
	Service Service
	Salt    [32]byte // of the keys; a secret
	Answers []KeptAnswer
}

// A KeptAnswer is one of them.
type KeptAnswer struct {
	Key    key
	Answer Answer
	Until  time.Time
}

// Snapshots are the answers that are still good, so many at a time at the most, the newest last.
func (r *Caller) Snapshots(most int, now time.Time) (list []Snapshot) {
	r.mu.Lock()
	defer r.mu.Unlock()
	add := func(k key, e kept) {
		if n := len(list); n == 0 || len(list[n-1].Answers) == most {
			list = append(list, Snapshot{Service: r.Service, Salt: r.salt})
		}
		last := &list[len(list)-1]
		last.Answers = append(last.Answers, KeptAnswer{k, e.answer, e.until})
	}
	for _, answers := range []map[key]kept{r.known.old, r.known.young} {
		for k, e := range answers {
			if !now.After(e.until) {
				add(k, e)
			}
		}
	}
	return list
}

// Restore has a Caller of the same Service, which nobody has asked yet, know answers that another process knew.
func (r *Caller) Restore(s *Snapshot, now time.Time) error {
	for i := range s.Answers {
		if err := s.Answers[i].Answer.check(); err != nil {
			return fmt.Errorf("answer of a callback: %w", err)
		}
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.salt = s.Salt
	for _, a := range s.Answers {
		until := a.Until
		if latest := now.Add(maxKeep); until.After(latest) { // the clock may have been set back
			until = latest
		}
		r.known.keep(a.Key, kept{a.Answer, until})
	}
	return nil
}

// check says what in an answer cannot be.
func (a *Answer) check() error {
	switch {
	case a.Callback < CallbackAllows || a.Callback > CallbackPassword:
		return fmt.Errorf("%d, allowed %d to %d", a.Callback, CallbackAllows, CallbackPassword)
	case len(a.Why) > maxWhy || config.OneLine(a.Why) != a.Why:
		return fmt.Errorf("why: %.200q, want a line of up to %d bytes", a.Why, maxWhy)
	case a.User != "" && !isViewer(a.User):
		return fmt.Errorf("user: %.80q", a.User)
	}
	return nil
}
