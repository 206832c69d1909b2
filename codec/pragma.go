package codec

import "bytes"

// Pragma is what all Pragma fields of one head say together. MMSH puts its own parameters there. [MS-WMSP] 2.2.1.4
//
// Tokens compare without case, may come in one comma list, in many fields or both, with or without blanks. Of a token
// that comes twice the last counts. Unknown tokens, and known ones with a value that is not of their form, are as if
// they were not there. FFmpeg forgets the line end behind its last, which then reads `stream-time=0Connection: Close`,
// VLC's GUID is none, and [MS-WMSP]'s own examples misspell stream-switch-entry.
type Pragma struct {
	Play int8 // xPlayStrm: -1 absent, 0 and 1. Only 1 asks for the stream, the others for its header

	NextEntry       bool // xPlayNextEntry=1
	Stop            bool // xStopStrm=1
	KeepAlive       bool // xKeepAliveInPause=1
	PipelineRequest bool // pipeline-request=1
	Version11       bool // version11-enabled=1: the answer to a Play may be chunked
	PacketPair      bool // packet-pair-experiment=1
	Pipeline        bool // pipeline-experiment=1
	ResetStrm       bool // xResetStrm=1, in responses: the client-id was unknown

	HasClientID    bool
	ClientID       uint32
	RequestContext uint32 // counts a client's requests from 1; 0 if absent
	Timeout        uint32 // ms, in responses: how long an idle session lives; 0 if absent

	// push-time, between pumps: ms, of the last packet of a push that its receiver has (push.md §5).
	HasPushTime bool
	PushTime    uint32

	// Raw values, nil if absent.
	SwitchEntry []byte // stream-switch-entry: src:dst:level, blank separated. Hex or decimal, the clients disagree
	LogLine     []byte // log-line: W3C fields, blank separated
	GUID        []byte // xClientGUID, with its braces. Any junk in practice
	Features    []byte // features, without its quotes: a comma list
}

// MMSH says whether there is a token that only clients of MMSH send, such as each of them does in each request.
func (p *Pragma) MMSH() bool {
	return p.Play >= 0 || p.GUID != nil || p.HasClientID || p.RequestContext > 0 || p.SwitchEntry != nil ||
		p.Version11 || p.PacketPair || p.Pipeline || p.PipelineRequest || p.NextEntry
}

// Parse adds one field value to p. A p to be read by itself starts as Pragma{Play: -1}.
func (p *Pragma) Parse(value []byte) {
	for len(value) > 0 {
		var name, v []byte
		name, v, value = cutPragma(value)
		p.set(name, v)
	}
}

// cutPragma cuts the first token off a list. A token without = has a nil value.
//
//	name
//	name = value
//	name = "a, quoted, value"
//	log-line = everything, up to the end of the line
func cutPragma(list []byte) (name, value, rest []byte) {
	i := bytes.IndexAny(list, ",=")
	if i < 0 {
		return trim(list), nil, nil
	}
	name, rest = trim(list[:i]), list[i+1:]
	if list[i] == ',' {
		return name, nil, rest
	}
	rest = trim(rest)
	switch {
	case fold(name, "log-line"):
		return name, rest, nil // its text may hold commas: it stands alone ([MS-WMSP] 2.2.1.4)
	case len(rest) > 0 && rest[0] == '"':
		value, rest, _ = bytes.Cut(rest[1:], []byte{'"'})
		_, rest, _ = bytes.Cut(rest, comma)
	default:
		// stream-switch-entry stands alone too, but has no commas: a proxy that joins fields does no harm here.
		value, rest, _ = bytes.Cut(rest, comma)
	}
	return name, trim(value), rest
}

func (p *Pragma) set(name, v []byte) {
	if v == nil {
		return // no-cache, the only flag clients send, means nothing to us
	}
	var buf [nameMax]byte
	switch string(lower(&buf, name)) {
	case "xplaystrm":
		p.setPlay(v)
	case "xplaynextentry":
		setFlag(&p.NextEntry, v)
	case "xstopstrm":
		setFlag(&p.Stop, v)
	case "xkeepaliveinpause":
		setFlag(&p.KeepAlive, v)
	case "xresetstrm":
		setFlag(&p.ResetStrm, v)
	case "version11-enabled":
		setFlag(&p.Version11, v)
	case "packet-pair-experiment":
		setFlag(&p.PacketPair, v)
	case "pipeline-experiment":
		setFlag(&p.Pipeline, v)
	case "pipeline-request":
		setFlag(&p.PipelineRequest, v)
	case "client-id":
		p.setClientID(v)
	case "request-context":
		setNumber(&p.RequestContext, v)
	case "timeout":
		setNumber(&p.Timeout, v)
	case "push-time":
		if n, ok := number32(v); ok {
			p.PushTime, p.HasPushTime = n, true
		}
	case "stream-switch-entry", "switch-stream-entry": // examples in [MS-WMSP] have the second
		p.SwitchEntry = v
	case "log-line":
		p.LogLine = v
	case "xclientguid":
		p.GUID = v
	case "features":
		p.Features = v
	}
}

func (p *Pragma) setPlay(v []byte) {
	if n, ok := number32(v); ok && n <= 1 {
		p.Play = int8(n)
	}
}

// setClientID also takes a negative id for the same 32 bits: ffserver prints half of its own that way.
func (p *Pragma) setClientID(v []byte) {
	digits := bytes.TrimPrefix(v, minus)
	n, ok := number32(digits)
	if len(digits) < len(v) {
		ok = ok && n > 0 && n <= 1<<31
		n = -n
	}
	if ok {
		p.ClientID, p.HasClientID = n, true
	}
}

// setFlag takes any number but 0 for yes: an example in [MS-WMSP] has version11-enabled=11.
func setFlag(flag *bool, v []byte) {
	if n, ok := number32(v); ok {
		*flag = n != 0
	}
}

func setNumber(field *uint32, v []byte) {
	if n, ok := number32(v); ok {
		*field = n
	}
}
