package load

import (
	"bufio"
	"fmt"
	"net"
	"strings"
	"testing"

	"pumpd/bench/viewers"
)

// serveScript answers each request as script says for its path, and gives the server's address.
func serveScript(t *testing.T, script func(path string) (answer string)) string {
	t.Helper()
	return serveEach(t, func(conn net.Conn, _ *bufio.Reader, line string) {
		fmt.Fprint(conn, script(strings.Fields(line)[1]))
	})
}

// moved is an answer that sends viewers elsewhere.
func moved(status int, to string) string {
	return fmt.Sprintf("HTTP/1.0 %d Moved\r\nLocation: %s\r\nContent-Length: 0\r\n\r\n", status, to)
}

// always is a script.
func always(answer string) func(string) string { return func(string) string { return answer } }

// Viewers go where they are sent, and are there.
func TestLoadFollowsRedirects(t *testing.T) {
	t.Parallel() // most of a run is waiting
	synth := serveSynth(t)
	secure := serveTLS(t, synth)
	for _, c := range []struct{ name, scheme, location, host string }{
		{"mmsh", "mmsh", "mmsh://" + synth + "/x", "mmsh://" + synth},
		{"mmsh, as FFmpeg is told", "mmsh", "http://" + synth + "/x?a=b", "mmsh://" + synth},
		{"mmsh, to TLS", "mmsh", "https://" + secure + "/x", "mmshs://" + secure},
		{"http", "http", "http://" + synth + "/x", "http://" + synth},
		{"http, to TLS", "http", "https://" + secure + "/x", "https://" + secure},
	} {
		for _, status := range []int{301, 302, 303, 307, 308} {
			front := serveScript(t, always(moved(status, c.location)))
			s := fairLoad(t, Options{URLs: []string{c.scheme + "://" + front + "/x"}, Viewers: 8,
				Options: viewers.Options{Redirects: 1, Describe: status == 302}})
			where := fmt.Sprintf("%d to %s", status, c.host)
			if s.Admitted != 8 || s.Watching != 8 || s.Redirected != 8 || s.Redirects[where] != 8 || s.Refused != 0 ||
				s.Verdict() != nil {
				t.Errorf("%s: %d admitted, %d watch, %d redirected, %v: %v, %v", c.name, s.Admitted, s.Watching,
					s.Redirected, s.Redirects, s.Failures, s.Verdict())
			}
		}
	}
}

// What leads nowhere is said, and is a failure.
func TestLoadRedirectsThatLeadNowhere(t *testing.T) {
	t.Parallel()
	circle := serveScript(t, func(path string) string {
		return moved(302, map[string]string{"/x": "/y", "/y": "/z", "/z": "/x"}[path])
	})
	endless := serveScript(t, func(path string) string { return moved(302, path+"x") })
	for _, c := range []struct{ name, url, why string }{
		{"a circle", "mmsh://" + circle + "/x", "redirected in a circle, to mmsh://" + circle + "/x again"},
		{"itself", "mmsh://" + serveScript(t, always(moved(302, "/x"))) + "/x", "in a circle"},
		{"no end", "mmsh://" + endless + "/x", "redirected more than 3 times, at last to mmsh://" + endless + "/xxxxx"},
		{"a player's scheme", "http://" + serveScript(t, always(moved(302, "mmsh://127.0.0.1:1/x"))) + "/x",
			`"mmsh://127.0.0.1:1/x", which http does not follow`},
		{"another scheme", "mmsh://" + serveScript(t, always(moved(302, "ftp://127.0.0.1:1/x"))) + "/x", "does not follow"},
		{"no URL", "mmsh://" + serveScript(t, always(moved(302, "http://[::1/x"))) + "/x", "no URL"},
		{"nobody there", "mmsh://" + serveScript(t, always(moved(302, "mmsh://127.0.0.1:1/x"))) + "/x", "refused"},
	} {
		s := testLoad(t, Options{URLs: []string{c.url}, Viewers: 4, Options: viewers.Options{Redirects: 3}})
		found := false
		for why, n := range s.Failures {
			found = found || strings.Contains(why, c.why) && n == 4
		}
		if !found || s.Failed != 4 || s.Refused != 0 || s.Admitted != 0 || s.Verdict() == nil {
			t.Errorf("%s: %d failed, %d refused, %v, want 4 × %q", c.name, s.Failed, s.Refused, s.Failures, c.why)
		}
	}
}

// Refusals are told by status, and so are redirects that nobody follows.
func TestLoadTellsRefusalsByStatus(t *testing.T) {
	t.Parallel()
	synth := serveSynth(t)
	var urls []string
	for _, answer := range []string{
		"HTTP/1.0 503 Full\r\nRetry-After: 5\r\n\r\n", "HTTP/1.0 401 Who?\r\n\r\n", moved(302, "mmsh://"+synth+"/x"),
		moved(302, ""),
	} {
		urls = append(urls, "mmsh://"+serveScript(t, always(answer))+"/x")
	}
	opt := Options{URLs: append(urls, "mmsh://"+synth+"/x"), Viewers: 20}
	s := testLoad(t, opt)
	if s.Admitted != 4 || s.Refusals["503"] != 4 || s.Refusals["401"] != 4 || s.Refusals["302"] != 8 || s.Refused != 16 ||
		s.Redirected != 0 || s.Verdict() == nil {
		t.Errorf("%+v: %v", s, s.Verdict())
	}
	var out strings.Builder
	opt.Redirects = 1
	s = testLoad(t, opt)
	s.Print(&out)
	for _, line := range []string{"admitted         8\n", "sent elsewhere   4 × status 302 to mmsh://" + synth + "\n",
		"refused          4 × status 302\n", "refused          4 × status 401\n", "refused          4 × status 503\n"} {
		if !strings.Contains(out.String(), line) {
			t.Errorf("no line %q:\n%s", line, out.String())
		}
	}
}

// Who comes back begins where it began.
func TestLoadComesBackToTheFirst(t *testing.T) {
	t.Parallel()
	full := serveScript(t, always("HTTP/1.0 503 Full\r\nRetry-After: 1\r\n\r\n"))
	front := serveAfter(t, 4, []byte(moved(302, "mmsh://"+full+"/x")), serveSynth(t))
	s := testLoad(t, Options{URLs: []string{"mmsh://" + front + "/x"}, Viewers: 4,
		Options: viewers.Options{Redirects: 3, Reconnect: true}})
	if s.Redirected != 4 || s.Refusals["503"] != 4 || s.Admitted != 4 || s.Watching != 4 || s.Verdict() != nil {
		t.Errorf("%+v: %v", s, s.Verdict())
	}
}
