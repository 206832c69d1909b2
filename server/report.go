package server

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"pumpd/server/admin"
	"pumpd/server/config"
	"pumpd/server/view"
)

// What the admin and the command line are shown of a reload.
type (
	Report  = view.Report
	Preview = view.Preview
)

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
	case errors.Is(err, errUpgrading): // nothing is wrong with the file
		s.log.Warn("reload refused, it is to be asked for again after the upgrade")
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
	switch {
	case s.renews(r):
		s.log.Info("reload: for some keys another process takes over", listed("keys", r.Restart)...)
	case len(r.Restart) > 0:
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
