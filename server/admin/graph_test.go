package admin

import (
	"strings"
	"testing"
	"time"

	"pumpd/server/reason"
)

func TestPen(t *testing.T) {
	p := &pen{right: 6, most: 10}
	for _, c := range []struct {
		name, got, want string
	}{
		{"line", p.line([]float64{0, 5, 10}), "M4 60L5 31L6 2"},
		{"area", p.area(nil, []float64{0, 5, 10}), "M4 60L5 31L6 2V60H4Z"},
		{"on another", p.area([]float64{0, 0, 5}, []float64{0, 5, 10}), "M4 60L5 31L6 2L6 31L5 60L4 60Z"},
		{"level", p.line([]float64{5, 5, 5, 5, 0}), "M2 31L5 31L6 60"},
		{"nothing", p.area(nil, nil), ""},
		{"as high as what is below", p.area([]float64{1, 2}, []float64{1, 2}), ""},
		{"all zero", (&pen{right: 6}).line([]float64{0, 0}), ""},
	} {
		if c.got != c.want {
			t.Errorf("%s: %q, want %q", c.name, c.got, c.want)
		}
	}
}

// Who joined and who ended for what is on the page with its number, and the uplink where it is known.
func TestGraphs(t *testing.T) {
	r := newRig(t, pushStream("a", ""))
	st := r.s.Streams.Streams()[0].Stats()
	look := func() {
		r.at = r.at.Add(time.Second)
		r.rates.sample(r.at)
	}
	look()
	if page := r.get("/stream/a").Body.String(); strings.Contains(page, "uplink") || strings.Contains(page, "stalled") {
		t.Errorf("there is something of an uplink that is not known, or of what has not happened: %s", page)
	}
	st.Joined.Store(1500)
	st.Left[reason.ClientClosed].Store(7)
	st.Left[reason.Stalled].Store(2)
	look()
	page := r.get("/stream/a").Body.String()
	for _, want := range []string{
		`<i class="area c0"></i>client_closed 7</li><li><i class="area c1"></i>stalled 2</li><li><i class="joined"></i>joined 1,500`,
		`<strong>joins and ends</strong> up to 45,000/min`, // 1500 in 2 s
		`<path class="area c1" d="M`, `<path class="joined" d="M`,
	} {
		if strings.Count(page, want) == 0 {
			t.Errorf("no %q in the page", want)
		}
	}
	h := newHistory(nil)
	h.look(nil, uplink{taken: 3e6, usable: 8e6}, 1, time.Now())
	g := h.graphs(nil)[0].Graphs
	if last := g[len(g)-1]; last.Title != "uplink" || last.Most != "8.00 Mbit/s" || last.Layers[0].Path == "" {
		t.Errorf("the uplink is drawn as %+v", last)
	}
	if t.Failed() {
		t.Log(page)
	}
}
