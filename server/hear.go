package server

import (
	"bytes"
	"context"
	"log/slog"

	"pumpd/codec"
	"pumpd/server/accesslog"
	"pumpd/server/clock"
	"pumpd/server/stream"
)

// hear takes what a player says of its Play. Whatever it says, it is answered in the same way (mmsh.md §11). It counts
// once for each Play, of the address that had it: anybody can post, and nobody is to make up a thousand.
func (l *loop) hear(c *conn, x exchange, body []byte, now clock.Instant) {
	id, said := x.Pragma.ClientID, codec.PlayerLog{}
	var err error
	if line := x.Pragma.LogLine; len(line) > 0 {
		err = codec.ParseLogLine(line, &said)
	} else {
		err = codec.ParsePlayerLog(body, &said)
	}
	if l.log.Enabled(context.Background(), slog.LevelDebug) {
		l.log.Debug("player log", "from", c.remote, "client_id", id, "bytes", max(0, x.ContentLength), "err", err)
	}
	// What tells of playing alone, after a player that has stored all, says nothing of what came.
	_, aboutUs := said.Number(codec.LogPacketsReceived)
	if err != nil || x.stream == nil || !aboutUs || !l.node.sessions.report(id, c.remote.Addr(), now) {
		return
	}
	count(x.stream.Stats().Reported(), &said)
	if l.node.visits.On() {
		l.node.visits.Report(&accesslog.Report{Session: id, Fields: fieldsOf(&said)})
	}
}

// count adds what a player says to what others have said. More than can be is taken for the most that can: sums are not
// a stranger's to ruin.
func count(r *stream.Reports, said *codec.PlayerLog) {
	for _, one := range []struct {
		in    interface{ Observe(float64, uint64) }
		field codec.LogField
		most  uint32
		unit  float64 // of the histogram, in the field's
	}{
		{r.Bufferings, codec.LogBufferCount, 1000, 1},
		{r.Buffering, codec.LogBufferTime, 3600, 1},
		{r.Lost, codec.LogLostClient, 1e6, 1},
		{r.Received, codec.LogQuality, 100, 100},
		{r.Rate, codec.LogBandwidth, 1e8, 8},
	} {
		if n, ok := said.Number(one.field); ok {
			one.in.Observe(float64(min(n, one.most))/one.unit, 1)
		}
	}
}

// playerFields are those that only a player knows, by the names that the access log has.
var playerFields = []struct {
	name   string
	field  codec.LogField
	number bool
}{
	{"c-rate", codec.LogRate, true},
	{"c-status", codec.LogStatus, true},
	{"c-playerid", codec.LogPlayerID, false},
	{"c-playerlanguage", codec.LogPlayerLanguage, false},
	{"cs(Referer)", codec.LogReferer, false},
	{"c-hostexe", codec.LogHostExe, false},
	{"c-hostexever", codec.LogHostExeVersion, false},
	{"c-os", codec.LogOS, false},
	{"c-osversion", codec.LogOSVersion, false},
	{"c-cpu", codec.LogCPU, false},
	{"avgbandwidth", codec.LogBandwidth, true},
	{"audiocodec", codec.LogAudioCodec, false},
	{"videocodec", codec.LogVideoCodec, false},
	{"c-bytes", codec.LogBytes, true},
	{"c-pkts-received", codec.LogPacketsReceived, true},
	{"c-pkts-lost-client", codec.LogLostClient, true},
	{"c-pkts-lost-net", codec.LogLostNet, true},
	{"c-pkts-lost-cont-net", codec.LogLostCont, true},
	{"c-resendreqs", codec.LogResendRequests, true},
	{"c-pkts-recovered-ECC", codec.LogRecoveredECC, true},
	{"c-pkts-recovered-resent", codec.LogRecoveredResent, true},
	{"c-buffercount", codec.LogBufferCount, true},
	{"c-totalbuffertime", codec.LogBufferTime, true},
	{"c-quality", codec.LogQuality, true},
}

// fieldsOf are what a player says, for the access log: numbers that are none are left out, and of texts what makes them
// long, or may be secret: what stands behind a ? in the URL of a page.
func fieldsOf(said *codec.PlayerLog) map[string]any {
	fields := map[string]any{}
	for _, f := range playerFields {
		if n, ok := said.Number(f.field); f.number {
			if ok {
				fields[f.name] = n
			}
			continue
		}
		if text, _, _ := bytes.Cut(said.Text(f.field), []byte{'?'}); len(text) > 0 {
			fields[f.name] = agentName(text)
		}
	}
	return fields
}
