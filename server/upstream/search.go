package upstream

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"pumpd/server/auth"
)

// Search asks all servers that one upstream of the configuration stands for, in order, until one is what was looked
// for: the servers of a service, and the entries of playlists, which may be playlists again. use gets each that has
// described itself, and closes the answer; done ends the search. seen, if not nil, gets every visit that is over. The
// error is that of the last one that was tried.
func (c *Client) Search(ctx context.Context, at *Address,
	use func(v *Visit, a *Answer, about *Description) (done bool, err error), seen func(*Visit)) error {
	s := search{client: c, use: use, seen: seen}
	return s.run(ctx, at)
}

// A Search is one call of it.
type search struct {
	client *Client
	use    func(v *Visit, a *Answer, about *Description) (done bool, err error)
	seen   func(v *Visit)
	asked  int
	done   bool
}

// maxVisits bounds one search: playlists of playlists grow fast.
const maxVisits = 32

var errLeadsBack = errors.New("playlist leads back to itself")

func (s *search) run(ctx context.Context, at *Address) error {
	list, err := at.locate(ctx, s.client.Dialer.LookupSRV)
	for _, to := range list {
		v := &Visit{client: s.client, at: to, login: auth.Login{User: to.user, Password: to.password}}
		if err = s.visit(ctx, v); s.done || ctx.Err() != nil {
			break
		}
	}
	return err
}

func (s *search) visit(ctx context.Context, v *Visit) error {
	if s.asked++; s.asked > maxVisits {
		return fmt.Errorf("playlists: more than %d servers to ask", maxVisits)
	}
	if s.seen != nil {
		defer func() { s.seen(v) }()
	}
	a, err := v.Ask(ctx, nil)
	if err != nil {
		return err
	}
	about, err := a.describe()
	switch {
	case err != nil:
		a.Close()
	case about.entries != nil:
		defer a.Close()
		return s.entries(ctx, v, a, about.entries)
	default:
		s.done, err = s.use(v, a, about)
	}
	return err
}

// entries tries those of a playlist as if they were urls of the configuration, but for where it may lead.
func (s *search) entries(ctx context.Context, v *Visit, a *Answer, list []string) (err error) {
	v.client.Log.Debug("pull follows a playlist", "from", v.at, "entries", len(list))
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
