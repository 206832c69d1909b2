package server

import (
	"fmt"
	"sync"
	"sync/atomic"

	"pumpd/server/auth"
	"pumpd/server/clock"
	"pumpd/server/config"
	"pumpd/server/stream"
)

// pushAccess is who may push to each stream: passwords, networks, and the push-ids that were given out.
type pushAccess struct {
	*auth.Record

	// Any goroutine. A map that changes no more; a reload replaces it.
	rights atomic.Pointer[pushRightsByStream]

	mu       sync.Mutex
	sessions map[*stream.Stream]*pushSessions // of the streams of rights
}

// pushRights are those of one stream.
type pushRights struct {
	users auth.Users    // of push_users; empty: no password is asked for, see bars
	from  auth.Networks // of push_from; empty: see bars
	certs []string      // of push_certs; empty: see bars
}

type pushRightsByStream map[*stream.Stream]pushRights

func newPushAccess(streams []*stream.Stream, c clock.Clock) (*pushAccess, error) {
	a := &pushAccess{Record: auth.NewRecord(c)}
	rights := pushRightsByStream{}
	for _, st := range streams {
		r, err := parsePushRights(st.Config())
		if err != nil {
			return nil, err
		}
		rights[st] = r
	}
	a.replace(rights)
	return a, nil
}

// parsePushRights makes them of a stream's configuration.
func parsePushRights(cfg *config.Stream) (r pushRights, err error) {
	if r.users, err = auth.ParseUsers(cfg.PushUsers); err != nil {
		return r, fmt.Errorf("stream %s: push_users: %w", cfg.Path, err)
	}
	if r.from, err = auth.ParseNetworks(cfg.PushFrom); err != nil {
		return r, fmt.Errorf("stream %s: push_from: %w", cfg.Path, err)
	}
	r.certs = cfg.PushCerts
	return r, nil
}

// replace has other rights count from now on; nobody changes them any more. The push-ids of streams without any are
// forgotten.
func (a *pushAccess) replace(rights pushRightsByStream) {
	a.mu.Lock()
	defer a.mu.Unlock()
	sessions := make(map[*stream.Stream]*pushSessions, len(rights))
	for st := range rights {
		if sessions[st] = a.sessions[st]; sessions[st] == nil {
			sessions[st] = &pushSessions{}
		}
	}
	a.sessions = sessions
	a.rights.Store(&rights)
}

// forgetIDs makes the push-ids of a stream good for nothing.
func (a *pushAccess) forgetIDs(st *stream.Stream) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.sessions[st] = &pushSessions{}
}

// of is who may push to a stream: strangers may not to one that is no more.
func (a *pushAccess) of(st *stream.Stream) pushRights { return (*a.rights.Load())[st] }

// sessionsOf are a stream's; those of one that is no more are forgotten. For whoever holds mu.
func (a *pushAccess) sessionsOf(st *stream.Stream) *pushSessions {
	if s := a.sessions[st]; s != nil {
		return s
	}
	return &pushSessions{}
}
