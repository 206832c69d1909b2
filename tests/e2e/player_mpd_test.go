//go:build players

package e2e

import (
	"bufio"
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// MPD has no pictures: it plays the sound, a tone, as fast as it comes into a pipe.

// listen lets MPD play a URL for length and tells what was heard.
func listen(t *testing.T, url string, length time.Duration) *hearing {
	t.Helper()
	needProgram(t, "mpd", "mpd")
	dir := t.TempDir()
	socket, pipe := filepath.Join(dir, "socket"), filepath.Join(dir, "sound")
	config := writeConfig(t, fmt.Sprintf("bind_to_address %q\naudio_output {\n"+
		"type \"pipe\"\nname \"sound\"\ncommand \"cat >%s\"\nformat \"%d:16:1\"\n}\n", socket, pipe, toneRate))
	heard, stop := hear(t, pipe)
	begin := time.Now()
	out := newTranscript()
	p, err := startProcess("MPD", exec.Command("mpd", "--no-daemon", "--stderr", config), out)
	if err != nil {
		t.Fatal(err)
	}
	if err := mpdPlay(socket, url); err != nil {
		t.Error(err)
	}
	<-time.After(time.Until(begin.Add(length)))
	p.terminate(2 * time.Second)
	stop()
	h := <-heard
	h.length, h.log = length, out.tail(30)
	if h.samples != nil {
		h.first = h.at.Sub(begin)
	}
	return h
}

// mpdPlay gives MPD, which is about to listen there, a URL to play.
func mpdPlay(socket, url string) error {
	var conn net.Conn
	var err error
	if !poll(awaitTime, func() bool {
		conn, err = net.Dial("unix", socket)
		return err == nil
	}) {
		return err
	}
	defer conn.Close()
	conn.SetDeadline(time.Now().Add(patience))
	fmt.Fprintf(conn, "command_list_begin\nadd %q\nplay\ncommand_list_end\n", url)
	in := bufio.NewScanner(conn)
	for in.Scan() {
		switch line := in.Text(); {
		case line == "OK":
			return nil
		case strings.HasPrefix(line, "ACK"):
			return fmt.Errorf("MPD: %s", line)
		}
	}
	return fmt.Errorf("MPD: %w", in.Err())
}

// hear makes a named pipe and reads samples from it until stop is called.
func hear(t *testing.T, path string) (heard chan *hearing, stop func()) {
	t.Helper()
	if err := syscall.Mkfifo(path, 0o666); err != nil {
		t.Fatal(err)
	}
	pipe, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	heard = make(chan *hearing, 1)
	go func() {
		h := &hearing{}
		in := bufio.NewReader(pipe)
		for b := make([]byte, 2); ; {
			if _, err := io.ReadFull(in, b); err != nil {
				heard <- h
				return
			}
			if h.samples == nil {
				h.at = time.Now()
			}
			h.samples = append(h.samples, int16(binary.LittleEndian.Uint16(b)))
		}
	}()
	return heard, func() { pipe.Close() }
}

func TestPlayMPD(t *testing.T) {
	c := makeClip(t, "wmv2", 1400)
	p := startPump(t, "", pushStream("live"))
	push(t, p, "live", c, true)
	settle(t, p, "live")
	for _, scheme := range []string{"mmsh", "http"} {
		t.Run(scheme, func(t *testing.T) {
			t.Parallel()
			var h *hearing
			fairly(t, func() []string {
				h = listen(t, p.url(scheme, "live"), playTime)
				return judgeTone(h)
			})
			t.Logf("first sound after %v, then %.1f s", h.first, float64(len(h.samples))/toneRate)
			if t.Failed() {
				t.Logf("MPD printed at last:\n%s", h.log)
			}
		})
	}
}
