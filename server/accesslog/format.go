package accesslog

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// A format makes lines. Whatever a stranger has sent, a line is one line of printable ASCII, and a field is one field.
type format struct {
	header func(program string, now time.Time) []byte // what a file begins with; nil: nothing
	line   func(b []byte, v *Visit) []byte            // appends one with its line break

	reports bool // it has room for what players report
}

// formats are the values of access_format.
var formats = map[string]format{
	"combined": {line: appendCombined},
	"json":     {line: appendJSON, reports: true},
	"w3c":      {header: w3cHeader, line: appendW3C, reports: true},
}

// appendCombined is the format of web servers; behind that comes what they have no field for. The time is that of the
// request. 102, "processing", are those that still watch: nobody counts these as requests.
func appendCombined(b []byte, v *Visit) []byte {
	status := 200
	if v.Reason == "" {
		status = 102
	}
	b = fmt.Appendf(b, "%s - %s [%s] ", v.From.Addr(), token(v.Viewer), v.Begun.Format("02/Jan/2006:15:04:05 -0700"))
	b = fmt.Appendf(b, `"GET %s HTTP/1.%d" %d %d "-" `, quoted(v.Path), v.Minor, status, v.Bytes)
	b = fmt.Appendf(b, `"%s" host=%s port=%d id=%d end=%s`, quoted(orDash(v.Agent)), token(v.Host), v.From.Port(),
		v.Session, v.Until.Format(time.RFC3339))
	return fmt.Appendf(b, " seconds=%.3f dialect=%s tls=%s reason=%s skips=%d lag=%.3f\n", v.length().Seconds(),
		token(v.Dialect), token(v.TLS), token(v.Reason), v.Skips, v.Lag.Seconds())
}

// A jsonLine is a Visit as JSON has it.
type jsonLine struct {
	Event   string    `json:"event"` // left or watching
	Start   time.Time `json:"start"`
	End     time.Time `json:"end"` // of a visit that goes on: when the line was made
	Seconds float64   `json:"seconds"`
	From    string    `json:"from"`
	Viewer  string    `json:"viewer,omitempty"`
	ID      uint32    `json:"id,omitempty"` // client-id
	Host    string    `json:"host"`
	Path    string    `json:"path"`
	Agent   string    `json:"agent"`
	Dialect string    `json:"dialect"`
	TLS     string    `json:"tls,omitempty"`
	Reason  string    `json:"reason,omitempty"`
	Bytes   uint64    `json:"bytes"`
	Skips   uint32    `json:"skips"`
	Lag     float64   `json:"lag"` // seconds

	Report map[string]any `json:"report,omitempty"` // by the names of w3cFields
}

func appendJSON(b []byte, v *Visit) []byte {
	event := "left"
	if v.Reason == "" {
		event = "watching"
	}
	line, err := json.Marshal(jsonLine{
		Event: event, Start: v.Begun, End: v.Until, Seconds: rounded(v.length()), From: v.From.String(), Viewer: v.Viewer,
		ID: v.Session, Host: v.Host, Path: v.Path, Agent: v.Agent, Dialect: v.Dialect, TLS: v.TLS, Reason: v.Reason,
		Bytes: v.Bytes, Skips: v.Skips, Lag: rounded(v.Lag), Report: v.report,
	})
	if err != nil {
		panic(err) // there is nothing in it that JSON does not have, but for years beyond 9999
	}
	return append(appendASCII(b, line), '\n')
}

// appendASCII spells out in JSON's own way what is not ASCII, and DEL: a terminal takes some of it for commands.
func appendASCII(b, line []byte) []byte {
	for _, r := range string(line) {
		switch {
		case r < 0x7F:
			b = append(b, byte(r))
		case r < 0x10000:
			b = fmt.Appendf(b, `\u%04x`, r)
		default:
			r -= 0x10000
			b = fmt.Appendf(b, `\u%04x\u%04x`, 0xD800+r>>10, 0xDC00+r&0x3FF)
		}
	}
	return b
}

// rounded is in seconds, to milliseconds.
func rounded(d time.Duration) float64 { return float64(d.Milliseconds()) / 1000 }

// quoted is for between quotation marks, as Apache has it.
func quoted(s string) string {
	return spelled(s, `\x%02x`, func(c byte) bool { return c == '"' || c == '\\' })
}

// token is a field between blanks; "" is a dash.
func token(s string) string {
	return orDash(spelled(s, `\x%02x`, func(c byte) bool { return c == ' ' || c == '"' || c == '\\' }))
}

func orDash(s string) string {
	if s == "" {
		return "-"
	}
	return s
}

// spelled is s with every byte written by form that is no printable ASCII, or special.
func spelled(s, form string, special func(byte) bool) string {
	odd := func(c byte) bool { return c < ' ' || c >= 0x7F || special(c) }
	first := 0
	for first < len(s) && !odd(s[first]) {
		first++
	}
	if first == len(s) {
		return s
	}
	var b strings.Builder
	b.WriteString(s[:first])
	for i := first; i < len(s); i++ {
		if odd(s[i]) {
			fmt.Fprintf(&b, form, s[i])
		} else {
			b.WriteByte(s[i])
		}
	}
	return b.String()
}

// w3cFields are those of Windows Media Services 9, in their order, so that reports that were made for it go on. Behind
// them is what it had no field for.
var w3cFields = []string{
	"c-ip", "date", "time", "c-dns", "cs-uri-stem", "c-starttime", "x-duration", "c-rate", "c-status", "c-playerid",
	"c-playerversion", "c-playerlanguage", "cs(User-Agent)", "cs(Referer)", "c-hostexe", "c-hostexever", "c-os",
	"c-osversion", "c-cpu", "filelength", "filesize", "avgbandwidth", "protocol", "transport", "audiocodec", "videocodec",
	"channelURL", "sc-bytes", "c-bytes", "s-pkts-sent", "c-pkts-received", "c-pkts-lost-client", "c-pkts-lost-net",
	"c-pkts-lost-cont-net", "c-resendreqs", "c-pkts-recovered-ECC", "c-pkts-recovered-resent", "c-buffercount",
	"c-totalbuffertime", "c-quality", "s-ip", "s-dns", "s-totalclients", "s-cpu-util", "cs-user-name", "s-session-id",
	"s-content-path", "cs-url", "cs-media-name", "c-max-bandwidth", "cs-media-role", "s-proxied",
	"x-port", "x-end-date", "x-end-time", "x-dialect", "x-tls", "x-reason", "x-skips", "x-lag",
}

func w3cHeader(program string, now time.Time) []byte {
	return fmt.Appendf(nil, "#Software: %s\n#Version: 1.0\n#Date: %s\n#Fields: %s\n", quoted(program),
		now.UTC().Format(time.DateTime), strings.Join(w3cFields, " "))
}

// appendW3C is a line of the W3C Extended Log File Format. What still watches is a remark with the same fields, which
// reports leave out: they would count it each time.
func appendW3C(b []byte, v *Visit) []byte {
	if v.Reason == "" {
		b = append(b, "#Remark: "...)
	}
	values := w3cValues(v)
	for i, field := range w3cFields {
		if i > 0 {
			b = append(b, ' ')
		}
		b = append(b, w3cToken(values[field])...)
	}
	return append(b, '\n')
}

// w3cValues are by field; those that we do not know are absent. Times are UTC.
func w3cValues(v *Visit) map[string]string {
	count := func(n int64) string { return strconv.FormatInt(n, 10) }
	begun, until := v.Begun.UTC(), v.Until.UTC()
	values := map[string]string{
		"c-ip": v.From.Addr().String(), "date": begun.Format(time.DateOnly), "time": begun.Format(time.TimeOnly),
		"cs-uri-stem": v.Path, "c-starttime": "0", "x-duration": count(v.seconds()), "c-rate": "1", "c-status": "200",
		"c-playerversion": playerVersion(v.Agent), "cs(User-Agent)": v.Agent, "filelength": "0", "filesize": "0",
		"avgbandwidth": count(v.bandwidth()), "protocol": v.scheme(), "transport": "TCP",
		"sc-bytes": strconv.FormatUint(v.Bytes, 10), "s-totalclients": count(v.Watching), "cs-user-name": v.Viewer,
		"x-port": count(int64(v.From.Port())), "x-end-date": until.Format(time.DateOnly),
		"x-end-time": until.Format(time.TimeOnly), "x-dialect": v.Dialect, "x-tls": v.TLS, "x-reason": v.Reason,
		"x-skips": count(int64(v.Skips)), "x-lag": strconv.FormatFloat(rounded(v.Lag), 'f', 3, 64),
	}
	if v.Session != 0 {
		values["s-session-id"] = count(int64(v.Session))
	}
	if v.Host != "" {
		values["s-dns"], values["cs-url"] = v.Host, v.scheme()+"://"+v.Host+v.Path
	}
	for field, said := range v.report {
		values[field] = fmt.Sprint(said)
	}
	return values
}

// bandwidth is the mean of what it was sent, bit/s.
func (v *Visit) bandwidth() int64 {
	if s := v.length().Seconds(); s > 0 {
		return int64(float64(v.Bytes) * 8 / s)
	}
	return 0
}

// playerVersion is what stands behind the slash of a User-Agent's first product.
func playerVersion(agent string) string {
	product, _, _ := strings.Cut(agent, " ")
	_, version, _ := strings.Cut(product, "/")
	return version
}

// w3cToken is a field between blanks. Windows Media Services writes blanks as underscores; a leading # would be a
// directive.
func w3cToken(s string) string {
	s = strings.ReplaceAll(s, " ", "_")
	return orDash(spelled(s, "%%%02X", func(c byte) bool { return c == '"' || c == '#' }))
}
