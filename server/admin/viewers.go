package admin

import (
	"fmt"
	"net/netip"
	"strconv"
	"strings"
	"time"

	"pumpd/server/clock"
)

// A ViewerQuery says which viewers are asked for. The zero value of a field is no condition.
type ViewerQuery struct {
	Stream  string // its path, in any case
	Network netip.Prefix
	Agent   string   // is in what it calls itself, in any case
	Behind  bool     // it is not in step with the others
	After   ViewerID // begin behind this one
	Most    int      // no more than so many
}

// A Kick says which viewers have to go: one, or those of a stream, of a network, or of both.
type Kick struct {
	Viewer  ViewerID
	Stream  string
	Network netip.Prefix
}

// A Viewer is one at a moment.
type Viewer struct {
	ID      ViewerID
	Stream  string // path
	From    netip.AddrPort
	Agent   string        // what it calls itself
	Name    string        // who it has shown to be; "" nobody asked
	Dialect string        // what it is sent, by its name
	TLS     bool          // to us, not only to a proxy
	Relay   bool          // passes the stream on
	Age     time.Duration // since it joined
	Bytes   uint64
	Skips   uint32
	Lag     time.Duration // by which it is behind the others
	Blocked bool          // its socket is full
}

// A ViewerID names a viewer for as long as it watches, and nobody else before or after. The zero value is nobody.
type ViewerID struct {
	Loop   int
	FD     int32
	Joined clock.Instant // never 0
}

// String is LOOP-FD-JOINED.
func (id ViewerID) String() string {
	return fmt.Sprintf("%d-%d-%s", id.Loop, id.FD, strconv.FormatInt(int64(id.Joined), 36))
}

// parseViewerID reads what String writes.
func parseViewerID(s string) (id ViewerID, err error) {
	parts := strings.Split(s, "-")
	if len(parts) != 3 {
		return id, fmt.Errorf("viewer: %.80q, want an id as the list of viewers has it", s)
	}
	loop, err1 := strconv.ParseUint(parts[0], 10, 16)
	fd, err2 := strconv.ParseUint(parts[1], 10, 31)
	joined, err3 := strconv.ParseInt(parts[2], 36, 64)
	if err1 != nil || err2 != nil || err3 != nil || joined <= 0 {
		return id, fmt.Errorf("viewer: %.80q, want an id as the list of viewers has it", s)
	}
	return ViewerID{int(loop), int32(fd), clock.Instant(joined)}, nil
}
