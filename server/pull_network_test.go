package server

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"net/http"
	"net/netip"
	"strings"
	"testing"
	"time"

	"pumpd/asf/asftest"
	"pumpd/codec"
	"pumpd/server/config"
	"pumpd/server/via"
)

// awaitStream asks for stream a until it is up.
func awaitStream(t *testing.T, at netip.AddrPort) {
	t.Helper()
	for deadline := time.Now().Add(time.Minute); time.Now().Before(deadline); {
		v := dial(t, at)
		fmt.Fprint(v, "HEAD /streams/a HTTP/1.0\r\nUser-Agent: x\r\n\r\n")
		line, _ := bufio.NewReader(v).ReadString('\n')
		v.Close()
		if strings.Contains(line, " 200 ") {
			return
		}
	}
	t.Fatal("the stream does not come up")
}

func pullFrom(change func(s *config.Stream)) func(*config.Config) {
	return func(c *config.Config) {
		s := config.Stream{Path: "a", Enabled: true, Type: config.TypePull,
			PairSwitch: config.Duration(500 * time.Millisecond)}
		change(&s)
		c.Streams = []config.Stream{s}
	}
}

// An encoder, two pumps that pull from its pump, and one that has these two as a pair. Whichever of them stops, a
// viewer gets what the encoder sent, byte for byte.
//
//	encoder ──▶ origin ──▶ one ───▶ pair ──▶ viewer
//	                  └──▶ other ─┘
func TestPairOfPumps(t *testing.T) {
	t.Parallel()
	for stopped := range 2 {
		t.Run([]string{"the first stops", "the second stops"}[stopped], func(t *testing.T) {
			origin, _ := startServer(t, nil)
			encoder := pushTo(t, origin)
			var urls []string
			var stops []func() error
			for range 2 {
				at, stop := startServer(t, pullFrom(func(s *config.Stream) { s.URL = fmt.Sprintf("mmsh://%v/streams/a", origin) }))
				awaitStream(t, at)
				urls, stops = append(urls, fmt.Sprintf("mmsh://%v/streams/a", at)), append(stops, stop)
			}
			pair, _ := startServer(t, pullFrom(func(s *config.Stream) { s.Pair = urls }))
			awaitStream(t, pair)
			v := dial(t, pair)
			fmt.Fprint(v, "GET /streams/a HTTP/1.0\r\nUser-Agent: x\r\n\r\n")
			res, err := http.ReadResponse(bufio.NewReader(v), nil)
			if err != nil || res.StatusCode != 200 {
				t.Fatalf("%v, %v", res, err)
			}
			header := make([]byte, len(asftest.Header(asftest.PacketSize, 320)))
			if _, err := io.ReadFull(res.Body, header); err != nil {
				t.Fatal(err)
			}
			patience := time.Now().Add(time.Minute) // one packet after another through three pumps, on a busy machine
			v.SetDeadline(patience)
			encoder.SetDeadline(patience)
			got := make([]byte, asftest.PacketSize)
			for i := range uint32(150) {
				want := asftest.Packet(i, i*40, i%25 == 0, asftest.PacketSize, 500)
				if i > 0 { // pushTo has sent the first one
					encoder.Write(codec.AppendFrame(nil, 'D', want))
				}
				if i == 60 {
					go stops[stopped]()
				}
				if _, err := io.ReadFull(res.Body, got); err != nil {
					t.Fatalf("packet %d: %v", i, err)
				}
				if !bytes.Equal(got, want) {
					t.Fatalf("packet %d: got packet %d", i, asftest.Number(got))
				}
			}
		})
	}
}

// Three pumps in a row: the last one tells the next what it is behind, and none of them would pull from itself there.
func TestPathOfPumps(t *testing.T) {
	origin, _ := startServer(t, nil)
	pushTo(t, origin)
	from := func(at netip.AddrPort) string { return fmt.Sprintf("mmsh://%v/streams/a", at) }
	first, _ := startServer(t, pullFrom(func(s *config.Stream) { s.URL = from(origin) }))
	awaitStream(t, first)
	second, _ := startServer(t, pullFrom(func(s *config.Stream) { s.URL = from(first) }))
	awaitStream(t, second)
	ask := func(pumps string) (status, path string) {
		v := dial(t, second)
		fmt.Fprintf(v, "GET /streams/a HTTP/1.0\r\nUser-Agent: %s\r\nVia: 1.0 %s\r\n\r\n", "NSPlayer/7.10.0.3059", pumps)
		res, err := http.ReadResponse(bufio.NewReader(v), nil)
		if err != nil {
			t.Fatal(err)
		}
		return res.Status, res.Header.Get("Via")
	}
	status, path := ask("pumpd-0123456789abcdef")
	names := strings.Split(path, ", ")
	if !strings.HasPrefix(status, "200") || len(names) != 3 {
		t.Fatalf("%s, path %q, want three pumps", status, path)
	}
	for i, name := range names {
		n := via.Name(strings.TrimPrefix(name, "1.0 "))
		if err := n.CheckReply([]byte(path)); err == nil {
			t.Errorf("pump %d of %q would pull from itself", i, path)
		}
	}
	if status, _ := ask(strings.TrimPrefix(names[0], "1.0 ")); !strings.HasPrefix(status, "403") {
		t.Errorf("its own name in a request: %s, want 403", status)
	}
}
