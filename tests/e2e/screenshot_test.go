//go:build players

package e2e

import (
	"image"
	"image/png"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// One picture of the demo stream, for a human to look at: PUMPD_SCREENSHOT names the PNG file to write.
func TestScreenshot(t *testing.T) {
	ffmpeg := needProgram(t, ffmpegPackage.program, ffmpegPackage.debian)
	file := os.Getenv("PUMPD_SCREENSHOT")
	if file == "" {
		file = filepath.Join(t.TempDir(), "demo.png")
	}
	p := startPump(t, "", fileStream("demo", ""))
	waitLive(t, p.addr, streamPath("demo"))
	out, err := exec.Command(ffmpeg, "-v", "error", "-nostdin", "-y", "-i", p.url("mmsh", "demo"), "-frames:v", "1",
		file).CombinedOutput()
	if err != nil {
		t.Fatalf("ffmpeg: %v\n%s", err, out)
	}
	r, err := os.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	picture, err := png.Decode(r)
	if err != nil {
		t.Fatal(err)
	}
	const few = 1000 // a test picture has many colours, a grey one that was decoded from nothing has one
	if n := colours(picture); n < few {
		t.Errorf("%v picture with %d colours, want more than %d", picture.Bounds(), n, few)
	}
	t.Logf("%s: %v", file, picture.Bounds())
}

func colours(m image.Image) int {
	seen := map[[3]uint32]bool{}
	for y := m.Bounds().Min.Y; y < m.Bounds().Max.Y; y++ {
		for x := m.Bounds().Min.X; x < m.Bounds().Max.X; x++ {
			r, g, b, _ := m.At(x, y).RGBA()
			seen[[3]uint32{r, g, b}] = true
		}
	}
	return len(seen)
}
