//go:build race

package server

import (
	"bytes"
	"fmt"
	"runtime"
	"strconv"
	"sync/atomic"
)

// An owner is the goroutine that a loop's state belongs to: the first one that touches it. As golang.org/x/net/http2
// does it with its serveG.
type owner struct{ id atomic.Uint64 } // 0: nobody has touched it yet

// check panics on any other goroutine than the owner. It allocates, and a lock around a buffer would hide races: rounds
// are checked where work begins.
func (o *owner) check() {
	here := goroutineID()
	if o.id.CompareAndSwap(0, here) {
		return
	}
	if owner := o.id.Load(); owner != here {
		panic(fmt.Sprintf("server: goroutine %d touches a loop of goroutine %d", here, owner))
	}
}

// release lets another goroutine be the owner, when the one so far has ended.
func (o *owner) release() { o.id.Store(0) }

// goroutineID reads the first line of a stack: "goroutine 18 [running]:".
func goroutineID() uint64 {
	var line [64]byte
	b := line[:runtime.Stack(line[:], false)]
	digits, _, _ := bytes.Cut(bytes.TrimPrefix(b, []byte("goroutine ")), []byte(" "))
	id, err := strconv.ParseUint(string(digits), 10, 64)
	if err != nil {
		panic(fmt.Sprintf("server: no goroutine in %q: %v", b, err))
	}
	return id
}
