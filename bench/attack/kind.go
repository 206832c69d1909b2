// Package attack does to a pump what strangers on the Internet do, beside honest viewers who must not notice.
//
// Each kind of attack is a value: what it does, and what the pump must be like for it. A new one is a value like the
// others and a word in Kinds.
package attack

import (
	"context"
	"fmt"
	"strings"

	"pumpd/bench/peers"
)

// A Kind is one way to attack.
type Kind struct {
	Name  string
	About string      // half a line
	Setup peers.Setup // of the pump
	// Ballast is how many bytes in the stream's header mean nothing.
	Ballast int
	// Own: the attack is in how the pump was started, so none that runs already will do.
	Own bool
	// Run attacks until ctx is done, and tells log what it does. It runs in a process of its own and may open up to
	// maxOpen descriptors. The error is that it cannot attack at all.
	Run func(ctx context.Context, v Victim, log *Log) error
}

// maxOpen is how many descriptors an attack may have open at once: a process may have 20,000 on many machines.
const maxOpen = 16_000

// Kinds are all there are, in the order in which they run.
func Kinds() []Kind {
	return []Kind{
		slowloris, idle, unread, deaf, connects, // places
		absent, describe, pipeline, sessions, // questions
		heads, via, chunks, garbage, http2, // nonsense
		tlsHalf, tlsReset, tlsFlood,
		guess, badPush, badUpstream, unreadLog,
	}
}

// Named picks kinds by name, all of them if there are no names.
func Named(names []string) ([]Kind, error) {
	if len(names) == 0 {
		return Kinds(), nil
	}
	var picked []Kind
	for _, name := range names {
		k, ok := find(name)
		if !ok {
			return nil, fmt.Errorf("attack %q: there are %s", name, strings.Join(allNames(), ", "))
		}
		picked = append(picked, k)
	}
	return picked, nil
}

func find(name string) (Kind, bool) {
	for _, k := range Kinds() {
		if k.Name == name {
			return k, true
		}
	}
	return Kind{}, false
}

func allNames() (names []string) {
	for _, k := range Kinds() {
		names = append(names, k.Name)
	}
	return names
}
