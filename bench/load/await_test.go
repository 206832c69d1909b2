package load

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"pumpd/bench/viewers"
)

func TestAwait(t *testing.T) {
	t.Parallel() // most of it is waiting
	opt := func(addr string) Options {
		return Options{URLs: []string{"mmsh://" + addr + "/x"}, Sample: "0", Quiet: true,
			Options: viewers.Options{Sources: 1, Patience: 20 * time.Second, Silence: 20 * time.Second}}
	}
	absent := serveBytes(t, []byte("HTTP/1.0 503 Later\r\n\r\n"), true)
	late := serveAfter(t, 2, []byte("HTTP/1.0 503 Later\r\n\r\n"), serveSynth(t))
	fine := func() error { return nil }
	if err := Await(t.Context(), opt(late), time.Minute, fine); err != nil {
		t.Errorf("comes late: %v", err)
	}
	if err := Await(t.Context(), opt(absent), 0, fine); err == nil || !strings.Contains(err.Error(), "503") {
		t.Errorf("never comes: %v", err)
	}
	gone := errors.New("gone")
	if err := Await(t.Context(), opt(absent), time.Minute, func() error { return gone }); !errors.Is(err, gone) {
		t.Errorf("is over: %v", err)
	}
	ctx, stop := context.WithCancel(t.Context())
	stop()
	if err := Await(ctx, opt(absent), time.Minute, fine); !errors.Is(err, context.Canceled) {
		t.Errorf("is not wanted: %v", err)
	}
}
