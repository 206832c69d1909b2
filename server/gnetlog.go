package server

import (
	"fmt"
	"log/slog"
	"sync/atomic"
)

// A gnetLog brings gnet's own log into ours. It is talkative about connections that come and go.
type gnetLog struct {
	log       *slog.Logger
	complaint atomic.Pointer[string] // its first error: an engine that stops says here why, and nowhere else
}

func (g *gnetLog) Debugf(string, ...any) {}
func (g *gnetLog) Infof(string, ...any)  {}

func (g *gnetLog) Warnf(format string, args ...any) {
	g.log.Debug("gnet", "says", fmt.Sprintf(format, args...))
}

func (g *gnetLog) Errorf(format string, args ...any) {
	text := fmt.Sprintf(format, args...)
	g.complaint.CompareAndSwap(nil, &text)
	g.log.Error("gnet", "says", text)
}

func (g *gnetLog) Fatalf(format string, args ...any) { g.Errorf(format, args...) }
