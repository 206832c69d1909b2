package attack

import (
	"crypto/rand"
	"encoding/base64"

	"pumpd/bench/peers"
)

// guess: who tries passwords.
var guess = Kind{
	Name:  "guess",
	About: "32 connections from 16 addresses that guess an encoder's password (Basic), as fast as they are answered",
	Setup: peers.Setup{Guarded: true},
	Run:   ask(32, Victim.guessRequest),
}

// guessRequest sets up a push with a password that nobody has.
func (v Victim) guessRequest() []byte {
	credentials := base64.StdEncoding.EncodeToString([]byte("bench:" + rand.Text()))
	head := v.pushHead(v.Path, "setup", len(setupBody), "push-id=0", "Authorization: Basic "+credentials)
	return append(head, setupBody...)
}
