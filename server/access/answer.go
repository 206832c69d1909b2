package access

import (
	"encoding/json"
	"fmt"
	"mime"
	"strings"
	"time"

	"pumpd/server/config"
)

// A Question is what the callback is asked, as JSON.
type Question struct {
	Path     string `json:"path"`    // /streams/NAME, in lower case
	Address  string `json:"address"` // of the viewer; Ask sets it
	Agent    string `json:"agent"`   // what it calls itself
	User     string `json:"user"`    // of view_users, who has been checked; else as the viewer says
	Password string `json:"password,omitempty"`
	Query    string `json:"query"` // as it came
}

// An Answer is what came of a question.
type Answer struct {
	Callback Callback
	Why      string        // for the viewer; "" says nothing
	User     string        // who it is, for the access log; "" says nothing
	Keep     time.Duration // how long it is good for
}

const (
	maxAnswer = 4 << 10 // bytes of a body
	maxWhy    = 120     // bytes
	maxKeep   = 24 * time.Hour
)

// parseAnswer reads an answer by its status and, where that is JSON, by its body. keep is how long it is good for if
// it does not say so. All members may be left out:
//
//	{"allow": false, "reason": "not paid", "user": "ann", "ttl": 60}
//
// A status of 2xx lets the viewer in unless the body says otherwise; 401 wants other credentials; the rest of 4xx keeps
// it out. Anything else is no answer, and an error says why.
func parseAnswer(status int, media string, body []byte, keep time.Duration) (Answer, error) {
	a := Answer{Keep: keep}
	switch {
	case status >= 200 && status <= 299:
		a.Callback = CallbackAllows
	case status == 401:
		a.Callback = CallbackPassword
	case status >= 400 && status <= 499 && status != 408 && status != 429:
		a.Callback = CallbackDenies
	default:
		return Answer{Callback: CallbackFails}, fmt.Errorf("status %d", status)
	}
	if kind, _, err := mime.ParseMediaType(media); err != nil || kind != "application/json" || len(body) == 0 {
		return a, nil
	}
	if err := a.read(body); err != nil {
		return Answer{Callback: CallbackFails}, err
	}
	return a, nil
}

// read adds what the body says. It takes nobody in whom the status keeps out.
func (a *Answer) read(body []byte) error {
	var said struct {
		Allow  *bool    `json:"allow"`
		Reason string   `json:"reason"`
		User   string   `json:"user"`
		TTL    *float64 `json:"ttl"` // seconds
	}
	if err := json.Unmarshal(body, &said); err != nil {
		return fmt.Errorf("body: %w", err)
	}
	switch {
	case said.Allow == nil:
	case *said.Allow && a.Callback != CallbackAllows:
		return fmt.Errorf("body: allow is true, the status is not 2xx")
	case !*said.Allow && a.Callback == CallbackAllows:
		a.Callback = CallbackDenies
	}
	if said.TTL != nil {
		a.Keep = time.Duration(max(0, min(*said.TTL, maxKeep.Seconds())) * float64(time.Second))
	}
	a.Why = config.OneLine(strings.ToValidUTF8(said.Reason[:min(len(said.Reason), maxWhy)], ""))
	if isViewer(said.User) {
		a.User = said.User
	}
	return nil
}
