package server

import (
	"bytes"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"pumpd/asf/asftest"
	"pumpd/codec"
	"pumpd/server/config"
	"pumpd/server/logging"
	"pumpd/server/reason"
	"pumpd/server/stream"
	"pumpd/server/upstream"
)

// What we log is a word that people know, and no secret.
func TestLoggedWords(t *testing.T) {
	up, err := upstream.Parse("mmsh://user:secret@h:1/a")
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	var lost atomic.Uint64
	q := logging.New(slog.NewTextHandler(&out, nil), &lost)
	q.Logger().Info("m", "source", stream.Pull, "reason", reason.Stalled, "state", stream.Live, "upstream", up,
		"limit", config.Duration(3*time.Second))
	q.Drain()
	const want = " source=pull reason=stalled state=live upstream=http://h:1/a limit=3s\n"
	if !strings.HasSuffix(out.String(), want) {
		t.Errorf("got %q, want …%q", out.String(), want)
	}
}

// A stuckWriter is a pipe that nobody reads until it is opened.
type stuckWriter chan struct{}

func (w stuckWriter) Write(b []byte) (int, error) {
	<-w
	return len(b), nil
}

// A log that nobody reads stops neither viewers nor the end of the server.
func TestLogThatNobodyReads(t *testing.T) {
	t.Parallel()
	log := make(stuckWriter)
	defer close(log)
	debug := &slog.HandlerOptions{Level: slog.LevelDebug}
	at, stop := startServerLog(t, slog.New(slog.NewTextHandler(log, debug)), nil)
	source := pushTo(t, at)
	body := watchFrom(t, at)
	for range 20 {
		fmt.Fprint(dial(t, at), "GET /streams/none HTTP/1.0\r\n\r\n")
	}
	for i := range uint32(50) {
		source.Write(codec.AppendFrame(nil, 'D', asftest.Packet(i+1, i*40+40, false, asftest.PacketSize, 500)))
	}
	source.Write(codec.AppendReason(nil, 'E', 0))
	b, err := io.ReadAll(body)
	if got := (&rig{t: t}).read(b); err != nil || len(got.numbers) != 51 || got.ended != 0 {
		t.Errorf("a viewer got %d packets, $E %d, %v, want 51, 0", len(got.numbers), got.ended, err)
	}
	begin := time.Now()
	if err := stop(); err != nil {
		t.Error(err)
	}
	if took := time.Since(begin); took > 30*time.Second {
		t.Errorf("stopped in %v, though nobody has to read the log", took)
	}
}
