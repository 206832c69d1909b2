package e2e

import (
	"io"
	"net/http"
	"net/http/httptrace"
	"strings"
	"testing"
	"time"
)

// Somebody bans a network by the API while another process takes over: that waits until it is known which one serves.
// If it is the other one that one is to be asked, and does so.
func TestUpgradeAmongChanges(t *testing.T) {
	t.Parallel()
	for name, fails := range map[string]bool{"goes through": false, "comes to nothing": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			l := startLineage(t, faultyProgram, adminAnywhere+"\nadmin_users = [\"boss:knows the word\"]\n",
				fileStream("demo", ""))
			at := "http://" + l.admin(t).admin + "/api/v1/bans"
			client := &http.Client{Transport: &http.Transport{ExpectContinueTimeout: patience}, Timeout: 2 * patience}
			defer client.CloseIdleConnections()
			heard := make(chan struct{}, 9) // one when the pump wants to know what is to be changed
			trace := httptrace.WithClientTrace(t.Context(), &httptrace.ClientTrace{
				Got100Continue: func() { heard <- struct{}{} },
			})
			ask := func(method, body string) (answer string, status int) {
				q, err := http.NewRequestWithContext(trace, method, at, strings.NewReader(body))
				if err != nil {
					return err.Error(), 0
				}
				q.SetBasicAuth("boss", "knows the word")
				q.Header.Set("Content-Type", "application/json")
				if body != "" {
					q.Header.Set("Expect", "100-continue")
				}
				r, err := client.Do(q)
				if err != nil {
					return err.Error(), 0
				}
				defer r.Body.Close()
				b, err := io.ReadAll(r.Body)
				if err != nil {
					return err.Error(), 0
				}
				return string(b), r.StatusCode
			}
			pid, failed := l.upgradeUntil(t, "taken", theNew)
			answers := make(chan int, 1)
			ban := func() (status int) {
				_, status = ask(http.MethodPost, `{"network": "192.0.2.0/24", "for": "1h"}`)
				return status
			}
			go func() { answers <- ban() }()
			select {
			case <-heard:
			case <-time.After(patience):
				t.Fatal("the pump does not listen")
			}
			if fails {
				l.end(t, pid)
			}
			l.goOn(t, pid)
			if err := <-failed; (err != nil) != fails {
				t.Errorf("the upgrade: %v", err)
			}
			status := <-answers
			if want := map[bool]int{false: http.StatusServiceUnavailable, true: http.StatusOK}[fails]; status != want {
				t.Errorf("status %d, want %d", status, want)
			}
			if !fails && !poll(patience, func() bool { return ban() == http.StatusOK }) {
				t.Error("the new process does not ban anybody")
			}
			if answer, _ := ask(http.MethodGet, ""); !strings.Contains(answer, "192.0.2.0/24") {
				t.Errorf("it is said to be banned, and is not: %s", answer)
			}
			l.plays(t)
		})
	}
}
