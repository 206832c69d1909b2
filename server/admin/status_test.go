package admin

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http/httptest"
	"runtime"
	"sync"
	"testing"
	"time"

	"pumpd/asf/asftest"
	"pumpd/server/clock"
	"pumpd/server/config"
	"pumpd/server/line"
	"pumpd/server/reason"
	"pumpd/server/stream"
)

// What programs read is pinned to the letter: names are an interface.
func TestStatusReport(t *testing.T) {
	r := newRig(t, pushStream("pushed", "Pushed video"), config.Stream{Path: "pulled", Type: config.TypePull})
	r.begin("[::]:8086", "192.0.2.9:80")
	r.s.Node = "pumpd-0123456789abcdef"
	r.there.Connections = 5
	r.there.Refused = 6
	r.there.Line = line.View{Configured: 2.5e6, Carries: 1.5e6, Demand: 1e6, Owed: 3, Full: true, Live: 4, Bursts: 5}
	r.reload = Reload{Loaded: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC), Error: "pump.toml:1: what is wrong",
		Restart: []string{"server.loops"}}
	r.there.Quota = &Quota{Limit: 160e9, Used: 5e9, Ends: time.Date(2026, 11, 28, 0, 0, 0, 0, time.UTC)}
	r.rates.sample(r.at)
	r.crowd()
	src := r.feed(0, stream.Push, "192.0.2.1:5000", 10)
	src.Packet([]byte("bad"))
	st := r.s.Streams.Streams()[0].Stats()
	st.Viewers.Store(3)
	st.Behind.Store(2)
	st.Blocked.Store(1)
	st.Lag.Store(int64(3 * time.Second))
	st.Joined.Store(12)
	st.BytesOut.Store(1_000_000)
	st.Skips.Store(2)
	st.SkippedPackets.Store(1)
	st.Left[reason.ClientClosed].Store(8)
	st.Left[reason.Stalled].Store(1)
	r.at = r.at.Add(4 * time.Second)
	r.rates.sample(r.at)
	want := fmt.Sprintf(`{
  "version": "v1.2.3",
  "go": "%s",
  "node": "pumpd-0123456789abcdef",
  "state": "ready",
  "uptime_seconds": 4,
  "listen": [
    "[::]:8086",
    "192.0.2.9:80"
  ],
  "connections": 5,
  "connection_limit": 100,
  "connections_refused": 6,
  "config": {
    "loaded": "2026-01-02T03:04:05Z",
    "reload_ok": false,
    "reload_error": "pump.toml:1: what is wrong",
    "restart": [
      "server.loops"
    ]
  },
  "viewers": 3,
  "bitrate_in": %[2]d,
  "bitrate_out": 2000000,
  "room": {
    "viewers": 1,
    "max_viewers": 10,
    "bandwidth": 300000,
    "max_bandwidth": 0,
    "reserved": 0,
    "line": 313714,
    "line_usable": 0,
    "shut": "",
    "headroom_viewers": 9,
    "refused": {
      "stream_max_viewers": 1
    }
  },
  "line": {
    "configured": 20000000,
    "carries": 12000000,
    "demand": 8000000,
    "owed_bytes": 3,
    "full": true,
    "live_bytes": 4,
    "burst_bytes": 5
  },
  "quota": {
    "limit": 160000000000,
    "used": 5000000000,
    "ends": "2026-11-28T00:00:00Z"
  },
  "streams": [
    {
      "path": "pushed",
      "title": "Pushed video",
      "type": "mmsh_push",
      "state": "live",
      "condition": "silent",
      "source_kind": "push",
      "source_up": false,
      "source": {
        "kind": "push",
        "from": "192.0.2.1:5000"
      },
      "media": [
        {
          "kind": "video",
          "codec": "WMV2",
          "width": 320,
          "height": 240
        }
      ],
      "viewers": 3,
      "behind": 2,
      "blocked": 1,
      "lag_seconds": 1.5,
      "waiting": 0,
      "joined": 12,
      "left": {
        "client_closed": 8,
        "stalled": 1
      },
      "bitrate_declared": 300000,
      "bitrate_in": %[2]d,
      "bitrate_out": 2000000,
      "preroll_seconds": 3,
      "burst_seconds": 0,
      "bytes_in": %[3]d,
      "bytes_out": 1000000,
      "packets": 10,
      "bad_packets": 1,
      "packets_before_key": 1,
      "skips": 2,
      "generations": 1,
      "switches": 0,
      "last_packet_seconds": 4,
      "room": {
        "max_viewers": 2,
        "max_bandwidth": 0,
        "viewer_bitrate": 300000,
        "viewer_line": 313714,
        "headroom_viewers": 1,
        "refused": {
          "stream_max_viewers": 1
        }
      },
      "urls": {
        "mmsh": "mmsh://127.0.0.1:8086/streams/pushed",
        "http": "http://127.0.0.1:8086/streams/pushed",
        "asx": "http://127.0.0.1:8086/streams/pushed.asx",
        "push": "http://127.0.0.1:8086/streams/pushed_push"
      }
    },
    {
      "path": "pulled",
      "title": "pulled",
      "type": "mmsh_pull",
      "state": "idle",
      "condition": "idle",
      "source_kind": "none",
      "source_up": false,
      "source": null,
      "viewers": 0,
      "behind": 0,
      "blocked": 0,
      "lag_seconds": 0,
      "waiting": 0,
      "joined": 0,
      "left": {},
      "bitrate_declared": 0,
      "bitrate_in": 0,
      "bitrate_out": 0,
      "preroll_seconds": 0,
      "burst_seconds": 0,
      "bytes_in": 0,
      "bytes_out": 0,
      "packets": 0,
      "bad_packets": 0,
      "packets_before_key": 0,
      "skips": 0,
      "generations": 0,
      "switches": 0,
      "last_packet_seconds": null,
      "room": {
        "max_viewers": 0,
        "max_bandwidth": 0,
        "viewer_bitrate": 0,
        "viewer_line": 0,
        "headroom_viewers": 9,
        "refused": {}
      },
      "urls": {
        "mmsh": "mmsh://127.0.0.1:8086/streams/pulled",
        "http": "http://127.0.0.1:8086/streams/pulled",
        "asx": "http://127.0.0.1:8086/streams/pulled.asx"
      }
    }
  ]
}
`, runtime.Version(), asftest.PacketSize*10*8/4, asftest.PacketSize*10)
	if got := r.get("/api/status").Body.String(); got != want {
		t.Errorf("got %s\nwant %s", got, want)
	}
	var all struct{ Streams []json.RawMessage }
	if err := json.Unmarshal([]byte(want), &all); err != nil {
		t.Fatal(err)
	}
	for i, name := range []string{"pushed", "pulled"} {
		var got, want any
		if err := json.Unmarshal(r.get("/api/streams/"+name).Body.Bytes(), &got); err != nil {
			t.Fatal(err)
		}
		if err := json.Unmarshal(all.Streams[i], &want); err != nil {
			t.Fatal(err)
		}
		if fmt.Sprint(got) != fmt.Sprint(want) {
			t.Errorf("%s: got %v, want %v", name, got, want)
		}
	}
}

func TestStreamLife(t *testing.T) {
	r := newRig(t, pushStream("a", ""))
	r.begin("127.0.0.1:8086")
	check := func(state string, source bool, declared int64) {
		t.Helper()
		got := r.reportStream(r.s.Streams.Streams()[0], "h:1")
		if got.State != state || (got.Source != nil) != source || got.Declared != declared {
			t.Errorf("got %s, source %v, %d bit/s, want %s, %v, %d", got.State, got.Source, got.Declared, state, source,
				declared)
		}
	}
	check("idle", false, 0)
	src := r.feed(0, stream.Push, "x", 1)
	check("live", true, 300_000)
	src.Lost(io.EOF)
	check("orphaned", false, 300_000)
	r.s.Streams.Reap(r.at.Add(time.Minute))
	check("idle", false, 0)
}

func TestStatusHost(t *testing.T) {
	for _, c := range []struct{ listen, host, want string }{
		{"0.0.0.0:8086", "127.0.0.1:8087", "127.0.0.1:8086"},
		{"[::]:8086", "127.0.0.1:8087", "127.0.0.1:8086"},
		{"[::]:8086", "[::1]:8087", "[::1]:8086"},
		{"[::]:8086", "[2001:db8::1]", "[2001:db8::1]:8086"},
		{"[::]:8086", "pump.example:8087", "pump.example:8086"},
		{"[::]:8086", "pump.example", "pump.example:8086"},
		{"[::]:80", "my_pump", "my_pump:80"},
		{"192.0.2.1:8086", "pump.example:8087", "192.0.2.1:8086"},
		{"[2001:db8::1]:8086", "pump.example:8087", "[2001:db8::1]:8086"},
		// What a requester may come up with.
		{"[::]:8086", "", "localhost:8086"},
		{"[::]:8086", ":8087", "localhost:8086"},
		{"[::]:8086", `"><b>`, "localhost:8086"},
		{"[::]:8086", "a/b?c#d", "localhost:8086"},
		{"[::]:8086", "user@pump.example", "localhost:8086"},
		{"[::]:8086", "[fe80::1%<b>]:8087", "[fe80::1]:8086"},
		{"[::]:8086", "1.2.3", "localhost:8086"},
	} {
		r := newRig(t)
		request := httptest.NewRequest("GET", "/", nil)
		request.Host = c.host
		if got := r.host(request); got != "" {
			t.Errorf("before listening: %q, want nothing", got)
		}
		r.begin(c.listen)
		if got := r.host(request); got != c.want {
			t.Errorf("listening on %s, asked as %q: %q, want %q", c.listen, c.host, got, c.want)
		}
	}
}

// Everybody looks while a source, viewers and the sampler work; it is for the race detector.
func TestLookWhileBusy(t *testing.T) {
	r := newRig(t, pushStream("a", ""))
	r.begin("127.0.0.1:8086")
	st := r.s.Streams.Streams()[0]
	const turns = 50
	var all sync.WaitGroup
	all.Go(func() {
		for range turns {
			r.feed(0, stream.Push, "x", 3).Lost(io.EOF)
			st.Stats().Viewers.Add(1)
			st.Stats().Left[reason.Stalled].Add(1)
		}
	})
	all.Go(func() {
		for i := range turns {
			r.rates.sample(clock.Instant(i).Add(time.Second))
		}
	})
	for _, path := range []string{"/", "/api/status", "/api/streams/a", "/metrics", "/readyz"} {
		all.Go(func() {
			for range turns {
				if w := r.get(path); w.Code != 200 {
					t.Errorf("%s: %d", path, w.Code)
				}
			}
		})
	}
	all.Wait()
	if got := r.reportStream(st, ""); got.Viewers != turns || got.Packets != 3*turns {
		t.Errorf("%d viewers, %d packets, want %d, %d", got.Viewers, got.Packets, turns, 3*turns)
	}
}
