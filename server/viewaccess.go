package server

import (
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"

	"pumpd/server/access"
	"pumpd/server/auth"
	"pumpd/server/clock"
	"pumpd/server/config"
	"pumpd/server/logging"
	"pumpd/server/stream"
)

// viewAccess is who may watch each stream.
type viewAccess struct {
	// Set by newViewAccess, never changed.
	log *slog.Logger
	*auth.Record

	// Any goroutine. A map that changes no more; a reload replaces it.
	rights atomic.Pointer[viewRightsByStream]

	mu      sync.Mutex
	callers map[access.Service]*access.Caller
}

// viewRights are those of one stream.
type viewRights struct {
	*access.Policy                // nil: everybody may watch
	caller         *access.Caller // of auth_url; nil: there is none
}

type viewRightsByStream map[*stream.Stream]viewRights

func newViewAccess(streams []*stream.Stream, log *slog.Logger, c clock.Clock) (*viewAccess, error) {
	a := &viewAccess{log: log, Record: auth.NewRecord(c), callers: map[access.Service]*access.Caller{}}
	rights := viewRightsByStream{}
	for _, st := range streams {
		r, err := a.parse(st.Config())
		if err != nil {
			return nil, err
		}
		rights[st] = r
	}
	a.replace(rights)
	return a, nil
}

// parse makes them of a stream's configuration. Streams that name the same callback share its answers.
func (a *viewAccess) parse(cfg *config.Stream) (r viewRights, err error) {
	if r.Policy, err = access.New(cfg); err != nil {
		return r, err
	}
	s := access.ServiceOf(cfg)
	if s.URL == "" {
		return r, nil
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.callers[s] == nil {
		a.callers[s] = access.NewCaller(s, func(path string, err error) {
			a.log.Warn(logging.CallbackFails, "stream", strings.TrimPrefix(path, "/streams/"), "err", err)
		})
	}
	r.caller = a.callers[s]
	return r, nil
}

// replace has other rights count from now on; nobody changes them any more. Callbacks that none of them has are asked
// no more.
func (a *viewAccess) replace(rights viewRightsByStream) {
	a.rights.Store(&rights)
	wanted := map[*access.Caller]bool{}
	for _, r := range rights {
		wanted[r.caller] = true
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	for s, c := range a.callers {
		if !wanted[c] {
			c.Close()
			delete(a.callers, s)
		}
	}
}

// of is who may watch a stream. ok is false where the stream is no more: then nobody may.
func (a *viewAccess) of(st *stream.Stream) (r viewRights, ok bool) {
	r, ok = (*a.rights.Load())[st]
	return r, ok
}

// close ends what asks callbacks.
func (a *viewAccess) close() { a.replace(nil) }
