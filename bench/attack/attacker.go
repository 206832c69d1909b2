package attack

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"sync"
	"time"

	"pumpd/bench/machine"
	"pumpd/bench/sock"
)

// AttackerCommand is the command of this program that Run runs: AttackerCommand KIND VICTIM attacks until the end of
// its standard input. It prints a line when it has its first connection, or has had none to the end, and then its
// deeds. Attackers have a process of their own, so that honest viewers need not wait for them inside ours, and a low
// priority, because a real one has a processor of its own.
const AttackerCommand = "attacker"

const niceness = "10"

// Attack is AttackerCommand.
func Attack(ctx context.Context, name, victim string, stop io.Reader, out io.Writer) error {
	kind, ok := find(name)
	if !ok {
		return fmt.Errorf("attack %q: none", name)
	}
	var v Victim
	if err := json.Unmarshal([]byte(victim), &v); err != nil {
		return fmt.Errorf("victim %q: %w", victim, err)
	}
	if err := sock.RaiseFileLimit(maxOpen); err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	go func() {
		io.Copy(io.Discard, stop)
		cancel()
	}()
	to := json.NewEncoder(out)
	begun := sync.OnceValue(func() error { return to.Encode("begun") })
	deeds, err := commit(ctx, kind, v, func() { begun() })
	if err != nil {
		return err
	}
	if err := begun(); err != nil {
		return err
	}
	return to.Encode(deeds)
}

// commit attacks until ctx is done. begun is called with each connection.
func commit(ctx context.Context, kind Kind, v Victim, begun func()) (Deeds, error) {
	log := Log{begun: begun}
	began := time.Now()
	err := kind.Run(ctx, v, &log)
	deeds := log.Deeds()
	deeds.CPU, deeds.Seconds = machine.OwnCPU().Seconds(), time.Since(began).Seconds()
	return deeds, err
}

// An attacker is the process that attacks.
type attacker struct {
	cmd   *exec.Cmd
	alive io.Closer     // its standard input: it ends when this is closed, also when we die
	begun chan struct{} // closed when it attacks, or has ended
	deeds chan result
}

type result struct {
	deeds Deeds
	err   error
}

func startAttacker(kind Kind, v Victim) (*attacker, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	victim, err := json.Marshal(v)
	if err != nil {
		return nil, err
	}
	a := &attacker{begun: make(chan struct{}), deeds: make(chan result, 1)}
	a.cmd = exec.Command("nice", "-n", niceness, self, AttackerCommand, kind.Name, string(victim))
	a.cmd.Stderr = os.Stderr
	if a.alive, err = a.cmd.StdinPipe(); err != nil {
		return nil, err
	}
	out, err := a.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := a.cmd.Start(); err != nil {
		return nil, err
	}
	go func() {
		var r result
		var begun string
		from := json.NewDecoder(out)
		r.err = from.Decode(&begun)
		close(a.begun)
		if r.err == nil {
			r.err = from.Decode(&r.deeds)
		}
		r.err = errors.Join(r.err, a.cmd.Wait())
		a.deeds <- r
	}()
	return a, nil
}

// attackerPatience is how long an attacker may take to begin, and to end.
const attackerPatience = 10 * time.Second

// await waits until it attacks: where the machine has much to do its process begins late.
func (a *attacker) await(ctx context.Context) {
	late := time.NewTimer(attackerPatience)
	defer late.Stop()
	select {
	case <-a.begun:
	case <-late.C: // and whoever measures sees what it does
	case <-ctx.Done():
	}
}

// stop ends the attack and tells what it was.
func (a *attacker) stop() (Deeds, error) {
	a.alive.Close()
	defer time.AfterFunc(attackerPatience, func() { a.cmd.Process.Kill() }).Stop()
	r := <-a.deeds
	if r.err != nil {
		return Deeds{}, fmt.Errorf("attacker: %w", r.err)
	}
	return r.deeds, nil
}
