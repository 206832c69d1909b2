package asf_test

import (
	"fmt"
	"os"

	"pumpd/asf"
)

// A recording goes out as a live stream: its header as viewers are to see it, then its packets with times that go on
// from lap to lap, in the short form for MMSH.
func Example() {
	f, err := os.Open("testdata/ffmpeg-file.asf")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer f.Close()
	h, packets, err := asf.ReadFile(f, 1<<20)
	if err != nil {
		fmt.Println(err)
		return
	}
	live := h.Published()
	fmt.Printf("%d bytes of header, live %v, %d bit/s\n", len(live.Raw), live.Broadcast, live.Bitrate())

	var short []byte
	for i, b := range packets {
		if err := live.ShiftTimes(b, 60_000); err != nil { // the second lap of a loop of one minute
			fmt.Println(err)
			continue
		}
		p, err := live.ParsePacket(b)
		if err != nil {
			fmt.Println(err)
			continue
		}
		if p.Join {
			fmt.Printf("packet %d, %d ms: a viewer may start here\n", i, p.SendTime)
		}
		short = live.AppendShort(short, b, p)
	}
	fmt.Printf("%d bytes instead of %d\n", len(short), len(packets)*live.PacketSize)
	// Output:
	// 809 bytes of header, live true, 32000 bit/s
	// packet 0, 60000 ms: a viewer may start here
	// packet 20, 60603 ms: a viewer may start here
	// 8879 bytes instead of 12000
}
