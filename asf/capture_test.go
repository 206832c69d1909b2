package asf

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"
)

// capture is a file some muxer made, most of them cut off behind a few packets. joins is what FFmpeg says of the whole
// file: the packets in which ffprobe -show_packets sees a frame begin that has the key flag, by its pos; of the video
// if there is any.
type capture struct {
	name    string // program and case
	size    int    // packet size
	packets int
	streams string // number, kind, bit/s
	bitrate uint32
	live    bool
	joins   []int
}

var captures = []capture{
	// ffmpeg -f lavfi -i testsrc=size=48x32:rate=5 -f lavfi -i sine=440:sample_rate=22050 -t 1.2 -c:v wmv2 -b:v 8k -g 3
	// -c:a wmav2 -b:a 24k -ac 1 -packet_size 300 ffmpeg-file.asf; whole, with its index
	{"ffmpeg-file", 300, 40, "1 video 0, 2 audio 0", 32000, false, []int{0, 20}},
	// the same with -t 1.6 -packet_size 700 -f asf - : live, since a pipe cannot be gone back in
	{"ffmpeg-pipe", 700, 13, "1 video 0, 2 audio 0", 32000, true, []int{0, 6, 12}},
	// ffmpeg -f lavfi -i sine=440:sample_rate=22050 -t 2 -c:a wmav2 -b:a 24k -ac 1 -packet_size 500 ffmpeg-audio.asf
	{"ffmpeg-audio", 500, 7, "1 audio 0", 24000, false, []int{0, 1, 2, 3, 4, 5, 6}},
	// cvlc --sout '#transcode{vcodec=WMV2,vb=40,width=64,height=48,fps=5,acodec=wma2,...}:std{access=file,mux=asf,...}'
	{"vlc-file", 4096, 4, "1 video 0, 2 audio 0", 1, false, []int{0, 3}},
	// gst-launch-1.0 asfmux packet-size=600 with avenc_wmv2 and avenc_wmav2: no error correction, and Packet Length
	// without the padding
	{"gstreamer-file", 600, 15, "1 video 0, 2 audio 24000", 24000, false, []int{13}},
}

// readCapture returns the bytes of a capture and what ReadFile makes of them.
func readCapture(t testing.TB, name string) ([]byte, *Header, [][]byte) {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("testdata", name+".asf"))
	if err != nil {
		t.Fatal(err)
	}
	h, packets, err := readAll(b)
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	return b, h, packets
}

func TestCaptures(t *testing.T) {
	for _, c := range captures {
		t.Run(c.name, func(t *testing.T) {
			_, h, packets := readCapture(t, c.name)
			streams := ""
			for i, s := range h.Streams {
				if i > 0 {
					streams += ", "
				}
				streams += fmt.Sprintf("%d %v %d", s.Number, s.Kind, s.Bitrate)
			}
			if h.PacketSize != c.size || streams != c.streams || h.Bitrate() != c.bitrate || h.Broadcast != c.live {
				t.Errorf("packet size %d, streams %q, %d bit/s, live %v, want %d, %q, %d, %v", h.PacketSize, streams,
					h.Bitrate(), h.Broadcast, c.size, c.streams, c.bitrate, c.live)
			}
			if len(packets) != c.packets {
				t.Errorf("%d packets, want %d", len(packets), c.packets)
			}
			var joins []int
			var last uint32
			for i, b := range packets {
				p, err := h.ParsePacket(b)
				if err != nil {
					t.Fatalf("packet %d: %v", i, err)
				}
				if p.Unknown != 0 || p.SendTime < last {
					t.Errorf("packet %d: %+v behind a send time of %d", i, p, last)
				}
				last = p.SendTime
				if p.Join {
					joins = append(joins, i)
				}
				checkForms(t, h, b)
				checkShift(t, h, b, 1<<31+12345)
				checkTrimmed(t, h, b)
			}
			if fmt.Sprint(joins) != fmt.Sprint(c.joins) {
				t.Errorf("joins %v, want %v", joins, c.joins)
			}
		})
	}
}
