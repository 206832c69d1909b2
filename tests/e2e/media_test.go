//go:build players

package e2e

import (
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
)

// clipSeconds is long enough for one case: players start late and play for playTime, twice where they had no time.
const clipSeconds = 90

// frameRate is that of all clips, the built-in one included.
const frameRate = 25

// A clip is an ASF file whose pictures we know.
type clip struct {
	file string
	// place is where in the clip a picture is; two pictures never look the same, for they show their number.
	place  map[uint32]int
	frames int
}

// makeClip has FFmpeg make a moving picture and a tone. video is the encoder, packetSize that of ASF packets in bytes.
func makeClip(t *testing.T, video string, packetSize int) *clip {
	t.Helper()
	ffmpeg := needProgram(t, ffmpegPackage.program, ffmpegPackage.debian)
	file := filepath.Join(openDir(t), "clip.asf")
	out, err := exec.Command(ffmpeg, "-v", "error", "-nostdin",
		"-f", "lavfi", "-i", fmt.Sprintf("testsrc2=size=320x240:rate=%d:duration=%d", frameRate, clipSeconds),
		"-f", "lavfi", "-i", fmt.Sprintf("sine=frequency=%d:sample_rate=%d:duration=%d", toneHertz, toneRate, clipSeconds),
		"-c:v", video, "-b:v", "400k", "-g", "25", "-c:a", "wmav2", "-b:a", "64k",
		"-packet_size", fmt.Sprint(packetSize), file).CombinedOutput()
	if err != nil {
		t.Fatalf("ffmpeg: %v\n%s", err, out)
	}
	if err := os.Chmod(file, 0o644); err != nil {
		t.Fatal(err)
	}
	c, err := readClip(file)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// readClip decodes a file the way that needs no server.
func readClip(file string) (*clip, error) {
	c := &clip{file: file, place: map[uint32]int{}}
	r, w := io.Pipe()
	cmd := exec.Command("ffmpeg", "-v", "error", "-nostdin", "-i", file, "-map", "0:v", "-fps_mode", "passthrough", "-f",
		"yuv4mpegpipe", "-")
	cmd.Stdout, cmd.Stderr = w, os.Stderr
	failed := make(chan error, 1)
	go func() {
		failed <- cmd.Run()
		w.Close()
	}()
	if err := readPictures(r, func(sum uint32) {
		c.place[sum] = c.frames
		c.frames++
	}); err != nil {
		return nil, err
	}
	if err := <-failed; err != nil {
		return nil, fmt.Errorf("ffmpeg -i %s: %w", file, err)
	}
	if len(c.place) != c.frames || c.frames == 0 {
		return nil, fmt.Errorf("%s: %d frames, %d of them differ", file, c.frames, len(c.place))
	}
	return c, nil
}

// demoClip is the clip that comes with pumpd.
var demoClip = sync.OnceValues(func() (*clip, error) {
	return readClip(filepath.Join(repository, "server", "play", "clip", "demo.asf"))
})
