//go:build race

package server

import (
	"testing"

	"pumpd/server/reason"
)

// What only the loop's goroutine may call panics on another one, even if the two never run at once.
func TestOwnerChecked(t *testing.T) {
	r := newRig(t, nil, "a")
	p := r.connect()
	r.turn()
	for name, touch := range map[string]func(){
		"work":       func() { r.loop.work(r.at) },
		"ready":      func() { r.loop.ready(nil, r.at) },
		"open":       func() { r.loop.open(arrival{wire: p}, r.at) },
		"traffic":    func() { r.loop.traffic(p.conn, r.at) },
		"closed":     func() { r.loop.closed(p.conn) },
		"mark":       func() { r.loop.mark(p.conn, reason.Stalled) },
		"sweep":      func() { r.loop.sweep(r.at) },
		"schedule":   func() { r.loop.schedule(p.conn) },
		"unschedule": func() { r.loop.unschedule(p.conn) },
		"join":       func() { r.loop.join(p.conn, nil, nil, nil, nil, r.at) },
		"part":       func() { r.loop.part(p.conn, r.at) },
		"stop":       func() { r.loop.stop(r.at) },
	} {
		if !panicsElsewhere(touch) {
			t.Errorf("%s: no panic on another goroutine", name)
		}
		if p.conn.why != reason.None || p.conn.phase != awaiting {
			t.Fatalf("%s touched the conn: %v, phase %d", name, p.conn.why, p.conn.phase)
		}
	}
	r.loop.owner.release()
	if panicsElsewhere(func() { r.loop.work(r.at) }) {
		t.Error("a released loop has an owner")
	}
	if panicsElsewhere(func() { r.loop.hub.Bell(r.at); r.loop.wake() }) {
		t.Error("a bell rings on any goroutine")
	}
}

// panicsElsewhere says whether touch panics on a goroutine of its own because of the owner.
func panicsElsewhere(touch func()) bool {
	said := make(chan any)
	go func() {
		defer func() { said <- recover() }()
		touch()
	}()
	_, ok := (<-said).(string)
	return ok
}
