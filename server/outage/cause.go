package outage

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"slices"
	"syscall"

	"pumpd/server/auth"
	"pumpd/server/upstream"
	"pumpd/server/via"
)

// A Cause gives an error a word for the metrics. What errors say themselves has no end: it has ports, times, and what
// the other side made up.
type Cause struct {
	Err  error
	Word string
}

// causes are those of all connections to other servers.
var causes = []Cause{
	{upstream.ErrStalled, "silent"},
	{upstream.ErrEnded, "ended"},
	{via.ErrLoop, "loop"},
	{via.ErrDeep, "loop"},
	{auth.ErrNoLogin, "login"},
	{auth.ErrWrongLogin, "login"},
	{upstream.ErrFingerprint, "certificate"},
	{upstream.ErrNoCertificate, "certificate"},
	{upstream.ErrFragment, "bad_header"},
	{syscall.ECONNREFUSED, "connection_refused"},
	{syscall.ECONNRESET, "connection_reset"},
	{syscall.EPIPE, "connection_reset"},
	{syscall.EHOSTUNREACH, "unreachable"},
	{syscall.ENETUNREACH, "unreachable"},
	{os.ErrDeadlineExceeded, "timeout"},
	{context.DeadlineExceeded, "timeout"},
	{syscall.ETIMEDOUT, "timeout"},
	{io.EOF, "closed"},
	{io.ErrUnexpectedEOF, "closed"},
}

// causeOf is the word for an error, out of a list that does not grow; own goes first.
func causeOf(err error, own []Cause) string {
	for _, c := range slices.Concat(own, causes) {
		if errors.Is(err, c.Err) {
			return c.Word
		}
	}
	if e := (*upstream.StatusError)(nil); errors.As(err, &e) {
		return fmt.Sprintf("status_%d", min(max(e.Status, 0), 999))
	}
	if e := (*net.DNSError)(nil); errors.As(err, &e) {
		return "dns"
	}
	if e := (*tls.CertificateVerificationError)(nil); errors.As(err, &e) {
		return "certificate"
	}
	if e, ok := errors.AsType[net.Error](err); ok && e.Timeout() {
		return "timeout"
	}
	return "other"
}
