package compare

import (
	"context"
	"net/http"
	"net/http/httptest"
	"testing"
)

// Everything that operators look at is asked for, and nothing any more when it is over.
func TestLook(t *testing.T) {
	asked := make(chan string, 100)
	s := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { asked <- r.URL.Path }))
	ctx, stop := context.WithCancel(t.Context())
	done := look(ctx, s.URL+"/")
	seen := map[string]bool{}
	for len(seen) < len(looks) {
		seen[<-asked] = true
	}
	stop()
	<-done
	s.Close()
	if !seen["/"] || !seen["/stream/bench"] || !seen["/metrics"] {
		t.Errorf("asked for %v", seen)
	}
}
