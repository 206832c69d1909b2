package server

import (
	"bytes"

	"pumpd/codec"
	"pumpd/server/fanout"
)

// A want is what a request asks for (mmsh.md §3.1).
type want uint8

const (
	wantNothing     want = iota // not a request we know
	wantDescribe                // the header
	wantPlay                    // the stream in MMSH
	wantRaw                     // the stream as plain ASF
	wantPushSetup               // an encoder announces itself
	wantPushStart               // an encoder sends
	wantOptions                 // OPTIONS: what the server can do
	wantPipeline                // whether requests may be pipelined
	wantNextEntry               // the next entry of a playlist, which we do not have
	wantSelect                  // other streams of the header; everybody gets all
	wantLog                     // statistics of a player
	wantEvent                   // likewise
	wantContentInfo             // of a cache
	wantStop                    // the end of the session's Play
	wantKeepAlive               // a longer session

	wantCount // of them all
)

// pushes says that it is an encoder's.
func (w want) pushes() bool { return w == wantPushSetup || w == wantPushStart }

// watches says that it is a viewer's, of the stream or its header.
func (w want) watches() bool { return w == wantDescribe || w == wantPlay || w == wantRaw }

// classify names what r wants; the first match of mmsh.md §3.1 wins.
func classify(r *codec.Request, d *fanout.Dialect, push bool) want {
	p := &r.Pragma
	switch string(r.Method) {
	case "OPTIONS":
		return wantOptions
	case "GET", "HEAD":
		switch {
		case !d.MMSH():
			return wantRaw
		case p.PipelineRequest && r.Minor == 1:
			return wantPipeline
		case p.NextEntry:
			return wantNextEntry
		case p.Play == 1:
			return wantPlay
		case p.Play < 0 && p.HasClientID && len(p.SwitchEntry) > 0:
			return wantSelect
		}
		return wantDescribe
	case "POST":
		return classifyPost(r, push)
	}
	return wantNothing
}

func classifyPost(r *codec.Request, push bool) want {
	p := &r.Pragma
	is := func(t string) bool { return bytes.EqualFold(r.ContentType, []byte(t)) }
	switch {
	case is("application/x-wms-pushsetup"):
		return wantPushSetup
	case is("application/x-wms-pushstart"):
		return wantPushStart
	case is("application/x-wms-LogStats"), len(p.LogLine) > 0:
		return wantLog
	case is("application/x-wms-sendevent"):
		return wantEvent
	case is("application/x-wms-getcontentinfo"):
		return wantContentInfo
	case p.Stop:
		return wantStop
	case len(p.SwitchEntry) > 0:
		return wantSelect
	case p.KeepAlive:
		return wantKeepAlive
	case push:
		return wantPushStart // PeerCast-style: a plain POST of MMSH frames (push.md §4)
	}
	return wantNothing
}
