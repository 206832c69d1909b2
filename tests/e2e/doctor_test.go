package e2e

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"
)

// A diagnosis is what "pumpd doctor -json" prints for one URL.
type diagnosis struct {
	Subject, Stream string
	Clients         []string
	Findings        []struct{ Kind, Severity, Text string }
}

// kinds are those of the findings with one of the severities.
func (d *diagnosis) kinds(severities ...string) (list []string) {
	for _, f := range d.Findings {
		if slices.Contains(severities, f.Severity) {
			list = append(list, f.Kind)
		}
	}
	return list
}

// examine has the doctor play one URL.
func examine(t *testing.T, url string) (code int, d diagnosis) {
	t.Helper()
	code, out := run(t, "doctor", "-json", "-for", "3s", url)
	if err := json.Unmarshal([]byte(out), &d); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	return code, d
}

// A pump's stream gets nothing worse than a note, and everybody plays it.
func TestDoctorOfAHealthyPump(t *testing.T) {
	t.Parallel()
	p := startPump(t, "", "[[streams]]\npath = \"demo\"\ntype = \"file\"\n")
	code, d := examine(t, "mmsh://"+p.addr+"/streams/demo")
	if code != 0 || len(d.Findings) > 0 || len(d.Clients) < 8 || !strings.Contains(d.Stream, "video 320x240") {
		t.Errorf("exit code %d, %+v", code, d)
	}
}

func TestDoctorOfNothing(t *testing.T) {
	t.Parallel()
	p := startPump(t, "", pushStream("live"))
	code, d := examine(t, "mmsh://"+p.addr+"/streams/live")
	if code != 1 || !slices.Equal(d.kinds("fault"), []string{"status"}) || len(d.Clients) > 0 {
		t.Errorf("exit code %d, %+v", code, d)
	}
	if code, out := run(t, "doctor", "rtsp://"+p.addr+"/"); code != 2 || !strings.Contains(out, "mmsh://HOST") {
		t.Errorf("exit code %d, %q", code, out)
	}
}
