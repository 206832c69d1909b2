package server

import (
	"bufio"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"pumpd/server/config"
)

// Whatever reloads follow each other, with viewers and encoders that come and go meanwhile, nothing breaks, and when
// all have gone nobody is counted any more.
func TestReloadStorm(t *testing.T) {
	t.Parallel()
	r := startReloadable(t, func(c *config.Config) {
		c.Server.MaxViewers = 1000
		c.Timeouts.SourceGrace = config.Duration(100 * time.Millisecond)
	})
	random := rand.New(rand.NewPCG(1, 2))
	files := writeCertificate(t, t.TempDir(), "pump", "localhost")
	var over atomic.Bool
	var visits atomic.Int64
	var clients sync.WaitGroup
	for i := range 8 {
		clients.Go(func() {
			for n := 0; !over.Load(); n++ {
				visit(r.at.String(), fmt.Sprintf("%c", 'a'+(i+n)%4), n%3 == 0)
				visits.Add(1)
			}
		})
	}
	for range 40 {
		before := visits.Load()
		r.change(func(c *config.Config) { shake(c, random, files) })
		r.until("some have come", func() bool { return visits.Load() > before+3 })
	}
	over.Store(true)
	clients.Wait()
	r.change(func(c *config.Config) { c.Streams, c.TLS.Listen = nil, nil })
	r.until("all connections are gone", func() bool { return r.gate.inside.Load() == 0 })
	// The last one leaves its seat when the callback is over in which its connection has gone.
	r.until("no seats are taken by nobody", func() bool { return r.node.ledger.View().Viewers == 0 })
}

// shake changes a configuration at random.
func shake(c *config.Config, random *rand.Rand, files config.Certificate) {
	c.Streams = nil
	for path := 'a'; path <= 'd'; path++ {
		st := config.Stream{Path: string(path), Enabled: random.IntN(4) > 0, OnSecondPush: "takeover"}
		st.Hold = config.Duration(random.IntN(2)) * config.Duration(50*time.Millisecond)
		st.MaxViewers = random.IntN(3) * 100
		switch random.IntN(3) {
		case 0:
			st.Type = config.TypeFile
		case 1:
			st.Type = config.TypePush
			st.Slate = []string{"", config.SlateBuiltin}[random.IntN(2)]
		case 2:
			st.Type, st.URL, st.OnDemand = config.TypePull, "mmsh://127.0.0.1:1/", random.IntN(2) == 0
		}
		c.Streams = append(c.Streams, st)
	}
	c.Server.Merge = config.Merge{Interval: config.Duration(random.IntN(20)) * config.Duration(time.Millisecond)}
	c.Server.StripPadding = random.IntN(2) == 0
	c.Server.Listen = c.Server.Listen[:1]
	if random.IntN(2) == 0 {
		c.Server.Listen = append(c.Server.Listen, "127.0.0.1:0")
	}
	c.TLS.Listen, c.TLS.Certificates = nil, []config.Certificate{files}
	if random.IntN(2) == 0 {
		c.TLS.Listen = []string{"127.0.0.1:0"}
	}
}

// visit watches a stream for a moment, or begins to push to it.
func visit(at, path string, push bool) {
	c, err := net.Dial("tcp", at)
	if err != nil {
		return
	}
	defer c.Close()
	c.SetDeadline(time.Now().Add(100 * time.Millisecond))
	if push {
		fmt.Fprintf(c, "POST /streams/%s_push HTTP/1.1\r\nContent-Type: %s\r\nContent-Length: %d\r\n\r\n", path, startType,
			endless)
	} else {
		fmt.Fprintf(c, "GET /streams/%s HTTP/1.0\r\nUser-Agent: %s\r\nPragma: xPlayStrm=1\r\n\r\n", path, wmpAgent)
	}
	_, _ = io.CopyN(io.Discard, bufio.NewReader(c), 20_000) // less where nothing comes
}
