package pull

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"syscall"

	"pumpd/server/auth"
	"pumpd/server/stream"
	"pumpd/server/upstream"
	"pumpd/server/via"
)

// causes gives the errors of a pull a word for the metrics. What they say themselves has no end: it has ports, times,
// and what the other side made up.
var causes = []struct {
	err  error
	word string
}{
	{upstream.ErrStalled, "silent"},
	{errNoAnswer, "no_answer"},
	{errNoPicture, "no_key_frame"},
	{upstream.ErrEnded, "ended"},
	{via.ErrLoop, "loop"},
	{via.ErrDeep, "loop"},
	{auth.ErrNoLogin, "login"},
	{auth.ErrWrongLogin, "login"},
	{upstream.ErrFingerprint, "certificate"},
	{upstream.ErrNoCertificate, "certificate"},
	{stream.ErrBadSource, "bad_packets"},
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

// causeOf is the word for an error, out of a list that does not grow.
func causeOf(err error) string {
	for _, c := range causes {
		if errors.Is(err, c.err) {
			return c.word
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
