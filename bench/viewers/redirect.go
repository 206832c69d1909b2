package viewers

import (
	"fmt"
	"net/url"
	"slices"

	"golang.org/x/sys/unix"

	"pumpd/bench/scheme"
)

// A server that is full may send viewers elsewhere. They go where it says as players do: at once, from the first
// request on, and speaking what they spoke, for players take http:// and mmsh:// for the same once they know that it is
// MMSH.

// maxPlaces is how many URLs a worker remembers, with the addresses of their hosts.
const maxPlaces = 1000

// leads says whether an answer is to be followed.
func (w *Worker) leads(no *rejection) bool {
	switch no.status {
	case 301, 302, 303, 307, 308:
		return w.opt.Redirects > 0 && no.location != ""
	}
	return false
}

// follow lets a viewer begin anew where an answer sends it.
func (w *Worker) follow(v *viewer, no *rejection) error {
	place, err := v.site.elsewhere(no.location)
	switch {
	case err != nil:
		return err
	case len(v.trail) >= w.opt.Redirects:
		return fmt.Errorf("redirected more than %d times, at last to %s", w.opt.Redirects, place)
	case place == v.home.url || slices.Contains(v.trail, place):
		return fmt.Errorf("redirected in a circle, to %s again", place)
	}
	w.tally.redirected.Add(1)
	tallyInto(&w.retired.Redirects, fmt.Sprintf("%d to %s", no.status, hostOf(place)), 1)
	unix.Close(v.fd)
	v.fd, v.tls, v.phase, v.head, v.trail = -1, nil, resolving, nil, append(v.trail, place)
	if s := w.places[place]; s != nil {
		w.arrive(v, s)
		return nil
	}
	w.handshakes.Go(func() { // the name may take its time
		s, err := NewSite(place, w.opt)
		w.post(func() { w.found(v, place, s, err) })
	})
	return nil
}

// found goes on when a URL has been made a site of, unless the viewer was given up meanwhile.
func (w *Worker) found(v *viewer, place string, s *Site, err error) {
	switch {
	case w.stop || v.phase != resolving:
	case err != nil:
		w.fail(v, err)
	default:
		if w.places == nil {
			w.places = map[string]*Site{}
		}
		if len(w.places) < maxPlaces {
			w.places[place] = s
		}
		w.arrive(v, s)
	}
}

// arrive has a viewer ask a site from the beginning.
func (w *Worker) arrive(v *viewer, s *Site) {
	v.site, v.describe = s, s.description != nil && v.role != Stalled
	w.open(v)
}

// elsewhere is the URL that a Location of this site means.
func (s *Site) elsewhere(location string) (string, error) {
	base, err := url.Parse(s.url)
	if err != nil {
		return "", err
	}
	u, err := base.Parse(location)
	if err != nil || u.Host == "" {
		return "", fmt.Errorf("redirected to %.200q, which is no URL", location)
	}
	kind, ok := scheme.Of(u)
	switch {
	case !ok || kind.MMSH && !s.mmsh:
		return "", fmt.Errorf("redirected to %.200q, which %s does not follow", location, s.Protocol())
	case s.mmsh && kind.TLS:
		u.Scheme = "mmshs"
	case s.mmsh:
		u.Scheme = "mmsh"
	}
	return u.String(), nil
}

// hostOf is where a URL leads to, without the rest: there are not many of these.
func hostOf(place string) string {
	u, err := url.Parse(place)
	if err != nil {
		return place
	}
	return u.Scheme + "://" + u.Host
}
