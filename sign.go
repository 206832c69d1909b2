package main

import (
	"bytes"
	"fmt"
	"io"
	"time"

	"pumpd/server/access"
	"pumpd/server/config"
)

const signUsage = `usage: pumpd sign [-c FILE] [-for 2h] [-ip ADDRESS] [-id VIEWER] URL

Signs the URL of a stream with the first of its view_keys and prints it. docs/access.md says how others sign.

`

// sign is the command of that name. It returns the exit code.
func sign(args []string, stdout, stderr io.Writer) int {
	var out bytes.Buffer
	flags := newFlags("pumpd sign", signUsage, &out)
	file := flags.String("c", "pump.toml", "configuration `FILE`")
	life := flags.Duration("for", 2*time.Hour, "how long the URL may be used to begin to watch, as 90s, 2h, 720h")
	ip := flags.String("ip", "", "the only `ADDRESS` or network that may use it")
	viewer := flags.String("id", "", "name of the `VIEWER`, for the access log")
	err := flags.Parse(args)
	switch {
	case err == nil && flags.NArg() != 1:
		err = fmt.Errorf("want one URL, got %d", flags.NArg())
	case err == nil && *life <= 0:
		err = fmt.Errorf("-for %s: want more than 0s", *life)
	}
	if err != nil && out.Len() == 0 {
		fmt.Fprintln(&out, err)
		flags.Usage()
	}
	if code, done := badUsage(err, &out, stdout, stderr); done {
		return code
	}
	cfg, err := config.LoadToSign(*file)
	if err != nil {
		fmt.Fprintln(stderr, err)
		return exitFault
	}
	g := access.Grant{Expires: time.Now().Add(*life).Unix(), From: *ip, Viewer: *viewer}
	signed, err := access.SignURL(cfg, flags.Arg(0), g)
	if err != nil {
		fmt.Fprintln(stderr, "pumpd sign:", err)
		return exitFault
	}
	fmt.Fprintln(stdout, signed)
	return exitOK
}
