package server

import (
	"context"
	"errors"
	"slices"

	"pumpd/server/config"
)

// A reload has the pump go by another configuration while it runs, in three steps:
//
//	Load the file, check it ─▶ prepare: all that can fail ─▶ commit: all that viewers could notice
//	whoever called Reload ──────────────────────────────────  the server's own goroutine
//
// What is the same in both configurations is not touched. When anything fails nothing has happened. See settings.go for
// what becomes of each key.

var (
	errNoReload = errors.New("there is no file to load again")
	errOver     = errors.New("the server is stopping")
)

// Reload reads the configuration again, by Load, and has what is new in it count. It waits for the server to be ready.
// An error says why nothing has changed; the log has it as well. Any goroutine.
func (s *Server) Reload(ctx context.Context) (*Report, error) {
	if !s.upgrading.TryLock() { // it would wait for us to end
		s.note(nil, errUpgrading)
		return nil, errUpgrading
	}
	s.upgrading.Unlock()
	select {
	case s.reloading <- struct{}{}:
		defer func() { <-s.reloading }()
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	select {
	case <-s.ready: // before that the manager is told that we are, and not that we reload
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	s.manager.Reloading()
	report, err := s.reload(ctx)
	s.note(report, err)
	s.manager.Ready(s.summary())
	if err == nil && s.renews(report) {
		s.Renew()
	}
	return report, err
}

// renews says whether there is something that an upgrade would have count.
func (s *Server) renews(r *Report) bool {
	ofEngine := func(key string) bool { return slices.Contains(engineKeys, key) }
	return s.Renew != nil && slices.ContainsFunc(r.Restart, ofEngine)
}

func (s *Server) reload(ctx context.Context) (*Report, error) {
	if s.Load == nil {
		return nil, errNoReload
	}
	to, err := s.Load()
	if err != nil {
		return nil, err
	}
	c, err := s.prepare(to)
	if err != nil {
		return nil, err
	}
	done := make(chan struct{})
	select {
	case s.orders <- func() { c.commit(); close(done) }:
		<-done
		return c.report(), nil
	case <-s.over:
		c.undo()
		return nil, errOver
	case <-ctx.Done():
		c.undo()
		return nil, ctx.Err()
	}
}

// A change is a reload that is prepared. What a setting needs to be undone or to be committed it appends.
type change struct {
	from, to *config.Config
	diff     *config.Changes
	budget   *budget  // of to
	restart  []string // keys of diff that wait for the next start; to has them as from has
	commits  []func()
	undoes   []func() // of what was prepared and is not to be
}

// Preview reads the configuration as Reload would, and changes nothing. Any goroutine.
func (s *Server) Preview() Preview {
	p := Preview{File: s.File}
	if s.Load == nil {
		p.Error = errNoReload.Error()
		return p
	}
	s.reloading <- struct{}{} // one at a time: each reads files
	defer func() { <-s.reloading }()
	to, err := s.Load()
	if err != nil {
		p.Error = err.Error()
		return p
	}
	p.Report = *newChange(s.config(), to).report()
	return p
}

func newChange(from, to *config.Config) *change {
	c := &change{from: from, diff: config.Compare(from, to)}
	c.restart = slices.DeleteFunc(slices.Clone(c.diff.Keys), func(key string) bool { return !needsRestart(key) })
	c.to = to.With(from, c.restart)
	return c
}

// prepare does all of a reload that can fail and nothing that is noticed. For whoever is reloading.
func (s *Server) prepare(to *config.Config) (*change, error) {
	c := newChange(s.config(), to)
	c.then(func() { s.cfg.Store(c.to) })
	for i := range settings {
		if err := settings[i].prepare(s, c); err != nil {
			c.undo()
			return nil, err
		}
	}
	return c, nil
}

// then has something done when the change is committed, after what was said before.
func (c *change) then(do func()) { c.commits = append(c.commits, do) }

// instead has something done if it is not.
func (c *change) instead(do func()) { c.undoes = append(c.undoes, do) }

// commit is for the server's own goroutine. It cannot fail and waits for nobody.
func (c *change) commit() {
	for _, do := range c.commits {
		do()
	}
}

func (c *change) undo() {
	for _, do := range slices.Backward(c.undoes) {
		do()
	}
}

// touches says whether one of those keys, outside of streams, has changed.
func (c *change) touches(keys []string) bool {
	return slices.ContainsFunc(c.diff.Keys, func(key string) bool { return slices.Contains(keys, key) })
}
