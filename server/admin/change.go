package admin

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"mime"
	"net/http"
	"net/netip"
	"reflect"
	"strings"
	"time"

	"pumpd/server/auth"
	"pumpd/server/bans"
)

// What the API changes. A change is a POST of JSON or of a form, from nowhere but our own pages or a program, by one of
// admin_users:
//
//	serve: guard ─▶ changed: origin ─▶ desk ─▶ body ─▶ the change ─▶ a line of the log

const (
	maxBody    = 4 << 10          // bytes of a change
	changeTime = 20 * time.Second // for a change, before writeTime is over
)

// A problem is an error with the status that it is answered with; others are 400.
type problem struct {
	status int
	error
}

var originGuard = http.NewCrossOriginProtection()

// changed is the handler of a change: what it returns is answered as JSON. In is a struct of strings with json tags.
func changed[In any](a *Admin, what string, do func(context.Context, *In) (any, error)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if err := originGuard.Check(r); err != nil {
			fail(w, http.StatusForbidden, err)
			return
		}
		name, ok := a.desk.admit(w, r)
		if !ok {
			return
		}
		var in In
		if err := readChange(w, r, &in); err != nil {
			failWith(w, err)
			return
		}
		ctx, cancel := context.WithTimeout(r.Context(), changeTime)
		defer cancel()
		log := a.s.Log.With("by", name, "from", r.RemoteAddr, "asked", in)
		answer, err := do(ctx, &in)
		if err != nil {
			log.Warn("admin: "+what+" failed", "err", err)
			failWith(w, err)
			return
		}
		log.Info("admin: " + what)
		a.rates.history.tell(event{At: time.Now(), Text: what + " by " + name})
		writeJSON(w, http.StatusOK, answer)
	}
}

// held is a change that would be lost if it came while another process takes over: it waits until that has come to
// nothing, or is for that process.
func held[In any](a *Admin, do func(context.Context, *In) (any, error)) func(context.Context, *In) (any, error) {
	return func(ctx context.Context, in *In) (answer any, err error) {
		if !a.s.Hold(func() { answer, err = do(ctx, in) }) {
			return nil, problem{http.StatusServiceUnavailable, errors.New("another process has just taken over, ask again")}
		}
		return answer, err
	}
}

// readChange fills in with the fields of a body, each of which must be known.
func readChange(w http.ResponseWriter, r *http.Request, in any) error {
	r.Body = http.MaxBytesReader(w, r.Body, maxBody)
	media, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	switch {
	case r.ContentLength == 0:
		return nil // nothing is said, so any form will do
	case err == nil && media == "application/json":
		return readJSON(r.Body, in)
	case err == nil && media == "application/x-www-form-urlencoded":
		return readForm(r, in)
	}
	return problem{http.StatusUnsupportedMediaType,
		errors.New("Content-Type: want application/json or application/x-www-form-urlencoded")}
}

func readJSON(from io.Reader, in any) error {
	d := json.NewDecoder(from)
	d.DisallowUnknownFields()
	if err := d.Decode(in); err != nil {
		return tooLong(fmt.Errorf("body: %w; want %s", err, wanted(in)))
	}
	if _, err := d.Token(); err != io.EOF {
		return tooLong(errors.New("body: something behind the object"))
	}
	return nil
}

// wanted names the fields that a body may have, for whoever has sent others.
func wanted(in any) string {
	var names []string
	for field := range reflect.TypeOf(in).Elem().Fields() {
		name, _, _ := strings.Cut(field.Tag.Get("json"), ",")
		names = append(names, name)
	}
	if len(names) == 0 {
		return "none"
	}
	return "some of " + strings.Join(names, ", ")
}

// readForm makes an object of a form.
func readForm(r *http.Request, in any) error {
	if err := r.ParseForm(); err != nil {
		return tooLong(fmt.Errorf("body: %w", err))
	}
	fields := map[string]string{}
	for key, values := range r.PostForm {
		if strings.HasPrefix(strings.TrimSpace(key), "{") { // curl -d says that all is a form
			return errors.New("body: JSON in a form, want Content-Type: application/json for it")
		}
		if len(values) > 1 {
			return fmt.Errorf("body: %.80q is there %d times", key, len(values))
		}
		fields[key] = values[0]
	}
	b, err := json.Marshal(fields)
	if err != nil {
		return err
	}
	return readJSON(bytes.NewReader(b), in)
}

func tooLong(err error) error {
	if _, ok := errors.AsType[*http.MaxBytesError](err); ok {
		return problem{http.StatusRequestEntityTooLarge, err}
	}
	return err
}

func failWith(w http.ResponseWriter, err error) {
	status := http.StatusBadRequest
	if p, ok := errors.AsType[problem](err); ok {
		status = p.status
	} else if errors.Is(err, context.DeadlineExceeded) {
		status = http.StatusServiceUnavailable
	}
	fail(w, status, err)
}

// An errorReport is the answer of whatever has failed.
type errorReport struct {
	Error string `json:"error"` // lines
}

func fail(w http.ResponseWriter, status int, err error) {
	writeJSON(w, status, errorReport{err.Error()})
}

// A kickRequest names one viewer, or those of a stream, of a network, or of both.
type kickRequest struct {
	Viewer  string `json:"viewer,omitempty"`  // id of one, from the list of viewers
	Stream  string `json:"stream,omitempty"`  // path
	Network string `json:"network,omitempty"` // an address, or a network such as 192.0.2.0/24
}

type kickReport struct {
	Kicked int `json:"kicked"` // how many viewers were told that their stream is over
}

func (a *Admin) kick(ctx context.Context, in *kickRequest) (any, error) {
	k := Kick{Stream: in.Stream}
	var err error
	if in.Stream != "" && a.s.Streams.Find([]byte(in.Stream)) == nil {
		return nil, noStream(in.Stream)
	}
	if in.Network != "" {
		if k.Network, err = parseNetwork(in.Network); err != nil {
			return nil, err
		}
	}
	if in.Viewer != "" {
		if in.Stream != "" || in.Network != "" {
			return nil, errors.New("viewer: want it alone, or a stream and a network without it")
		}
		if k.Viewer, err = parseViewerID(in.Viewer); err != nil {
			return nil, err
		}
	}
	n, err := a.s.Kick(ctx, k)
	if err == nil && n == 0 && in.Viewer != "" {
		return nil, problem{http.StatusNotFound, fmt.Errorf("viewer: %q, does not watch any more", in.Viewer)}
	}
	return kickReport{n}, err
}

// A banRequest has either For or Until.
type banRequest struct {
	Network string `json:"network"`         // an address, or a network such as 192.0.2.0/24
	For     string `json:"for,omitempty"`   // such as 90m or 24h
	Until   string `json:"until,omitempty"` // RFC 3339
	Why     string `json:"why,omitempty"`   // for those who read the list
}

type banReport struct {
	Network string `json:"network"`
	Until   string `json:"until"`           // RFC 3339
	Why     string `json:"why"`             // as whoever banned it said
	Ended   *int   `json:"ended,omitempty"` // connections that were there and had to go; only where it is banned
}

type bansReport struct {
	Bans []banReport `json:"bans"` // the one that ends first at the top
}

func reportBan(b bans.Ban) banReport {
	return banReport{Network: b.Network.String(), Until: b.Until.UTC().Format(time.RFC3339), Why: b.Why}
}

func (a *Admin) apiBans(w http.ResponseWriter, _ *http.Request) {
	list := bansReport{[]banReport{}}
	for _, b := range a.s.Bans.All(time.Now()) {
		list.Bans = append(list.Bans, reportBan(b))
	}
	writeJSON(w, http.StatusOK, list)
}

func (a *Admin) ban(ctx context.Context, in *banRequest) (any, error) {
	network, err := parseNetwork(in.Network)
	if err != nil {
		return nil, err
	}
	b := bans.Ban{Network: network, Why: in.Why}
	switch {
	case in.For != "" && in.Until == "":
		var long time.Duration
		if long, err = time.ParseDuration(in.For); err != nil {
			return nil, fmt.Errorf("for: %.80q, want a duration such as 90m or 24h", in.For)
		}
		b.Until = time.Now().Add(long)
	case in.Until != "" && in.For == "":
		if b.Until, err = time.Parse(time.RFC3339, in.Until); err != nil {
			return nil, fmt.Errorf("until: %.80q, want a time such as 2030-01-31T18:00:00Z", in.Until)
		}
	default:
		return nil, errors.New("want either for or until")
	}
	ended, err := a.s.Ban(ctx, b)
	if err != nil {
		return nil, err
	}
	r := reportBan(b)
	r.Ended = &ended
	return r, nil
}

type unbanRequest struct {
	Network string `json:"network"` // as the list of bans has it
}

func (a *Admin) unban(_ context.Context, in *unbanRequest) (any, error) {
	network, err := parseNetwork(in.Network)
	if err != nil {
		return nil, err
	}
	if !a.s.Bans.Remove(network, time.Now()) {
		return nil, problem{http.StatusNotFound, fmt.Errorf("network: %s, is not banned", network)}
	}
	return unbanReport{network.String()}, nil
}

type unbanReport struct {
	Network string `json:"network"` // that is not banned any more
}

func parseNetwork(s string) (netip.Prefix, error) {
	n, err := auth.ParseNetwork(s)
	if err != nil {
		return n, fmt.Errorf("network: %.80q, want an address or a network such as 192.0.2.0/24", s)
	}
	return n, nil
}

// A noRequest is that of a change about which there is nothing to say.
type noRequest struct{}

func (a *Admin) reload(ctx context.Context, _ *noRequest) (any, error) {
	report, err := a.s.Apply(ctx)
	if err != nil {
		return nil, problem{http.StatusConflict, err}
	}
	return report, nil
}

type drainReport struct {
	Seconds float64 `json:"seconds"` // until the pump ends at the latest; 0: it ends at once
}

func (a *Admin) drain(context.Context, *noRequest) (any, error) {
	return drainReport{seconds(a.s.Drain())}, nil
}

type logLevel struct {
	Level string `json:"level"` // debug, info, warn or error
}

func (a *Admin) apiLog(w http.ResponseWriter, _ *http.Request) {
	writeJSON(w, http.StatusOK, a.level())
}

func (a *Admin) level() logLevel {
	if a.s.Level == nil {
		return logLevel{}
	}
	return logLevel{strings.ToLower(a.s.Level.Level().String())}
}

func (a *Admin) setLevel(_ context.Context, in *logLevel) (any, error) {
	levels := map[string]slog.Level{
		"debug": slog.LevelDebug, "info": slog.LevelInfo, "warn": slog.LevelWarn, "error": slog.LevelError,
	}
	level, known := levels[in.Level]
	switch {
	case !known:
		return nil, fmt.Errorf("level: %.80q, want debug, info, warn or error", in.Level)
	case a.s.Level == nil:
		return nil, problem{http.StatusConflict, errors.New("the log's level cannot be changed")}
	}
	a.s.Level.Set(level)
	return a.level(), nil
}
