package server

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"pumpd/server/auth"
)

// search asks all servers that one upstream of the configuration stands for, in order, until one is what was looked
// for: the servers of a service, and the entries of playlists, which may be playlists again. use gets each that has
// described itself, and closes the answer; done ends the search. seen, if not nil, gets every visit that is over. The
// error is that of the last one that was tried.
func (c *client) search(ctx context.Context, at *upstream,
	use func(v *visit, a *answer, about *description) (done bool, err error), seen func(*visit)) error {
	s := search{client: c, use: use, seen: seen}
	return s.run(ctx, at)
}

// A search is one call of it.
type search struct {
	client *client
	use    func(v *visit, a *answer, about *description) (done bool, err error)
	seen   func(v *visit)
	asked  int
	done   bool
}

// maxVisits bounds one search: playlists of playlists grow fast.
const maxVisits = 32

var errLeadsBack = errors.New("playlist leads back to itself")

func (s *search) run(ctx context.Context, at *upstream) error {
	list, err := at.locate(ctx, s.client.dialer.services)
	for _, to := range list {
		v := &visit{client: s.client, at: to, login: auth.Login{User: to.user, Password: to.password}}
		if err = s.visit(ctx, v); s.done || ctx.Err() != nil {
			break
		}
	}
	return err
}

func (s *search) visit(ctx context.Context, v *visit) error {
	if s.asked++; s.asked > maxVisits {
		return fmt.Errorf("playlists: more than %d servers to ask", maxVisits)
	}
	if s.seen != nil {
		defer func() { s.seen(v) }()
	}
	a, err := v.ask(ctx, nil)
	if err != nil {
		return err
	}
	about, err := a.describe()
	switch {
	case err != nil:
		a.close()
	case about.entries != nil:
		defer a.close()
		return s.entries(ctx, v, a, about.entries)
	default:
		s.done, err = s.use(v, a, about)
	}
	return err
}

// entries tries those of a playlist as if they were urls of the configuration, but for where it may lead.
func (s *search) entries(ctx context.Context, v *visit, a *answer, list []string) (err error) {
	v.client.log.Debug("pull follows a playlist", "from", v.at, "entries", len(list))
	trail := append(slices.Clip(v.trail), v.at.absolute())
	for i, href := range list {
		next := *v
		next.trail = trail
		if err = next.follow(ctx, a, href); err == nil && slices.Contains(trail, next.at.absolute()) {
			err = errLeadsBack
		}
		if err == nil {
			err = s.visit(ctx, &next)
		}
		if s.done || ctx.Err() != nil {
			return err
		}
		err = fmt.Errorf("playlist entry %d of %d: %w", i+1, len(list), err)
	}
	return err
}
