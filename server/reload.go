package server

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"pumpd/server/admin"
	"pumpd/server/config"
)

// A reload has the pump go by another configuration while it runs, in three steps:
//
//	Load the file, check it ─▶ prepare: all that can fail ─▶ commit: all that viewers could notice
//	whoever called Reload ──────────────────────────────────  the server's own goroutine
//
// What is the same in both configurations is not touched. When anything fails nothing has happened. See settings.go for
// what becomes of each key.

// A Report says what a reload has done, or would do, in the order of the configuration.
type Report struct {
	Added   []string `json:"added,omitempty"` // paths of streams
	Removed []string `json:"removed,omitempty"`
	Changed []string `json:"changed,omitempty"`
	Sources []string `json:"sources,omitempty"` // of those that stay, whose source begins anew
	Keys    []string `json:"keys,omitempty"`    // outside of streams, such as "timeouts.stall", that count now
	Restart []string `json:"restart,omitempty"` // keys that are otherwise in the file, and count from the next start on
}

// Nothing says that the file says what the pump does already.
func (r *Report) Nothing() bool {
	return len(r.Added)+len(r.Removed)+len(r.Changed)+len(r.Keys)+len(r.Restart) == 0
}

var (
	errNoReload = errors.New("there is no file to load again")
	errOver     = errors.New("the server is stopping")
)

// Reload reads the configuration again, by Load, and has what is new in it count. It waits for the server to be ready.
// An error says why nothing has changed; the log has it as well. Any goroutine.
func (s *Server) Reload(ctx context.Context) (*Report, error) {
	select {
	case s.reloading <- struct{}{}:
		defer func() { <-s.reloading }()
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	s.manager.Reloading()
	report, err := s.reload(ctx)
	s.manager.Ready(s.summary())
	s.note(report, err)
	return report, err
}

func (s *Server) reload(ctx context.Context) (*Report, error) {
	if s.Load == nil {
		return nil, errNoReload
	}
	select {
	case <-s.ready:
	case <-ctx.Done():
		return nil, ctx.Err()
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

// A Preview is what a reload would do.
type Preview struct {
	File  string `json:"file"`            // of the configuration, with its whole path
	Error string `json:"error,omitempty"` // why nothing would change, lines
	Report
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

func (c *change) report() *Report {
	r := &Report{Added: paths(c.diff.Added), Removed: paths(c.diff.Removed), Restart: c.restart}
	changed := map[string][]string{}
	for _, st := range c.diff.Changed {
		r.Changed = append(r.Changed, st.To.Path)
		changed[st.To.Path] = st.Keys
	}
	for i := range c.from.Streams {
		if was := &c.from.Streams[i]; was.Enabled && !slices.Contains(r.Removed, was.Path) &&
			restartsSource(was, changed[was.Path], c.diff.Keys) {
			r.Sources = append(r.Sources, was.Path)
		}
	}
	r.Keys = slices.DeleteFunc(slices.Clone(c.diff.Keys), func(key string) bool { return slices.Contains(c.restart, key) })
	return r
}

func paths(streams []*config.Stream) (list []string) {
	for _, st := range streams {
		list = append(list, st.Path)
	}
	return list
}

// note tells the log and the admin what became of a reload.
func (s *Server) note(r *Report, err error) {
	switch {
	case errors.Is(err, errOver):
		s.log.Info("reload refused", "err", err)
		return
	case err != nil:
		for line := range strings.Lines(err.Error()) {
			s.log.Error("reload refused, the configuration is as before", "err", strings.TrimSuffix(line, "\n"))
		}
		s.noteReload(admin.Reload{At: time.Now(), Error: err.Error()})
		return
	}
	if r.Nothing() {
		s.log.Info("reload: nothing has changed")
	} else {
		s.log.Info("reloaded", slices.Concat(listed("added", r.Added), listed("removed", r.Removed),
			listed("changed", r.Changed), listed("sources", r.Sources), listed("keys", r.Keys))...)
	}
	s.warn()
	if len(r.Restart) > 0 {
		s.log.Warn("reload: some keys count from the next start on", listed("keys", r.Restart)...)
	}
	s.noteReload(admin.Reload{At: time.Now(), OK: true, Restart: r.Restart})
}

// noteReload keeps it for the admin: since when the configuration is what it is outlives a reload that was refused.
func (s *Server) noteReload(n admin.Reload) {
	if n.Loaded = n.At; !n.OK {
		last := s.lastReload.Load()
		n.Loaded, n.Restart = last.Loaded, last.Restart
	}
	s.lastReload.Store(&n)
}

// listed is for the log: nothing of an empty list, and no more of a long one than one can read.
func listed(key string, list []string) []any {
	const most = 20
	switch n := len(list); {
	case n == 0:
		return nil
	case n > most:
		return []any{key, fmt.Sprintf("%s and %d more", strings.Join(list[:most], " "), n-most)}
	}
	return []any{key, strings.Join(list, " ")}
}
