//go:build players

package e2e

import (
	"bytes"
	"slices"
	"strings"
	"testing"
)

// The checksum must be the one that mpv logs, FFmpeg's showinfo: Adler-32 without the 1 that it begins with.
func TestChecksum(t *testing.T) {
	for _, c := range []struct {
		name string
		in   []byte
		want uint32
	}{
		{"empty", nil, 0},
		{"one byte", []byte{1}, 0x00010001},
		{"text", []byte("Wikipedia"), 0x11DD0397}, // Adler-32: 11E60398
		{"sums wrap", bytes.Repeat([]byte{255}, 1<<20), 0x8D98EF10},
	} {
		if got := checksum(c.in); got != c.want {
			t.Errorf("%s: got %08X, want %08X", c.name, got, c.want)
		}
	}
}

func TestReadPictures(t *testing.T) {
	const head = "YUV4MPEG2 W4 H2 F25:1 Ip A1:1\n"
	dark, light := strings.Repeat("\x10", 12), strings.Repeat("\xEB", 12)
	darkSum, lightSum := checksum([]byte(dark)), checksum([]byte(light))
	for _, c := range []struct {
		name, in string
		want     []uint32
		fault    string
	}{
		{"nothing", "", nil, ""},
		{"two pictures", head + "FRAME\n" + dark + "FRAME\n" + light, []uint32{darkSum, lightSum}, ""},
		{"stopped in a picture", head + "FRAME\n" + dark + "FRAME\n" + light[1:], []uint32{darkSum}, ""},
		{"no size", "YUV4MPEG2 F25:1\n", nil, "begins with"},
		{"another format", "RIFF____AVI \n", nil, "begins with"},
		{"picture of another size", head + "FRAME\n" + dark + light + "FRAME\n" + dark, []uint32{darkSum},
			"frame begins with"},
	} {
		var got []uint32
		err := readPictures(strings.NewReader(c.in), func(sum uint32) { got = append(got, sum) })
		if !slices.Equal(got, c.want) {
			t.Errorf("%s: got %X, want %X", c.name, got, c.want)
		}
		if (err != nil) != (c.fault != "") || err != nil && !strings.Contains(err.Error(), c.fault) {
			t.Errorf("%s: error %v, want %q", c.name, err, c.fault)
		}
	}
}
