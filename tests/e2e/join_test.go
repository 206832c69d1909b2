package e2e

import (
	"encoding/binary"
	"slices"
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
	n := findVideo(header)
	if n == 0 {
		t.Fatal("the header has no video")
	}
	return n
}

// findVideo is videoStream that gives 0 if there is none.
func findVideo(header []byte) byte {
	for at := 30; at+24 <= len(header); at += int(binary.LittleEndian.Uint64(header[at+16:])) {
		if string(header[at:at+16]) == string(cat(guidStream)) && string(header[at+24:at+40]) == string(cat(guidVideo)) {
			return header[at+72] & 0x7F
		}
	}
	return 0
}

// A key frame often shares its packet with the end of the frame before it, and with the 8 KB packets of Expression
// Encoder with whole frames. Players decode those although what they are based on is missing, VLC even ends without a
// beginning, show garbage and log errors. So the first packet that a viewer gets holds nothing of the video before the
// key frame, and still all of the sound.
func TestJoinHidesOlderFrames(t *testing.T) {
	t.Parallel()
	p := startPump(t, "", pushStream("live"))
	e := pushTo(t, p.addr, "live", sampleHeader())
	const n = 4
	var viewers []*viewer
	var want []packetParts
	for i := range n {
		b := keyFrameLast(uint32(i)*40, uint8(i))
		parts, err := cutPacket(b)
		if err != nil {
			t.Fatal(err)
		}
		want = append(want, parts)
		e.send(t, 'D', b)
		if i > 0 {
			continue
		}
		waitLive(t, p.addr, streamPath("live"))
		for _, agent := range []string{agentOld, agentVLC, agentWMP, agentHTTP} {
			viewers = append(viewers, watch(t, p.addr, "live", agent))
		}
	}
	e.end(t)
	for _, v := range viewers {
		got, err := v.rest()
		if err != nil || len(got) != n {
			t.Errorf("%s: %d packets, want %d, error %v", v.name, len(got), n, err)
		}
		for i, b := range got {
			parts, err := cutPacket(b)
			if err != nil {
				t.Fatalf("%s: packet %d: %v", v.name, i, err)
			}
			if i > 0 {
				if parts.content() != want[i].content() {
					t.Errorf("%s: packet %d has changed", v.name, i)
				}
				continue
			}
			list := parts.list()
			if wantList := want[0].list()[1:]; !slices.Equal(list, wantList) {
				t.Errorf("%s: the first packet has payloads\n%v, want\n%v", v.name, list, wantList)
			}
		}
	}
}

// keyFrameLast is a packet with a whole frame, sound, and a key frame.
func keyFrameLast(send uint32, object uint8) []byte {
	return fill(cat("820000 11 5D", uint16(90), send, uint16(40), uint8(0x80|3),
		payloadHead(sampleVideo, false, object, 80, send), uint16(80), media(object, 80),
		payloadHead(sampleAudio, true, object, 75, send), uint16(75), media(object+1, 75),
		payloadHead(sampleVideo, true, object+1, 90, send), uint16(90), media(object+2, 90)), 90)
}
