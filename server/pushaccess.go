package server

import (
	"fmt"
	"sync"
)

// pushAccess is who may push to each stream: passwords, networks, and the push-ids that were given out. Streams are
// known by their id.
type pushAccess struct {
	// Set by newPushAccess, never changed.
	users []users    // of push_users; empty: no password is asked for, see admits
	from  []networks // of push_from; empty: see admits

	mu       sync.Mutex
	sessions []pushSessions
	nonces   nonces
	brake    brake
}

func newPushAccess(streams []*stream) (*pushAccess, error) {
	a := &pushAccess{sessions: make([]pushSessions, len(streams))}
	for _, st := range streams {
		u, err := newUsers(st.cfg.PushUsers)
		if err != nil {
			return nil, fmt.Errorf("stream %s: %w", st.cfg.Path, err)
		}
		from, err := newNetworks(st.cfg.PushFrom)
		if err != nil {
			return nil, fmt.Errorf("stream %s: %w", st.cfg.Path, err)
		}
		a.users, a.from = append(a.users, u), append(a.from, from)
	}
	return a, nil
}
