package push

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
)

// A reply is a server's answer as an encoder sees it: names of fields count with their case, because Windows Media
// Encoder compares some of them so (push.md §2).
type reply struct {
	status int
	reason string
	fields []field
	closes bool // the server will not take another request on this connection
}

type field struct{ name, value string }

const (
	maxReplyLine  = 4096
	maxReplyLines = 100
	maxReplyBody  = 1 << 20
)

// field gives the first value of a field, "" if it is not there or written in another case.
func (r *reply) field(name string) string {
	for _, f := range r.fields {
		if f.name == name {
			return f.value
		}
	}
	return ""
}

// all gives every value of a field.
func (r *reply) all(name string) []string {
	var values []string
	for _, f := range r.fields {
		if f.name == name {
			values = append(values, f.value)
		}
	}
	return values
}

// miscased names a field that is there, but in another case than name; "" if there is none.
func (r *reply) miscased(name string) string {
	for _, f := range r.fields {
		if f.name != name && strings.EqualFold(f.name, name) {
			return f.name
		}
	}
	return ""
}

// readReply reads one answer with its body, which it drops. io.EOF: the server closed before the first byte.
func readReply(r *bufio.Reader) (*reply, error) {
	line, err := readLine(r)
	if err != nil {
		return nil, err
	}
	rep := new(reply)
	if err := rep.parseStatus(line); err != nil {
		return nil, err
	}
	for {
		if line, err = readLine(r); err != nil {
			return nil, fmt.Errorf("reply %d: %w", rep.status, noEOF(err))
		}
		if line == "" {
			break
		}
		name, value, ok := strings.Cut(line, ":")
		if !ok || len(rep.fields) == maxReplyLines {
			return nil, fmt.Errorf("reply %d: field %q after %d others", rep.status, line, len(rep.fields))
		}
		rep.fields = append(rep.fields, field{name, strings.TrimSpace(value)})
	}
	return rep, rep.skipBody(r)
}

// parseStatus reads "HTTP/1.1 204 No Content".
func (r *reply) parseStatus(line string) error {
	version, rest, _ := strings.Cut(line, " ")
	code, reason, _ := strings.Cut(rest, " ")
	status, err := strconv.Atoi(code)
	if !strings.HasPrefix(version, "HTTP/1.") || err != nil || len(code) != 3 {
		return fmt.Errorf("status line %q", line)
	}
	r.status, r.reason = status, reason
	r.closes = version == "HTTP/1.0"
	return nil
}

// skipBody reads the body away. One without a length runs to the end of the connection, which is then over.
func (r *reply) skipBody(b *bufio.Reader) error {
	for _, v := range r.all("Connection") {
		r.closes = strings.EqualFold(v, "close") || (r.closes && !strings.EqualFold(v, "keep-alive"))
	}
	length := r.field("Content-Length")
	if r.status == 204 {
		length = "0"
	}
	if length == "" {
		r.closes = true
		return nil
	}
	n, err := strconv.ParseInt(length, 10, 64)
	if err != nil || n < 0 || n > maxReplyBody {
		return fmt.Errorf("reply %d: Content-Length %q, limit %d", r.status, length, maxReplyBody)
	}
	_, err = io.CopyN(io.Discard, b, n)
	return noEOF(err)
}

// readLine reads one line without its CRLF or LF.
func readLine(r *bufio.Reader) (string, error) {
	line, err := r.ReadSlice('\n')
	if errors.Is(err, bufio.ErrBufferFull) || len(line) > maxReplyLine {
		return "", fmt.Errorf("reply line: longer than %d bytes", maxReplyLine)
	}
	if err != nil && len(line) > 0 {
		err = noEOF(err)
	}
	return strings.TrimRight(string(line), "\r\n"), err
}

// noEOF turns the end of the connection into an error where more was promised.
func noEOF(err error) error {
	if errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	return err
}
