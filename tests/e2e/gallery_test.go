//go:build players

package e2e

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"os"
	"regexp"
	"strconv"
	"sync"
	"syscall"
	"testing"
	"time"
)

// A gallery collects the pictures that a player shows.
type gallery struct {
	begin time.Time
	mu    sync.Mutex
	shown []frame
}

func (g *gallery) add(at time.Time, sum uint32) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.shown = append(g.shown, frame{at.Sub(g.begin), sum})
}

func (g *gallery) frames() []frame {
	g.mu.Lock()
	defer g.mu.Unlock()
	return append([]frame(nil), g.shown...)
}

// addLogged takes the checksum that a log line may hold.
func (g *gallery) addLogged(sum *regexp.Regexp, l line) {
	m := sum.FindStringSubmatch(l.text)
	if m == nil {
		return
	}
	if v, err := strconv.ParseUint(m[1], 16, 32); err == nil {
		g.add(l.at, uint32(v))
	}
}

// readPipe makes a named pipe and reads pictures from it until the function that it returns is called. It is opened for
// both directions, so that a player that opens it twice, as VLC does, finds it open and sees no end.
func readPipe(t *testing.T, path string, g *gallery) (closePipe func()) {
	t.Helper()
	if err := syscall.Mkfifo(path, 0o666); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(path, 0o666); err != nil {
		t.Fatal(err)
	}
	pipe, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan error, 1)
	go func() { done <- readPictures(pipe, func(sum uint32) { g.add(time.Now(), sum) }) }()
	return func() {
		pipe.Close()
		if err := <-done; err != nil {
			t.Errorf("pictures: %v", err)
		}
	}
}

// readPictures reads YUV4MPEG, 8 bits 4:2:0, up to its end or the closing of r and gives the checksum of each picture.
//
//	YUV4MPEG2 W320 H240 F25:1 Ip A1:1 <LF>
//	FRAME <LF> Y, U, V planes  FRAME <LF> …
func readPictures(r io.Reader, each func(sum uint32)) error {
	in := bufio.NewReaderSize(r, 1<<17)
	head, err := in.ReadString('\n')
	if err != nil {
		return nil // nothing was shown; whoever counts frames says so
	}
	var width, height int
	for field := range bytes.FieldsSeq([]byte(head)) {
		fmt.Sscanf(string(field), "W%d", &width)
		fmt.Sscanf(string(field), "H%d", &height)
	}
	if width < 1 || width > 1<<12 || height < 1 || height > 1<<12 {
		return fmt.Errorf("YUV4MPEG begins with %q", head)
	}
	picture := make([]byte, width*height+2*((width+1)/2)*((height+1)/2))
	for {
		mark, err := in.ReadString('\n')
		if err != nil {
			return nil
		}
		if mark != "FRAME\n" {
			return fmt.Errorf("YUV4MPEG frame begins with %.40q", mark)
		}
		if _, err := io.ReadFull(in, picture); err != nil {
			return nil // the player was stopped in the middle
		}
		each(checksum(picture))
	}
}

// checksum is that of FFmpeg's showinfo filter, which mpv can log: Adler-32 that begins with 0 instead of 1.
func checksum(b []byte) uint32 {
	const (
		mod  = 65521
		most = 5552 // bytes before a sum could overflow 32 bits
	)
	var s1, s2 uint32
	for len(b) > 0 {
		n := min(len(b), most)
		for _, v := range b[:n] {
			s1 += uint32(v)
			s2 += s1
		}
		s1, s2, b = s1%mod, s2%mod, b[n:]
	}
	return s2<<16 | s1
}
