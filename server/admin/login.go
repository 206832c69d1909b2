package admin

import (
	"context"
	"errors"
	"net/http"
	"net/netip"
	"strings"
	"sync"
	"time"

	"pumpd/server/auth"
	"pumpd/server/config"
)

// A desk finds out who wants to change something. Any goroutine may use it.
type desk struct {
	// Set before it is used, never changed.
	s      *Subject
	record *auth.Record

	mu    sync.Mutex
	users auth.Users     // of admin_users
	of    *config.Server // that they were made of
}

// longestTurn is how long somebody is kept waiting whose network has guessed; the others of the admin's few connections
// are for those who only look.
const longestTurn = 5 * time.Second

var (
	errNoUsers   = errors.New("nobody may change anything: admin_users in [server] of the configuration says who may")
	errStranger  = errors.New("name and password of one of admin_users are wanted")
	errGuesses   = errors.New("too many wrong passwords from this network, try again later")
	errTooMany   = errors.New("too many passwords wait to be checked, try again later")
	errImpatient = errors.New("gone")
)

func newDesk(s *Subject) *desk {
	d := &desk{s: s, record: auth.NewRecord(s.Clock)}
	for _, p := range s.Past {
		if err := d.remember(p.Guessers); err != nil {
			s.Log.Warn("admin: wrong passwords of another process are not counted", "err", err)
		}
	}
	return d
}

// remember counts wrong passwords that another process has seen.
func (d *desk) remember(list []auth.Guesser) error {
	for _, g := range list {
		g.Stream = 0 // as all here
		if err := d.record.Remember(g, d.s.Clock.Now()); err != nil {
			return err
		}
	}
	return nil
}

// usersNow are those of the configuration that counts.
func (d *desk) usersNow() auth.Users {
	cfg := d.s.Config()
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.of != cfg {
		users, err := auth.ParseUsers(cfg.AdminUsers)
		if err != nil {
			panic(err) // they are checked
		}
		d.users, d.of = users, cfg
	}
	return d.users
}

// admit gives the name of who has sent a request. If it is nobody who may change something, it has been answered.
func (d *desk) admit(w http.ResponseWriter, r *http.Request) (name string, ok bool) {
	users := d.usersNow()
	from := addressOf(r)
	name, verdict, err := d.ask(users, r, from)
	switch {
	case err == nil:
		return name, true
	case errors.Is(err, errNoUsers):
		fail(w, http.StatusForbidden, err)
	case errors.Is(err, errStranger):
		for _, v := range users.Challenge(nil, from, verdict == auth.Stale, time.Now()) {
			w.Header().Add("WWW-Authenticate", v)
		}
		fail(w, http.StatusUnauthorized, err)
	default:
		w.Header().Set("Retry-After", "10")
		fail(w, http.StatusTooManyRequests, err)
	}
	return "", false
}

// ask says what a request's credentials are worth.
func (d *desk) ask(users auth.Users, r *http.Request, from netip.Addr) (string, auth.Verdict, error) {
	shown := r.Header.Get("Authorization")
	switch {
	case len(users) == 0:
		return "", auth.Wrong, errNoUsers
	case shown == "":
		return "", auth.Unknown, errStranger
	}
	if err := d.wait(r.Context(), from); err != nil {
		return "", auth.Unknown, err
	}
	path, _, _ := strings.Cut(r.RequestURI, "?")
	proof := auth.Proof{Method: []byte(r.Method), Path: []byte(path), Authorization: []byte(shown), From: from}
	found := make(chan auth.Verdict, 1)
	name, v, ok := d.record.Judge(0, users, proof, d.s.Clock.Now(), func(v auth.Verdict) { found <- v })
	if !ok {
		return "", v, errTooMany
	}
	if v == auth.Unknown {
		select {
		case v = <-found:
		case <-r.Context().Done():
			return "", v, errImpatient
		}
	}
	if v != auth.Right {
		return "", v, errStranger
	}
	d.record.Right(0, from)
	return name, v, nil
}

// wait is for one's turn after wrong passwords from the same network.
func (d *desk) wait(ctx context.Context, from netip.Addr) error {
	now := d.s.Clock.Now()
	at, ok := d.record.Turn(0, from, now)
	long := at.Since(now)
	switch {
	case !ok || long > longestTurn:
		return errGuesses
	case long <= 0:
		return nil
	}
	turn := time.NewTimer(long)
	defer turn.Stop()
	select {
	case <-turn.C:
		return nil
	case <-ctx.Done():
		return errImpatient
	}
}

// addressOf is where a request comes from.
func addressOf(r *http.Request) netip.Addr {
	at, _ := netip.ParseAddrPort(r.RemoteAddr)
	return at.Addr().Unmap()
}
