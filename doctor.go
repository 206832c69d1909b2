package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os/signal"
	"syscall"
	"time"

	"pumpd/server/access"
	"pumpd/server/config"
	"pumpd/server/doctor"
)

const exitWarned = 3 // of doctor: warnings, and no fault

const doctorUsage = `usage: pumpd doctor [-json] [-for TIME] URL ...
       pumpd doctor -c FILE [-json] [-for TIME] [URL ...]

Plays each URL as each kind of player does, and says what is wrong. With -c it looks first at the machine and the
configuration of a pump that runs there, and plays its streams if no URL is given. Exit codes: 0 all is well, 1 somebody
gets no picture, 2 usage, 3 warnings only.

`

// runDoctor is "pumpd doctor". It returns the exit code.
func runDoctor(args []string, stdout, stderr io.Writer) int {
	var out bytes.Buffer
	flags := newFlags("pumpd doctor", doctorUsage, &out)
	file := flags.String("c", "", "configuration `FILE` of the pump on this machine")
	asJSON := flags.Bool("json", false, "print JSON, a line for each URL")
	watch := flags.Duration("for", 12*time.Second, "how long each stream is watched")
	err := flags.Parse(args)
	switch {
	case err != nil:
	case flags.NArg() == 0 && *file == "":
		err = errors.New("want a URL, or -c FILE")
	case *watch < time.Second || *watch > time.Hour:
		err = fmt.Errorf("-for %v, want 1s to 1h", *watch)
	}
	if err != nil && out.Len() == 0 {
		fmt.Fprintf(&out, "pumpd doctor: %v\n", err)
	}
	if code, done := badUsage(err, &out, stdout, stderr); done {
		return code
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	p := printer{to: stdout, json: *asJSON}
	urls, own := flags.Args(), (*config.Config)(nil)
	if *file != "" {
		cfg, err := config.LoadAsGuest(*file)
		if err != nil {
			fmt.Fprintln(stderr, err)
			return exitFault
		}
		p.print(doctor.House(ctx, *file, cfg))
		if len(urls) == 0 {
			urls, own = doctor.Streams(cfg), cfg
		}
	}
	for _, u := range urls {
		o := doctor.Options{URL: asViewers(own, u, *watch), Watch: *watch, Patience: 10 * time.Second, Here: own != nil}
		r, err := doctor.Examine(ctx, o)
		if err != nil {
			fmt.Fprintf(stderr, "pumpd doctor: %v\n", err)
			return exitUsage
		}
		p.print(r)
	}
	return p.code()
}

// asViewers is the URL of a configuration's stream as its viewers have it: signed for long enough to be examined, where
// that has to be. nil: it is nobody's here to sign.
func asViewers(cfg *config.Config, raw string, watch time.Duration) string {
	if cfg == nil {
		return raw
	}
	signed, err := access.SignURL(cfg, raw, access.Grant{Expires: time.Now().Add(watch + time.Hour).Unix()})
	if err != nil { // it has no view_keys
		return raw
	}
	return signed
}

// A printer prints reports, and remembers the worst.
type printer struct {
	to              io.Writer
	json            bool
	faulted, warned bool
}

func (p *printer) print(r *doctor.Report) {
	p.faulted = p.faulted || r.Worst() == doctor.Fault
	p.warned = p.warned || r.Worst() == doctor.Warning
	if !p.json {
		io.WriteString(p.to, r.Text())
		return
	}
	_ = json.NewEncoder(p.to).Encode(r)
}

func (p *printer) code() int {
	switch {
	case p.faulted:
		return exitFault
	case p.warned:
		return exitWarned
	}
	return exitOK
}
