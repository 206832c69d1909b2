package fanout

import (
	"bytes"

	"pumpd/asf"
	"pumpd/codec"
	"pumpd/server/stream"
	"pumpd/server/via"
)

// A Dialect is what one kind of client gets; there is one value for each kind. It is decided once, from the User-Agent,
// by the table below (mmsh.md §2, §9).
type Dialect struct {
	Name     string // for people
	number   int    // in dialects
	form     stream.Form
	crossing crossing
	Redirect string    // scheme of a Location it can follow
	Keep     bool      // may keep a connection open without having asked for it by name
	Relay    bool      // is a server that passes the stream on
	Reports  bool      // sends what it makes of the stream when it has stopped, as Windows Media Player does
	Reset    bool      // may be sent xResetStrm, which obliges us to more below version 7
	bears    asf.Older // the most older video in its first packet that it shows no damage for
}

// A crossing is how a viewer gets from one header to another.
type crossing uint8

const (
	changeInBand crossing = iota // $C(0) $H and on
	reopen                       // $E(1) and FIN: libmms and xine ask for the new header, others stop cleanly
	conclude                     // $E(0) and FIN: VLC takes $H in band for a packet, reads garbage after $E(1)
	hangUp                       // FIN: there is no way to say it
)

var (
	raw = &Dialect{
		Name: "raw", form: stream.RawPackets, crossing: hangUp, Redirect: "http",
		bears: asf.OlderTail,
	}
	oldPlayer = &Dialect{
		Name: "nsplayer_6", form: stream.ShortFrames, crossing: reopen, Redirect: "http",
		bears: asf.OlderTail,
	}
	vlcPlayer = &Dialect{
		Name: "vlc", form: stream.ShortFrames, crossing: conclude, Redirect: "mmsh",
		Reset: true,
	}
	midPlayer = &Dialect{
		Name: "nsplayer_8", form: stream.ShortFrames, crossing: changeInBand, Redirect: "http",
		Reports: true, Reset: true, bears: asf.OlderTail,
	}
	newPlayer = &Dialect{
		Name: "nsplayer_9", form: stream.ShortFrames, crossing: changeInBand, Redirect: "http",
		Reports: true, Reset: true, Keep: true, bears: asf.OlderTail,
	}
	oldServer = &Dialect{
		Name: "nsserver_5", form: stream.FullFrames, crossing: changeInBand, Redirect: "http",
		Relay: true, bears: asf.OlderTail,
	}
	mmshServer = &Dialect{
		Name: "nsserver_9", form: stream.ShortFrames, crossing: changeInBand, Redirect: "http",
		Relay: true, Reset: true, Keep: true, bears: asf.OlderTail,
	}
	rawVLC = &Dialect{
		Name: "raw_vlc", form: stream.RawPackets, crossing: hangUp, Redirect: "http",
	}
	otherPump = &Dialect{
		Name: "pump", form: stream.ShortFrames, crossing: changeInBand, Redirect: "http",
		Relay: true, bears: asf.OlderFrame,
	}
)

// dialects are all of them.
var dialects = [...]*Dialect{
	raw, rawVLC, oldPlayer, midPlayer, newPlayer, vlcPlayer, oldServer, mmshServer, otherPump,
}

func init() {
	for i, d := range dialects {
		d.number = i
	}
}

// DialectOf decides by the User-Agent; for pumps by Via: they pass on what they get, so they get it as it is; and for
// Windows, Wine and the Xbox, which use one User-Agent for plain HTTP and perhaps for MMSH, by Pragma (clients.md §6).
func DialectOf(r *codec.Request) *Dialect {
	a := codec.ParseAgent(r.UserAgent)
	switch {
	case a.Known != codec.OtherProduct && r.Via.Has([]byte(via.Prefix)):
		return otherPump
	case a.Known == codec.NSServer && (!a.HasVersion || a.Major <= 5):
		return oldServer
	case a.Known == codec.NSServer, a.Known == codec.WMCacheProxy:
		return mmshServer
	case a.Known != codec.NSPlayer && bytes.EqualFold(a.Token, []byte("VLC")):
		return rawVLC
	case a.Known != codec.NSPlayer:
		return raw
	case a.WMFSDK && !r.Pragma.MMSH():
		return raw
	case a.VLC:
		return vlcPlayer
	case !a.HasVersion || a.Major < 7:
		return oldPlayer
	case a.Major < 9:
		return midPlayer
	}
	return newPlayer
}

// InBand says that a new header comes to it in the stream, behind $C.
func (d *Dialect) InBand() bool { return d.crossing == changeInBand }

// Padded says that it gets packets in full, with their padding.
func (d *Dialect) Padded() bool { return d.form != stream.ShortFrames }

// MMSH says that it gets MMSH, not plain ASF.
func (d *Dialect) MMSH() bool { return d.form != stream.RawPackets }
