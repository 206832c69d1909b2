package handover

import (
	"bytes"
	"encoding/binary"
	"encoding/gob"
	"errors"
	"fmt"
	"io"
	"net"
	"time"

	"golang.org/x/sys/unix"
)

// What a message may have at the most. The kernel takes 253 descriptors at once.
const (
	MostBytes       = 8 << 20
	MostDescriptors = 200
)

// A Kind says what a message is about.
type Kind uint8

// The kinds that this package knows; those from Others on are for who uses it.
const (
	KindHello   Kind = iota + 1 // Hello
	KindRefusal                 // Refusal
	Others
)

// A Conn is one end of the way between two programs. One goroutine may send while another one receives.
type Conn struct {
	conn *net.UnixConn
	oob  []byte // for Receive
}

// newConn makes one of a stream socket.
func newConn(conn *net.UnixConn) *Conn {
	return &Conn{conn: conn, oob: make([]byte, unix.CmsgSpace(4*MostDescriptors))}
}

// SetDeadline is until when Send and Receive may take; the zero time is for ever. Any goroutine: a deadline that is
// over ends those that wait.
func (c *Conn) SetDeadline(t time.Time) error { return c.conn.SetDeadline(t) }

// Close ends it; whoever waits in Send or Receive has an error. Any goroutine.
func (c *Conn) Close() error { return c.conn.Close() }

// On the wire, in network order:
//
//	 0          4      5      6
//	+----------+------+------+----------------
//	| length   | kind | fds  | length bytes
//	+----------+------+------+----------------
//
// The descriptors come with the first of these bytes, the body is a gob of an encoder of its own.
const headSize = 6

// Send sends a value as gob has it, and the descriptors, which stay open here.
func (c *Conn) Send(kind Kind, v any, fds ...int) error {
	if len(fds) > MostDescriptors {
		return fmt.Errorf("message of kind %d: %d descriptors, limit %d", kind, len(fds), MostDescriptors)
	}
	message := bytes.NewBuffer(make([]byte, headSize))
	if err := gob.NewEncoder(message).Encode(v); err != nil {
		return fmt.Errorf("message of kind %d: %w", kind, err)
	}
	b := message.Bytes()
	if n := len(b) - headSize; n > MostBytes {
		return fmt.Errorf("message of kind %d: %d bytes, limit %d", kind, n, MostBytes)
	}
	binary.BigEndian.PutUint32(b, uint32(len(b)-headSize))
	b[4], b[5] = byte(kind), byte(len(fds))
	if err := c.write(b, fds); err != nil {
		return fmt.Errorf("send a message of kind %d: %w", kind, err)
	}
	return nil
}

// write sends bytes, and descriptors with the first of them. The kernel has a limit for descriptors that are sent and
// not received; whoever comes to it waits for the other side to receive some.
func (c *Conn) write(b []byte, fds []int) error {
	if len(fds) > 0 {
		n, err := c.writeDescriptors(b, fds)
		if err != nil {
			return err
		}
		b = b[n:]
	}
	_, err := c.conn.Write(b)
	return err
}

func (c *Conn) writeDescriptors(b []byte, fds []int) (n int, err error) {
	rights := unix.UnixRights(fds...)
	raw, err := c.conn.SyscallConn()
	if err != nil {
		return 0, err
	}
	for {
		var sent error
		err = raw.Write(func(fd uintptr) bool {
			n, sent = unix.SendmsgN(int(fd), b, rights, nil, unix.MSG_NOSIGNAL)
			return !errors.Is(sent, unix.EAGAIN) && !errors.Is(sent, unix.EINTR)
		})
		if err != nil || !errors.Is(sent, unix.ETOOMANYREFS) {
			return n, errors.Join(err, sent)
		}
		time.Sleep(inFlightPause)
	}
}

// inFlightPause is how long the other side has to receive descriptors before more are sent: nothing tells us that it
// has.
const inFlightPause = time.Millisecond

// A Message is what was received.
type Message struct {
	Kind Kind
	FDs  []int // that came with it, in order; they are not for programs that this one starts
	body []byte
}

// Take gives the descriptors away: to whom they are now to close.
func (m *Message) Take() []int {
	fds := m.FDs
	m.FDs = nil
	return fds
}

// Close closes the descriptors that nobody has taken.
func (m *Message) Close() { CloseAll(m.Take()) }

// CloseAll closes descriptors that nobody wants any more.
func CloseAll(fds []int) {
	for _, fd := range fds {
		unix.Close(fd)
	}
}

// Decode reads the value that was sent into the one that v points to.
func (m *Message) Decode(v any) error {
	rest := bytes.NewReader(m.body)
	if err := gob.NewDecoder(rest).Decode(v); err != nil {
		return fmt.Errorf("message of kind %d: %w", m.Kind, err)
	}
	if rest.Len() > 0 {
		return fmt.Errorf("message of kind %d: %d bytes after its value", m.Kind, rest.Len())
	}
	return nil
}

// Receive waits for a message, which is to be closed. io.EOF is an end between two messages. After any other error the
// Conn is good for nothing more.
func (c *Conn) Receive() (*Message, error) {
	r := receiver{c: c}
	m, err := r.message()
	if err != nil {
		CloseAll(r.fds)
		return nil, err
	}
	return m, nil
}

// A receiver receives one message, and keeps all descriptors that come meanwhile.
type receiver struct {
	c   *Conn
	fds []int
	bad error // with one of them
}

func (r *receiver) message() (*Message, error) {
	var head [headSize]byte
	if n, err := io.ReadFull(r, head[:]); err != nil {
		if n == 0 && err == io.EOF && len(r.fds) == 0 {
			return nil, io.EOF
		}
		return nil, fmt.Errorf("receive a message: %w", err)
	}
	size, kind, count := binary.BigEndian.Uint32(head[:]), Kind(head[4]), int(head[5])
	switch {
	case kind == 0:
		return nil, fmt.Errorf("message of kind 0, want 1 to 255")
	case size == 0 || size > MostBytes:
		return nil, fmt.Errorf("message of kind %d: %d bytes, want 1 to %d", kind, size, MostBytes)
	case count > MostDescriptors:
		return nil, fmt.Errorf("message of kind %d: %d descriptors, limit %d", kind, count, MostDescriptors)
	}
	body := make([]byte, size)
	if _, err := io.ReadFull(r, body); err != nil {
		return nil, fmt.Errorf("receive a message of kind %d, %d bytes: %w", kind, size, err)
	}
	if r.bad != nil {
		return nil, fmt.Errorf("message of kind %d: %w", kind, r.bad)
	}
	if len(r.fds) != count {
		return nil, fmt.Errorf("message of kind %d: %d descriptors came, %d were announced", kind, len(r.fds), count)
	}
	return &Message{Kind: kind, FDs: r.fds, body: body}, nil
}

// Read is for io.ReadFull, which keeps no error of a read that was enough: what is wrong with descriptors is in r.bad.
func (r *receiver) Read(b []byte) (int, error) {
	n, oobn, flags, _, err := r.c.conn.ReadMsgUnix(b, r.c.oob) // with MSG_CMSG_CLOEXEC
	fds, rightsErr := rights(r.c.oob[:oobn])
	r.fds = append(r.fds, fds...)
	r.bad = errors.Join(r.bad, rightsErr)
	if flags&unix.MSG_CTRUNC != 0 {
		r.bad = fmt.Errorf("descriptors were lost: more than %d at once, or no room for them in this process",
			MostDescriptors)
	}
	if errors.Is(err, io.EOF) {
		err = io.EOF // itself, for io.ReadFull
	}
	return n, err
}

// rights are the descriptors among the control messages of a packet.
func rights(oob []byte) (fds []int, err error) {
	messages, err := unix.ParseSocketControlMessage(oob)
	if err != nil {
		return nil, err
	}
	for i := range messages {
		some, err := unix.ParseUnixRights(&messages[i])
		if err != nil {
			return fds, err
		}
		fds = append(fds, some...)
	}
	return fds, nil
}
