package attack

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"time"

	"pumpd/bench/load"
	"pumpd/bench/peers"
	"pumpd/bench/viewers"
)

// An experiment is one attack beside honest viewers. It belongs to one goroutine.
type experiment struct {
	opt    Options
	kind   Kind
	url    string // of the stream
	door   string // where newcomers come: over TLS where that is what is attacked
	secure string
	pulled string // from where other streams are pulled
	pid    int
	honest *crowd
}

// Run starts a pump and its source unless opt names one that runs, lets honest viewers come, and measures before,
// during and after an attack. The error is that it could not be measured; what the attack did is in the report.
func Run(ctx context.Context, opt Options, kind Kind) (*Report, error) {
	e := &experiment{opt: opt, kind: kind, url: opt.URL, secure: opt.SecureURL, pid: opt.PID}
	if opt.URL == "" {
		return e.runStaged(ctx)
	}
	if kind.Own {
		return nil, errors.New("this attack needs a pump of its own: leave -url out")
	}
	return e.run(ctx, func() error { return nil })
}

// runStaged measures against a pump that is started for it.
func (e *experiment) runStaged(ctx context.Context) (*Report, error) {
	s, err := newStage(ctx, e.opt, e.kind)
	if err != nil {
		return nil, err
	}
	e.url, e.pid = s.server.URL(), s.server.PID()
	if e.kind.Setup.TLS {
		e.secure = s.server.SecureURL()
	}
	if e.kind.Setup.Pulls > 0 {
		e.pulled = s.server.Upstream()
	}
	report, err := e.run(ctx, s.trouble)
	if why := s.trouble(); why != nil {
		err = errors.Join(why, err)
	}
	words := s.server.LastWords()
	willing := s.end()
	if err != nil {
		return nil, fmt.Errorf("%w; the pump said: %s", err, words)
	}
	report.Stubborn = !willing
	return report, nil
}

// run measures against a pump. trouble tells why there will be no stream.
func (e *experiment) run(ctx context.Context, trouble func() error) (*Report, error) {
	e.door = e.url
	if e.kind.Setup.TLS && e.secure != "" {
		e.door = e.secure
	}
	victim, err := newVictim(e.url, e.secure, e.opt.Scale)
	if err != nil {
		return nil, err
	}
	victim.Upstream = e.pulled
	one := load.Options{URLs: []string{e.door}, Quiet: true, Sample: "0",
		Options: viewers.Options{Silence: silence, Patience: patience, Sources: 1}}
	if err := load.Await(ctx, one, peers.StartTimeout, trouble); err != nil {
		return nil, err
	}
	if e.honest, err = newCrowd(e.url); err != nil {
		return nil, err
	}
	r := &Report{Kind: e.kind, Options: e.opt}
	var found viewers.Results
	err = e.phases(ctx, victim, r, &found)
	e.honest.halt()
	if err != nil {
		return nil, err
	}
	all := e.honest.found()
	all.Merge(&found)
	if !all.Stamped {
		return nil, errNoProbes
	}
	r.Checked, r.Packets, r.Failures = all.Sampled, all.Packets, all.Failures
	r.Faults, r.FirstFault = all.Faults.ByName(), all.Faults.First
	return r, nil
}

// phases are the crowd's joining, the three windows, and the wait for the pump to come back to what it was.
func (e *experiment) phases(ctx context.Context, victim Victim, r *Report, found *viewers.Results) (err error) {
	if err := e.honest.join(ctx, e.opt.Viewers); err != nil {
		return err
	}
	wait(ctx, e.opt.Settle)
	if r.Before, err = e.measure(ctx, found); err != nil {
		return fmt.Errorf("before the attack: %w", err)
	}
	wait(ctx, e.opt.Settle) // the pump learns that the newcomers are gone
	if r.Base, err = useOf(e.pid); err != nil {
		return err
	}
	a, err := startAttacker(e.kind, victim)
	if err != nil {
		return err
	}
	a.await(ctx)
	r.During, err = e.measure(ctx, found)
	deeds, failed := a.stop()
	if err = errors.Join(err, failed); err != nil {
		return fmt.Errorf("during the attack: %w", err)
	}
	r.Deeds = deeds
	if share := deeds.CPU / deeds.Seconds / float64(runtime.NumCPU()); share > 0 {
		r.During.Others = max(0, r.During.Others-share)
	}
	over := time.Now()
	if r.After, err = e.measure(ctx, found); err != nil {
		return fmt.Errorf("after the attack: %w", err)
	}
	return e.recover(ctx, over, r)
}

// recover waits until memory and descriptors are what they were, as long as they may take. over is when the attack was.
func (e *experiment) recover(ctx context.Context, over time.Time, r *Report) error {
	const look = 500 * time.Millisecond
	for late := time.Now().Add(e.opt.Recover); ctx.Err() == nil; wait(ctx, look) {
		use, err := useOf(e.pid)
		if err != nil {
			return err
		}
		r.Left, r.Took = use, time.Since(over).Seconds()
		if use.within(r.Base, e.opt.Targets.Growth) || time.Now().After(late) {
			return nil
		}
	}
	return ctx.Err()
}
