package server

import (
	"fmt"
	"sync"

	"pumpd/server/auth"
	"pumpd/server/stream"
)

// pushAccess is who may push to each stream: passwords, networks, and the push-ids that were given out. Streams are
// known by their id.
type pushAccess struct {
	// Set by newPushAccess, never changed.
	users []auth.Users    // of push_users; empty: no password is asked for, see admits
	from  []auth.Networks // of push_from; empty: see admits

	mu       sync.Mutex
	sessions []pushSessions
	nonces   auth.Nonces
	brake    auth.Brake
}

func newPushAccess(streams []*stream.Stream) (*pushAccess, error) {
	a := &pushAccess{sessions: make([]pushSessions, len(streams))}
	for _, st := range streams {
		u, err := auth.ParseUsers(st.Config().PushUsers)
		if err != nil {
			return nil, fmt.Errorf("stream %s: %w", st.Config().Path, err)
		}
		from, err := auth.ParseNetworks(st.Config().PushFrom)
		if err != nil {
			return nil, fmt.Errorf("stream %s: %w", st.Config().Path, err)
		}
		a.users, a.from = append(a.users, u), append(a.from, from)
	}
	return a, nil
}
