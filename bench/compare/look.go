package compare

import (
	"context"
	"io"
	"net/http"
	"sync"
	"time"
)

// lookedAt is behind the name of a pump that operators look at.
const lookedAt = ", looked at"

// looks are what operators have open, and how often it is asked for: two browsers, as status.js does, and Prometheus.
var looks = map[string]time.Duration{"": 2 * time.Second, "stream/bench": 2 * time.Second, "metrics": time.Second}

// look asks for all of it until ctx is done; then the channel is closed. What does not answer is asked again: a pump
// takes a moment to start.
func look(ctx context.Context, admin string) <-chan struct{} {
	var all sync.WaitGroup
	for path, every := range looks {
		all.Go(func() {
			for tick := time.NewTicker(every); ctx.Err() == nil; {
				ask(ctx, admin+path)
				select {
				case <-tick.C:
				case <-ctx.Done():
					tick.Stop()
				}
			}
		})
	}
	done := make(chan struct{})
	go func() {
		all.Wait()
		close(done)
	}()
	return done
}

func ask(ctx context.Context, url string) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, http.NoBody)
	if err != nil {
		panic(err) // of our own URLs
	}
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		return
	}
	io.Copy(io.Discard, answer.Body) // as far as it comes
	answer.Body.Close()
}
