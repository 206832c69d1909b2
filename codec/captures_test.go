package codec

import (
	"bytes"
	"errors"
	"io"
	"testing"
)

// What the requests of testdata/request must be read as. The head ends at the first empty line; only ffmpeg-post has
// a body in its file.
var requestCaptures = map[string]string{
	"curl-expect": `Method="POST" Target="/streams/demo" Path="/streams/demo" Minor=1 Host="127.0.0.1:18114" ` +
		`UserAgent="curl/7.88.1" ContentType="application/x-wms-pushstart" ContentLength=61713 Expect |`,
	"ffmpeg-describe": `Method="GET" Target="/streams/demo" Path="/streams/demo" Minor=1 Host="127.0.0.1:18081" ` +
		`UserAgent="NSPlayer/4.1.0.3856" Range="bytes=0-" Close ` +
		`| RequestContext=1 GUID="{c77e7400-738a-11d2-9add-0020af0a3278}"`,
	"ffmpeg-play": `Method="GET" Target="/streams/demo" Path="/streams/demo" Minor=1 Host="127.0.0.1:18081" ` +
		`UserAgent="NSPlayer/4.1.0.3856" Range="bytes=0-" Close ` +
		`| Play=1 RequestContext=2 SwitchEntry="ffff:1:0 ffff:2:0" GUID="{c77e7400-738a-11d2-9add-0020af0a3278}"`,
	"ffmpeg-post": `Method="POST" Target="/streams/demo" Path="/streams/demo" Minor=1 Host="127.0.0.1:18111" ` +
		`UserAgent="Lavf/59.27.100" Chunked Close |`,
	"ffmpeg-raw": `Method="GET" Target="/streams/demo" Path="/streams/demo" Minor=1 Host="127.0.0.1:18082" ` +
		`UserAgent="Lavf/59.27.100" Range="bytes=0-" Close |`,
	"gstreamer-raw": `Method="GET" Target="/streams/demo" Path="/streams/demo" Minor=1 Host="127.0.0.1:18090" ` +
		`UserAgent="GStreamer souphttpsrc 1.22.0 libsoup/3.2.3" KeepAlive |`,
	"libmms-describe": `Method="GET" Target="/streams/demo" Path="/streams/demo" Host="127.0.0.1:18088" ` +
		`UserAgent="NSPlayer/4.1.0.3856" Close | RequestContext=1 GUID="{c77e7400-738a-11d2-9add-0020af0a3278}"`,
	"libmms-play": `Method="GET" Target="/streams/demo" Path="/streams/demo" Host="127.0.0.1:18088" ` +
		`UserAgent="NSPlayer/4.1.0.3856" Close ` +
		`| Play=1 RequestContext=2 SwitchEntry="ffff:1:0 ffff:2:0" GUID="{c77e7400-738a-11d2-9add-0020af0a3278}"`,
	"libmms-play-seekable": `Method="GET" Target="/streams/demo" Path="/streams/demo" Host="127.0.0.1:18089" ` +
		`UserAgent="NSPlayer/4.1.0.3856" Close ` +
		`| Play=1 RequestContext=2 SwitchEntry="ffff:1:0 ffff:2:0" GUID="{c77e7400-738a-11d2-9add-0020af0a3278}"`,
	"mplayer-describe": `Method="GET" Target="/streams/demo" Path="/streams/demo" Host="127.0.0.1:18084" ` +
		`UserAgent="NSPlayer/4.1.0.3856" Close | RequestContext=1 GUID="{c77e7400-738a-11d2-9add-0020af0a3278}"`,
	"mplayer-describe-basic": `Method="GET" Target="/streams/demo" Path="/streams/demo" Host="127.0.0.1:18085" ` +
		`UserAgent="NSPlayer/4.1.0.3856" Authorization="Basic dXNlcjpzZWNyZXQ=" Close ` +
		`| RequestContext=1 GUID="{c77e7400-738a-11d2-9add-0020af0a3278}"`,
	"mplayer-play": `Method="GET" Target="/streams/demo" Path="/streams/demo" Host="127.0.0.1:18084" ` +
		`UserAgent="NSPlayer/4.1.0.3856" Close ` +
		`| Play=1 RequestContext=2 SwitchEntry="ffff:2:0 ffff:1:0" GUID="{c77e7400-738a-11d2-9add-0020af0a3278}"`,
	"mplayer-play-basic": `Method="GET" Target="/streams/demo" Path="/streams/demo" Host="127.0.0.1:18085" ` +
		`UserAgent="NSPlayer/4.1.0.3856" Authorization="Basic dXNlcjpzZWNyZXQ=" Close ` +
		`| Play=1 RequestContext=2 SwitchEntry="ffff:2:0 ffff:1:0" GUID="{c77e7400-738a-11d2-9add-0020af0a3278}"`,
	"mplayer-raw": `Method="GET" Target="/streams/demo" Path="/streams/demo" Host="127.0.0.1:18086" ` +
		`UserAgent="MPlayer UNKNOWN-12" Close |`,
	"mpv-describe": `Method="GET" Target="/streams/demo" Path="/streams/demo" Minor=1 Host="127.0.0.1:18083" ` +
		`UserAgent="NSPlayer/4.1.0.3856" Range="bytes=0-" Close ` +
		`| RequestContext=1 GUID="{c77e7400-738a-11d2-9add-0020af0a3278}"`,
	"mpv-play": `Method="GET" Target="/streams/demo" Path="/streams/demo" Minor=1 Host="127.0.0.1:18083" ` +
		`UserAgent="NSPlayer/4.1.0.3856" Range="bytes=0-" Close ` +
		`| Play=1 RequestContext=2 SwitchEntry="ffff:1:0 ffff:2:0" GUID="{c77e7400-738a-11d2-9add-0020af0a3278}"`,
	"mpv-raw": `Method="GET" Target="/streams/demo" Path="/streams/demo" Minor=1 Host="127.0.0.1:18115" ` +
		`UserAgent="libmpv" Range="bytes=0-" Close |`,
	"vlc-describe": `Method="GET" Target="/streams/demo" Path="/streams/demo" Host="127.0.0.1:18091" ` +
		`UserAgent="NSPlayer/7.10.0.3059" Close | RequestContext=1 GUID="{0xbabac001-0xd774-0x6360-0xc4e199c863ceecbb}"`,
	"vlc-play": `Method="GET" Target="/streams/demo" Path="/streams/demo" Host="127.0.0.1:18091" ` +
		`UserAgent="NSPlayer/7.10.0.3059" Close ` +
		`| Play=1 RequestContext=2 SwitchEntry="ffff:1:0 ffff:2:2" GUID="{0xbabac001-0xd774-0x6360-0xc4e199c863ceecbb}"`,
	"vlc-play-seekable": `Method="GET" Target="/streams/demo" Path="/streams/demo" Host="127.0.0.1:18092" ` +
		`UserAgent="NSPlayer/7.10.0.3059" Close ` +
		`| Play=1 RequestContext=2 SwitchEntry="ffff:1:0 ffff:2:2" GUID="{0xbabac001-0xd952-0xa2ee-0xc7b74d5295846257}"`,
	"vlc-raw": `Method="GET" Target="/streams/demo" Path="/streams/demo" Minor=1 Host="127.0.0.1:18094" ` +
		`UserAgent="VLC/3.0.24 LibVLC/3.0.24" Range="bytes=0-" |`,
}

func TestRequestCaptures(t *testing.T) {
	files := readCaptures(t, "request")
	if len(files) != len(requestCaptures) {
		t.Errorf("%d files, %d rows", len(files), len(requestCaptures))
	}
	for name, b := range files {
		t.Run(name, func(t *testing.T) { checkRequest(t, b, headLen(b), requestCaptures[name]) })
	}
}

func headLen(b []byte) int { return bytes.Index(b, []byte("\r\n\r\n")) + 4 }

var responseCaptures = map[string]string{
	"ffmpeg-play": `Minor=1 Status=200 Reason="OK" ContentType="application/octet-stream" Chunked |`,
	"vlc-404":     `Status=404 Reason="Not found" ContentType="text/html" ContentLength=315 Close |`,
	"vlc-describe": `Status=200 Reason="OK" Server="Cougar 4.1.0.3921" ContentType="application/octet-stream" Close ` +
		`| HasClientID ClientID=11392 Features="broadcast"`,
	"vlc-play": `Status=200 Reason="OK" Server="Cougar 4.1.0.3921" ContentType="application/octet-stream" Close ` +
		`| HasClientID ClientID=25405 Features="broadcast"`,
}

func TestResponseCaptures(t *testing.T) {
	files := readCaptures(t, "response")
	if len(files) != len(responseCaptures) {
		t.Errorf("%d files, %d rows", len(files), len(responseCaptures))
	}
	for name, b := range files {
		t.Run(name, func(t *testing.T) { checkResponse(t, b, headLen(b), responseCaptures[name]) })
	}
}

func TestMMSTCaptures(t *testing.T) {
	for name, b := range readCaptures(t, "mmst") {
		var r Request
		for i := 1; i <= len(b); i++ {
			want := ErrShort
			if i >= len(mmst) {
				want = ErrMMST
			}
			if n, err := ParseRequest(b[:i], maxHead, &r); n != 0 || err != want {
				t.Fatalf("%s, %d bytes: n %d, %v; want 0, %v", name, i, n, err, want)
			}
		}
	}
}

// streamCaptures are the bodies that programs with their own idea of MMSH send: a letter for each frame, and the
// sizes of what is in them.
var streamCaptures = []struct {
	dir, name          string
	frames             string
	header, packetSize int    // bytes: ASF header with its 50 bytes of Data Object, ASF packet
	location           uint32 // of the first $D
}{
	{"request", "ffmpeg-post", "HDDDDDDE", 639, 600, 1},
	{"response", "ffmpeg-play", "HDDDDDDE", 639, 600, 1},
	{"response", "vlc-describe", "H", 783, 0, 0},
	{"response", "vlc-play", "HDD", 783, 4096, 13},
}

func TestStreamCaptures(t *testing.T) {
	for _, c := range streamCaptures {
		t.Run(c.name, func(t *testing.T) {
			b := readCaptures(t, c.dir)[c.name]
			body := b[headLen(b):]
			if bytes.Contains(b[:headLen(b)], []byte("chunked")) {
				body = dechunk(t, body)
			}
			types, location := "", c.location
			for len(body) > 0 {
				f, n, err := ParseFrame(body)
				if err != nil {
					t.Fatalf("after %q: %v", types, err)
				}
				types, body = types+string(f.Type), body[n:]
				if f.Type == 'E' {
					if reason, err := f.Reason(); reason != 0 || err != nil || len(f.Body) != 8 {
						t.Errorf("$E of %d bytes: reason %d, %v; want 8 bytes and a plain end", len(f.Body), reason, err)
					}
					continue
				}
				d, err := ParseData(f.Body)
				if err != nil {
					t.Fatalf("after %q: %v", types, err)
				}
				switch f.Type {
				case 'H':
					if len(d.Payload) != c.header || d.AFFlags != 0x0C || d.Location != 0 {
						t.Errorf("$H: %d bytes, flags %#x, location %d", len(d.Payload), d.AFFlags, d.Location)
					}
				case 'D':
					if len(d.Payload) != c.packetSize || d.AFFlags != 0 || d.Location != location {
						t.Errorf("$D: %d bytes, flags %#x, location %d", len(d.Payload), d.AFFlags, d.Location)
					}
					location++
				}
			}
			if types != c.frames {
				t.Errorf("got %q, want %q", types, c.frames)
			}
		})
	}
}

// dechunk takes a whole chunked body apart and wants it to end with b.
func dechunk(t *testing.T, b []byte) (body []byte) {
	t.Helper()
	var c Chunked
	for {
		data, n, err := c.Next(b)
		body, b = append(body, data...), b[n:]
		switch {
		case errors.Is(err, io.EOF):
			if len(b) > 0 {
				t.Errorf("%d bytes behind the last chunk", len(b))
			}
			return body
		case err != nil:
			t.Fatal(err)
		}
	}
}
