package codec

import (
	"bytes"
	"testing"
)

var pragmas = []struct{ name, in, want string }{
	{"nothing", "", ""},
	{"flag that means nothing", "no-cache", ""},
	{"Describe", "xPlayStrm=0", "Play=0"},
	{"Play", "xPlayStrm=1", "Play=1"},
	{"any case", "XPLAYSTRM=1", "Play=1"},
	{"blanks everywhere", " \txPlayStrm\t = 1 , client-id =  7 ", "Play=1 HasClientID ClientID=7"},
	{"no blanks", "xPlayStrm=1,client-id=7", "Play=1 HasClientID ClientID=7"},
	{"empty tokens", ",,xPlayStrm=1,, ,client-id=7,", "Play=1 HasClientID ClientID=7"},
	{"the last counts", "client-id=1,client-id=2", "HasClientID ClientID=2"},
	{"no client has id 0, but one may say so", "client-id=0", "HasClientID"},
	{"every flag", "xPlayNextEntry=1,xStopStrm=1,xKeepAliveInPause=1,pipeline-request=1,version11-enabled=1," +
		"packet-pair-experiment=1,pipeline-experiment=1,xResetStrm=1",
		"NextEntry Stop KeepAlive PipelineRequest Version11 PacketPair Pipeline ResetStrm"},
	{"every flag off", "xPlayNextEntry=0,xStopStrm=0,xKeepAliveInPause=0,pipeline-request=0,version11-enabled=0," +
		"packet-pair-experiment=0,pipeline-experiment=0,xResetStrm=0", ""},
	{"a flag taken back", "xStopStrm=1,xStopStrm=0", ""},
	{"the specification's own version11", "version11-enabled=11", "Version11"},
	{"numbers", "client-id=4294967295,request-context=2,timeout=60000",
		"HasClientID ClientID=4294967295 RequestContext=2 Timeout=60000"},
	{"a pump that takes a push", "timeout=60000,push-time=0", "Timeout=60000 HasPushTime"},
	{"push-time of 32 bits", "push-time=4294967295,push-time=4294967296", "HasPushTime PushTime=4294967295"},
	{"WMP", "LinkBW=2147483647, AccelBW=1048576, AccelDuration=18000, Speed=5.000, xPlayStrm=1", "Play=1"},

	{"features", `features="broadcast,playlist"`, `Features="broadcast,playlist"`},
	{"more behind the quotes", `features="a,xPlayStrm=1" , client-id=7`,
		`HasClientID ClientID=7 Features="a,xPlayStrm=1"`},
	{"junk behind the quotes", `features="a"b,client-id=7`, `HasClientID ClientID=7 Features="a"`},
	{"ffserver's negative one", "client-id=-1", "HasClientID ClientID=4294967295"},
	{"the least of them", "client-id=-2147483648", "HasClientID ClientID=2147483648"},
	{"quotes that do not end", `client-id=7,features="a,b`, `HasClientID ClientID=7 Features="a,b"`},
	{"no quotes", "features=broadcast,client-id=7", `HasClientID ClientID=7 Features="broadcast"`},
	{"nothing quoted", `features="",client-id=7`, `HasClientID ClientID=7 Features=""`},
	{"a quoted number", `client-id="7"`, "HasClientID ClientID=7"},
	{"a quote inside a value is a byte", `x=a"b,client-id=7,y="`, "HasClientID ClientID=7"},

	{"entries stand alone", "stream-switch-entry=ffff:1:0 ffff:a:2 ", `SwitchEntry="ffff:1:0 ffff:a:2"`},
	{"entries misspelled", "switch-stream-entry=ffff:1:0", `SwitchEntry="ffff:1:0"`},
	{"entries joined by a proxy", "stream-switch-entry=ffff:1:0 ffff:2:0, xPlayStrm=1",
		`Play=1 SwitchEntry="ffff:1:0 ffff:2:0"`},
	{"log-line keeps commas", "log-line=a, b=c,xPlayStrm=1 ", `LogLine="a, b=c,xPlayStrm=1"`},
	{"log-line keeps quotes", `client-id=7,Log-Line = "a" b`, `HasClientID ClientID=7 LogLine="\"a\" b"`},
	{"empty log-line", "log-line=", `LogLine=""`},
	{"GUID", "xClientGUID={c77e7400-738a-11d2-9add-0020af0a3278}", `GUID="{c77e7400-738a-11d2-9add-0020af0a3278}"`},
	{"Silverlight's spelling", "xClientGuid={C77E7400}", `GUID="{C77E7400}"`},
	{"VLC's GUID", "xClientGUID={0xbabac001-0x6778-0xde09-0x6354af616fca32ad}",
		`GUID="{0xbabac001-0x6778-0xde09-0x6354af616fca32ad}"`},
	{"FFmpeg's glued line", "no-cache,rate=1.000000,stream-time=0Connection: Close", ""},

	{"play, not 0 or 1", "xPlayStrm=2,xPlayStrm=-1,xPlayStrm=yes,xPlayStrm=,xPlayStrm", ""},
	{"play with junk", "xPlayStrm=1Connection: Close", ""},
	{"malformed keeps what was there", "xPlayStrm=1,xPlayStrm=x,client-id=7,client-id=4294967296",
		"Play=1 HasClientID ClientID=7"},
	{"signs, hex and fractions", "client-id=+1,client-id=--1,client-id=-0,client-id=-2147483649,client-id=- " +
		"1,client-id=0x1,client-id=1.0,client-id=1 2", ""},
	{"number of ten digits too large", "client-id=4294967296", ""},
	{"number that wraps uint64", "client-id=18446744073709551617", ""},
	{"no value", "client-id=,features", ""},
	{"no name", "=1,=", ""},
	{"name within a name", "xxPlayStrm=1,xPlayStrmm=1,xPlay Strm=1", ""},
	{"a name of 4 KB", string(bytes.Repeat([]byte{'x'}, 4096)) + "=1,client-id=7", "HasClientID ClientID=7"},
	{"binary", "\x00\xff\x80=\x01,\x7f,client-id=7", "HasClientID ClientID=7"},
}

func TestPragma(t *testing.T) {
	for _, c := range pragmas {
		t.Run(c.name, func(t *testing.T) {
			p, b := Pragma{Play: -1}, []byte(c.in)
			p.Parse(b)
			checkAliases(t, b, p)
			if got := show(p); got != c.want {
				t.Errorf("%q\ngot  %s\nwant %s", c.in, got, c.want)
			}
		})
	}
}

// TestPragmaCut parses every case cut at each byte: there is nothing to come again with, so it only must not go wrong.
func TestPragmaCut(t *testing.T) {
	for _, c := range pragmas {
		for i := range len(c.in) {
			p, b := Pragma{Play: -1}, []byte(c.in)[:i:i]
			p.Parse(b)
			checkAliases(t, b, p)
		}
	}
}

func TestPragmaMerges(t *testing.T) {
	p := Pragma{Play: -1}
	for _, value := range []string{
		"no-cache,rate=1.000000,request-context=2",
		"xPlayStrm=1",
		"stream-switch-count=2",
		"stream-switch-entry=ffff:1:0 ffff:2:0",
		"no-cache,rate=1.000000,stream-time=0Connection: Close",
	} {
		p.Parse([]byte(value))
	}
	if got, want := show(p), `Play=1 RequestContext=2 SwitchEntry="ffff:1:0 ffff:2:0"`; got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

// Windows asks for a file over plain HTTP with NSPlayer's name and a Pragma, too.
func TestPragmaMMSH(t *testing.T) {
	for in, want := range map[string]bool{
		"":                               false,
		"no-cache":                       false,
		"getIfoFileURI.dlna.org":         false,
		"no-cache, xPlayStrm":            false,
		"timeout=1":                      false,
		"xPlayStrm=0":                    true,
		"no-cache,xClientGUID={x}":       true,
		"rate=1.000,request-context=1":   true,
		"version11-enabled=1":            true,
		"client-id=7":                    true,
		"packet-pair-experiment=1":       true,
		"stream-switch-entry=ffff:1:0 x": true,
	} {
		p := Pragma{Play: -1}
		p.Parse([]byte(in))
		if got := p.MMSH(); got != want {
			t.Errorf("%q: %v, want %v", in, got, want)
		}
	}
}

func FuzzPragma(f *testing.F) {
	for i, c := range pragmas {
		f.Add([]byte(c.in), []byte(pragmas[len(pragmas)-1-i].in))
	}
	var last []byte
	addFields(f, "Pragma", func(value []byte) {
		f.Add(value, last)
		last = value
	})
	f.Fuzz(func(t *testing.T, a, b []byte) {
		joined := append(append(bytes.Clone(a), ','), b...)
		split, one := Pragma{Play: -1}, Pragma{Play: -1}
		split.Parse(a)
		checkAliases(t, a, split)
		alone := split.LogLine != nil
		split.Parse(b)
		one.Parse(joined)
		checkAliases(t, joined, one)
		if alone || bytes.IndexByte(a, '"') >= 0 {
			return // what takes all of its line, or may, is not the same in two lines
		}
		if got, want := show(one), show(split); got != want {
			t.Errorf("%q, %q\njoined   %s\nseparate %s", a, b, got, want)
		}
	})
}
