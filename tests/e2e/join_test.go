package e2e

import (
	"encoding/binary"
	"testing"
)

// Whoever comes, whenever: the first packet starts a key frame, and packets are counted from 0.
func TestJoinOnKeyFrame(t *testing.T) {
	t.Parallel()
	p := startPump(t, "", fileStream("demo", ""))
	waitLive(t, p.addr, streamPath("demo"))
	for _, agent := range []string{agentOld, agentVLC, agentWMP, agentHTTP} {
		t.Run(agent, func(t *testing.T) {
			t.Parallel()
			for range 3 { // each a few packets further into the stream
				testJoin(t, watch(t, p.addr, "demo", agent))
			}
		})
	}
}

func testJoin(t *testing.T, v *viewer) {
	t.Helper()
	defer v.conn.Close()
	video := videoStream(t, v.header)
	const enough = 100
	for i := range enough {
		b, err := v.packet(i)
		if err != nil {
			t.Fatalf("packet %d: %v", i, err)
		}
		parts, err := cutPacket(b)
		if err != nil {
			t.Fatalf("packet %d: %v", i, err)
		}
		if i == 0 && !parts.startsKeyFrame(video) {
			t.Errorf("the first packet starts no key frame: % x", b[:min(len(b), 40)])
		}
	}
}

// videoStream finds the number of a header's video stream.
func videoStream(t *testing.T, header []byte) byte {
	t.Helper()
	for at := 30; at+24 <= len(header); at += int(binary.LittleEndian.Uint64(header[at+16:])) {
		if string(header[at:at+16]) == string(cat(guidStream)) && string(header[at+24:at+40]) == string(cat(guidVideo)) {
			return header[at+72] & 0x7F
		}
	}
	t.Fatal("the header has no video")
	return 0
}
