package codec

import (
	"bytes"
	"errors"
	"fmt"
)

// A PlayerLog is what a player says of how a stream came to it, when it stops or the stream is over. Windows Media
// Player sends one to a server that it takes for Rex, as we are, in a Pragma field:
//
//	POST /streams/demo HTTP/1.1
//	Pragma: log-line=0.0.0.0 2026-11-27 10:00:00 - http://… 0 104 1 200 {…} 12.0.7601.17514 …
//
// and to others, as do those who do not look, as XML in the body. The line stands in there, and then each field by
// itself once more, which we do not need:
//
//	<XML>
//	<Summary>0.0.0.0 2026-11-27 10:00:00 - http://… </Summary>
//	<c-ip>0.0.0.0</c-ip>
//	…
//
// It is no good XML: an & in a URL stays as it is. One at connect-time has an empty Summary. [MS-WMLOG] 2.2, 2.4, 2.8
//
// Slices alias the input. The zero value is a log that says nothing.
type PlayerLog struct {
	fields [logFields][]byte // nil where it says nothing
}

// A LogField is one of a PlayerLog, by its place in the line. [MS-WMLOG] 2.2.1; what each means is in 2.1.
type LogField uint8

const (
	LogIP LogField = iota
	LogDate
	LogTime
	LogDNS
	LogURIStem
	LogStartTime
	LogDuration // seconds, of what was played
	LogRate
	LogStatus // 200, or 210: it has connected again
	LogPlayerID
	LogPlayerVersion
	LogPlayerLanguage
	LogUserAgent
	LogReferer // the page that the player is in
	LogHostExe
	LogHostExeVersion
	LogOS
	LogOSVersion
	LogCPU
	LogFileLength
	LogFileSize
	LogBandwidth // bit/s, as the player has measured it; not while it was paused
	LogProtocol  // Cache: it is about what was played, not about how it came
	LogTransport
	LogAudioCodec
	LogVideoCodec
	LogChannelURL
	LogServerBytes
	LogBytes
	LogPacketsSent
	LogPacketsReceived
	LogLostClient // packets that were lost for good
	LogLostNet    // packets that were lost at first
	LogLostCont   // the most in a row
	LogResendRequests
	LogRecoveredECC
	LogRecoveredResent
	LogBufferCount // times that it had to wait for data, the first included
	LogBufferTime  // seconds, of all of those
	LogQuality     // percent of the packets that came
	LogServerIP
	LogServerDNS
	LogTotalClients
	LogServerCPU

	logFields
)

// maxLogFields is how many there are in the longest line: cs-url and others come behind what we know. [MS-WMLOG] 2.2.2
const maxLogFields = 52

// ErrNoFigures: a log that is in order and says nothing of how the stream came.
var ErrNoFigures = errors.New("player log: no figures")

var (
	summaryBegin = []byte("<Summary>")
	summaryEnd   = []byte("</Summary>")
)

// ParsePlayerLog reads the body of a Log request in XML into l. Errors: ErrNoFigures; any other is a malformed one,
// which is a server's to ignore.
func ParsePlayerLog(body []byte, l *PlayerLog) error {
	*l = PlayerLog{}
	_, rest, found := bytes.Cut(body, summaryBegin)
	line, _, ended := bytes.Cut(rest, summaryEnd)
	if !found || !ended {
		return fmt.Errorf("player log: no <Summary> with an end in %d bytes", len(body))
	}
	return ParseLogLine(line, l)
}

// ParseLogLine reads a line of it, as it stands in Pragma, see ParsePlayerLog.
func ParseLogLine(line []byte, l *PlayerLog) error {
	*l = PlayerLog{}
	n, found := 0, PlayerLog{}
	for field := range bytes.FieldsSeq(line) {
		if n == maxLogFields {
			return fmt.Errorf("player log: more than %d fields", maxLogFields)
		}
		if n < int(logFields) && string(field) != "-" {
			found.fields[n] = field
		}
		n++
	}
	switch {
	case n == 0:
		return ErrNoFigures
	case n < int(logFields):
		return fmt.Errorf("player log: %d fields, want %d", n, logFields)
	}
	*l = found
	return nil
}

// Text is what it says in a field, as it came: blanks are underscores, and nobody has looked at it. nil: nothing.
func (l *PlayerLog) Text(f LogField) []byte { return l.fields[f] }

// Number is the same where that is a number of 32 bits, as all counts are; false: it says nothing, or nonsense.
func (l *PlayerLog) Number(f LogField) (uint32, bool) { return number32(l.fields[f]) }
