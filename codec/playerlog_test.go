package codec

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"testing"
)

// A line as Windows Media Player 12 sends it, 44 fields; [MS-WMLOG] 2.2.1.
const logLine = "0.0.0.0 2026-11-27 10:00:00 - http://pump.example:8086/streams/news 0 104 1 200 " +
	"{3300AD50-2C39-46c0-AE0A-E7FA4ACEB316} 12.0.7601.17514 en-US " +
	"WMFSDK/12.0.7601.17514_WMPlayer/12.0.7601.17514 http://site.example/tv.php?stream=news&location=fr wmplayer.exe " +
	"12.0.7601.17514 Windows 6.1.0.7601 Pentium 0 0 635259 http TCP Windows_Media_Audio_9.2 Windows_Media_Video_9 - - " +
	"8220209 - 1235 3 5 2 0 2 1 4 17 99 - - - -"

// The other two lengths, and what is about playing only: [MS-WMLOG] 2.2.2, 2.7.
const (
	logLine47    = logLine + " http://pump.example:8086/streams/news?e=1&s=2 news.wmv -"
	logRendering = "0.0.0.0 2026-11-27 10:00:00 - http://pump.example:8086/streams/news 0 104 1 200 " +
		"{3300AD50-2C39-46c0-AE0A-E7FA4ACEB316} 12.0.7601.17514 en-US WMFSDK/12.0.7601.17514 - wmplayer.exe " +
		"12.0.7601.17514 Windows 6.1.0.7601 Pentium 0 0 - Cache - WMA WMV - - - - - - - - - - - - - 100 - - - - - - - " +
		"http://pump.example:8086/streams/news - - - 0"
)

func logXML(line string) string {
	return "<XML>\r\n<Summary>" + line + "</Summary>\r\n<c-ip>0.0.0.0</c-ip>\r\n<c-buffercount>9</c-buffercount>\r\n" +
		"<ContentDescription>\r\n<title>a_<b></title>\r\n</ContentDescription>\r\n</XML>\r\n"
}

const (
	logConnect = "<XML><Summary></Summary><c-dns>-</c-dns><c-ip>0.0.0.0</c-ip><c-os>Windows</c-os></XML>"
	logFigures = "104 200 635259 8220209 1235 3 5 2 0 2 1 4 17 99"
)

// showLog is what of it we need, by its numbers; - where it says nothing.
func showLog(l *PlayerLog) string {
	var out []string
	for _, f := range []LogField{
		LogDuration, LogStatus, LogBandwidth, LogBytes, LogPacketsReceived, LogLostClient, LogLostNet, LogLostCont,
		LogResendRequests, LogRecoveredECC, LogRecoveredResent, LogBufferCount, LogBufferTime, LogQuality,
	} {
		if n, ok := l.Number(f); ok {
			out = append(out, fmt.Sprint(n))
		} else {
			out = append(out, "-")
		}
	}
	return strings.Join(out, " ")
}

var playerLogs = []struct{ name, body, want string }{
	{"player 12", logXML(logLine), logFigures},
	{"47 fields", logXML(logLine47 + " "), logFigures},
	{"broken into lines, as in the specification", logXML(strings.ReplaceAll(logLine, " {", " \r\n\t{")), logFigures},
	{"what was played", logXML(logRendering), "104 200 - - - - - - - - - - - 100"},
	{"nonsense for numbers", logXML(strings.NewReplacer(" 635259 ", " -1 ", " 1235 3 ", " 4294967296 0x3 ").Replace(
		logLine)), "104 200 - 8220209 - - 5 2 0 2 1 4 17 99"},
	{"the largest number", logXML(strings.Replace(logLine, " 1235 ", " 4294967295 ", 1)),
		"104 200 635259 8220209 4294967295 3 5 2 0 2 1 4 17 99"},
}

func TestParsePlayerLog(t *testing.T) {
	for _, c := range playerLogs {
		var l PlayerLog
		if err := ParsePlayerLog([]byte(c.body), &l); err != nil || showLog(&l) != c.want {
			t.Errorf("%s: %v, got %s, want %s", c.name, err, showLog(&l), c.want)
		}
		for i := range len(c.body) {
			b := []byte(c.body)[:i:i]
			whole := strings.Contains(c.body[:i], "</Summary>")
			if err := ParsePlayerLog(b, &l); (err == nil) != whole {
				t.Fatalf("%s, %d bytes of it: %v", c.name, i, err)
			}
			checkAliases(t, b, l)
		}
	}
}

func TestPlayerLogTexts(t *testing.T) {
	var l PlayerLog
	if err := ParseLogLine([]byte(logLine), &l); err != nil {
		t.Fatal(err)
	}
	for f, want := range map[LogField]string{
		LogIP: "0.0.0.0", LogDNS: "", LogPlayerID: "{3300AD50-2C39-46c0-AE0A-E7FA4ACEB316}", LogPlayerLanguage: "en-US",
		LogReferer: "http://site.example/tv.php?stream=news&location=fr", LogHostExe: "wmplayer.exe", LogOS: "Windows",
		LogCPU: "Pentium", LogProtocol: "http", LogVideoCodec: "Windows_Media_Video_9", LogServerCPU: "",
	} {
		if got := l.Text(f); string(got) != want {
			t.Errorf("field %d: %q, want %q", f, got, want)
		}
	}
	if n := testing.AllocsPerRun(100, func() { ParseLogLine([]byte(logLine), &l) }); n > 1 { // the line itself
		t.Errorf("a line allocates %v times", n)
	}
}

func TestBadPlayerLogs(t *testing.T) {
	for _, c := range []struct{ name, body, want string }{
		{"connect-time", logConnect, ErrNoFigures.Error()},
		{"blank", logXML(" \r\n\t"), ErrNoFigures.Error()},
		{"nothing", "", "no <Summary> with an end in 0 bytes"},
		{"no end", "<XML><Summary>" + logLine, "no <Summary> with an end"},
		{"end before it begins", "</Summary><Summary>" + logLine, "no <Summary> with an end"},
		{"a field too few", logXML(logLine[:len(logLine)-2]), "43 fields, want 44"},
		{"a field too many", logXML(logRendering + " -"), "more than 52 fields"},
		{"fields without end", logXML(strings.Repeat("- ", 30_000)), "more than 52 fields"},
		{"one field", logXML(strings.Repeat("x", 60_000)), "1 fields, want 44"},
		{"a line for web servers", "MX_STATS_LogLine: \t" + logLine, "no <Summary>"},
	} {
		var l PlayerLog
		err := ParsePlayerLog([]byte(c.body), &l)
		if err == nil || !strings.Contains(err.Error(), c.want) || l.Text(LogIP) != nil {
			t.Errorf("%s: %v, want %s and nothing read", c.name, err, c.want)
		}
		if errors.Is(err, ErrNoFigures) != (c.want == ErrNoFigures.Error()) {
			t.Errorf("%s: %v is ErrNoFigures, or is not", c.name, err)
		}
	}
}

func FuzzPlayerLog(f *testing.F) {
	for _, c := range playerLogs {
		f.Add([]byte(c.body))
	}
	for _, s := range []string{logConnect, logLine, logRendering, "<Summary></Summary>", "<Summary>- </Summary>"} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		var l, again PlayerLog
		err := ParsePlayerLog(body, &l)
		checkAliases(t, body, l)
		if err != nil {
			if l.Text(LogIP) != nil || showLog(&l) != showLog(&PlayerLog{}) {
				t.Errorf("%v, and %s", err, showLog(&l))
			}
			return
		}
		line, _, _ := bytes.Cut(body[bytes.Index(body, summaryBegin)+len(summaryBegin):], summaryEnd)
		if err := ParseLogLine(line, &again); err != nil || showLog(&l) != showLog(&again) {
			t.Errorf("%v: the line by itself is %s, in the body %s", err, showLog(&again), showLog(&l))
		}
		for f := range logFields {
			if text := l.Text(f); bytes.ContainsAny(text, " \t\r\n") || string(text) == "-" {
				t.Errorf("field %d is %q", f, text)
			}
		}
	})
}
