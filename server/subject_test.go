package server

import (
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"testing"

	"pumpd/server/config"
)

// The admin of a server that runs shows that server.
func TestAdminOfServer(t *testing.T) {
	cfg := config.Default()
	cfg.Server.Listen, cfg.Server.Admin, cfg.Server.Loops = []string{"127.0.0.1:0"}, "127.0.0.1:0", 1
	cfg.Streams = []config.Stream{{Path: "a", Enabled: true, Type: config.TypePush, OnSecondPush: "takeover"}}
	s, err := New(cfg, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	s.Version = "v1.2.3"
	s.gate.refused.Store(6)
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- s.Run(ctx) }()
	select {
	case <-s.Ready():
	case err := <-ended:
		t.Fatal(err)
	}
	get := func(path string) string {
		t.Helper()
		answer, err := http.Get("http://" + s.AdminAddr().String() + path)
		if err != nil {
			t.Fatal(err)
		}
		defer answer.Body.Close()
		b, err := io.ReadAll(answer.Body)
		if err != nil || answer.StatusCode != 200 {
			t.Fatalf("%s: %d, %v", path, answer.StatusCode, err)
		}
		return string(b)
	}
	var got struct {
		Version, Node, State string
		Listen               []string
		Limit                int64  `json:"connection_limit"`
		Refused              uint64 `json:"connections_refused"`
		Streams              []any
	}
	if err := json.Unmarshal([]byte(get("/api/status")), &got); err != nil {
		t.Fatal(err)
	}
	if got.Version != "v1.2.3" || got.Node != string(s.node.name) || got.State != "ready" || len(got.Streams) != 1 ||
		len(got.Listen) != 1 || got.Listen[0] != s.Addrs()[0].String() ||
		got.Limit != s.gate.most.Load() || got.Refused != 6 {
		t.Errorf("got %+v", got)
	}
	if got := get("/healthz"); got != "ok\n" {
		t.Errorf("healthz: %q", got)
	}
	var printed strings.Builder
	s.Announce(&printed)
	if want := "Status\n  http://" + s.AdminAddr().String() + "/\n"; !strings.Contains(printed.String(), want) {
		t.Errorf("got %s, want %s in it", printed.String(), want)
	}
	cancel()
	if err := <-ended; err != nil {
		t.Error(err)
	}
	if _, err := http.Get("http://" + s.AdminAddr().String() + "/healthz"); err == nil {
		t.Error("the admin answers after the end")
	}
}

func TestAdminOff(t *testing.T) {
	cfg := config.Default()
	cfg.Server.Admin = ""
	s := &Server{}
	s.cfg.Store(cfg)
	err := s.startAdmin()
	if err != nil || s.AdminAddr().IsValid() {
		t.Errorf("got %v at %v, want nothing", err, s.AdminAddr())
	}
	s.stopAdmin()
}
