package outage

import (
	"log/slog"
	"testing"

	"pumpd/server/upstream"
	"pumpd/server/view"
)

// The last error stays to be read when the outage is over.
func TestLastErrorStays(t *testing.T) {
	log := slog.New(slog.DiscardHandler)
	o := Outage{What: "upstream", Place: "from"}
	o.Log(log, "x", upstream.ErrEnded, true, 5)
	o.End(log, "x", 6)
	if o.Tries != 0 || o.What == "" || o.Last != (view.Error{Text: upstream.ErrEnded.Error(), Cause: "ended", At: 5}) {
		t.Errorf("got %+v", o)
	}
}
