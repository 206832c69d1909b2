package handover

import (
	"errors"
	"fmt"

	"pumpd/server/clock"
)

// A Hello is what each of the two says first. Programs of all versions understand it: fields may be added, and never be
// changed.
type Hello struct {
	Version int    // of what there is to hand over; only who has the same understands it
	Program string // and its version, for people
	PID     int

	Now  clock.Instant // of the one who says it; 0 in the new program, which goes on with the old one's
	Mono int64         // clock.Monotonic at Now
}

// A Refusal is said in place of anything else, and is the last thing that is.
type Refusal struct { //nolint:errname // it is a message, and an error to whom it is said
	Why string // for people
}

// Error is what the other side said.
func (r *Refusal) Error() string { return r.Why }

// A VersionError is that two programs cannot hand anything over.
type VersionError struct{ Ours, Theirs Hello }

func (e *VersionError) Error() string {
	return fmt.Sprintf("%s hands over by version %d, %s by version %d: viewers cannot move",
		e.Ours.Program, e.Ours.Version, e.Theirs.Program, e.Theirs.Version)
}

// Greet says hello and waits for the other's. A *Refusal is its answer; a *VersionError that the two do not understand
// each other, which the other one finds as well.
func (c *Conn) Greet(ours Hello) (theirs Hello, err error) {
	ours.Version = faulty(ours.Version)
	unheard := c.Send(KindHello, &ours) // it may have refused, and ended, before it heard us
	m, err := c.Expect(KindHello)
	if err != nil {
		return theirs, err
	}
	defer m.Close()
	if err := errors.Join(unheard, m.Decode(&theirs)); err != nil {
		return theirs, err
	}
	if theirs.Version != ours.Version {
		return theirs, &VersionError{ours, theirs}
	}
	return theirs, nil
}

// Refuse says why the handover ends here. Nobody may be there to hear it.
func (c *Conn) Refuse(why error) error {
	return c.Send(KindRefusal, &Refusal{Why: why.Error()})
}

// Expect waits for a message of one kind. A Refusal in its place is the error.
func (c *Conn) Expect(kind Kind) (*Message, error) {
	m, err := c.Receive()
	if err != nil {
		return nil, err
	}
	if m.Kind == kind {
		return m, nil
	}
	defer m.Close()
	return nil, m.Unexpected(kind)
}

func (m *Message) Unexpected(want Kind) error {
	if m.Kind != KindRefusal {
		return fmt.Errorf("message of kind %d, want %d", m.Kind, want)
	}
	var no Refusal
	if err := m.Decode(&no); err != nil {
		return err
	}
	if no.Why == "" {
		return errors.New("refused without a reason")
	}
	return &no
}
