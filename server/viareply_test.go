package server

import (
	"strings"
	"testing"

	"pumpd/codec"
)

// pumpAgent is what pumps that pull claim to be.
const pumpAgent = "NSPlayer/7.10.0.3059"

// Pumps are told the path, players never.
func TestRepliesTellPumpsThePath(t *testing.T) {
	r := newRig(t, nil, "a")
	id := "1.0 " + string(r.loop.node.name)
	requests := map[string]string{
		"describe": "GET /streams/a HTTP/1.0\r\nUser-Agent: " + pumpAgent + "\r\n",
		"play":     "GET /streams/a HTTP/1.0\r\nUser-Agent: " + pumpAgent + "\r\nPragma: xPlayStrm=1\r\n",
		"raw":      "GET /streams/a HTTP/1.0\r\n",
	}
	ask := func(request, via string) string {
		p := r.connect()
		if via != "" {
			via = "Via: " + via + "\r\n"
		}
		p.say(request + via + "\r\n")
		r.turn()
		head, _, _ := strings.Cut(string(p.got), "\r\n\r\n")
		return head + "\r\n"
	}
	for _, state := range []string{"down", "up"} {
		if state == "up" {
			r.feeder(0, 320).publish(2)
		}
		for name, request := range requests {
			for _, behind := range []string{"", "1.0 pumpd-0123456789abcdef, 1.1 proxy"} {
				r.reg.Streams()[0].SetVia(behind)
				want := "\r\nVia: " + id + "\r\n"
				if behind != "" {
					want = "\r\nVia: " + id + ", " + behind + "\r\n"
				}
				if got := ask(request, "1.0 pumpd-fedcba9876543210"); !strings.Contains(got, want) {
					t.Errorf("%s, %s: %q, want %q", name, state, got, want)
				}
				if got := ask(request, ""); strings.Contains(got, "Via") {
					t.Errorf("%s, %s: a player is told %q", name, state, got)
				}
			}
		}
	}
}

func TestRequestsInCirclesAreRefused(t *testing.T) {
	r := newRig(t, nil, "a")
	r.feeder(0, 320).publish(2)
	deep := strings.Repeat(", 1.0 x", codec.MaxVia)[2:]
	for via, want := range map[string]string{
		deep:                              " 200 ",
		deep + ", 1.0 y":                  " 403 ",
		"1.0 " + string(r.loop.node.name): " 403 ",
		"1.0 pumpd-0123456789abcdef":      " 200 ",

		"1.0 pumpd-0123456789abcdef\r\nVia: 1.0 " + string(r.loop.node.name): " 403 ",
		"1.0 pumpd-0123456789abcdef\r\nVia: 1.1 proxy":                       " 200 ",
		strings.ReplaceAll(deep, ", ", "\r\nVia: "):                          " 200 ",
		deep + "\r\nVia: 1.0 y":                                              " 403 ",
	} {
		p := r.connect()
		p.say("GET /streams/a HTTP/1.0\r\nUser-Agent: " + pumpAgent + "\r\nVia: " + via + "\r\n\r\n")
		if !strings.Contains(p.status(), want) {
			t.Errorf("Via %q: %s, want%s", via, p.status(), want)
		}
		if !strings.Contains(string(p.got), "\r\nVia: 1.0 "+string(r.loop.node.name)+"\r\n") {
			t.Errorf("Via %q: %.300q does not say whose answer it is", via, p.got)
		}
	}
}
