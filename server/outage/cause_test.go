package outage

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"syscall"
	"testing"

	"pumpd/server/auth"
	"pumpd/server/upstream"
	"pumpd/server/via"
)

func TestCauseOf(t *testing.T) {
	errOwn := errors.New("own")
	own := []Cause{{errOwn, "own"}}
	for _, c := range []struct {
		err  error
		want string
	}{
		{&net.OpError{Op: "dial", Err: os.NewSyscallError("connect", syscall.ECONNREFUSED)}, "connection_refused"},
		{&net.OpError{Op: "dial", Err: os.NewSyscallError("connect", syscall.EHOSTUNREACH)}, "unreachable"},
		{&net.OpError{Op: "read", Err: os.NewSyscallError("read", syscall.ECONNRESET)}, "connection_reset"},
		{fmt.Errorf("tls: %w", context.DeadlineExceeded), "timeout"},
		{&net.DNSError{Err: "no such host", Name: "x.invalid", IsNotFound: true}, "dns"},
		{fmt.Errorf("describe: %w", io.ErrUnexpectedEOF), "closed"},
		{&upstream.StatusError{Status: 503, Reason: "Busy"}, "status_503"},
		{fmt.Errorf("x: %w", &upstream.StatusError{Status: 1 << 40}), "status_999"},
		{fmt.Errorf("%w for 1s", upstream.ErrStalled), "silent"},
		{fmt.Errorf("%w: %d, the last: %w", errOwn, 100, io.EOF), "own"},
		{auth.ErrWrongLogin, "login"},
		{fmt.Errorf("%w: behind 9 others", via.ErrDeep), "loop"},
		{errors.New("anything at all"), "other"},
	} {
		if got := causeOf(c.err, own); got != c.want {
			t.Errorf("%v: %q, want %q", c.err, got, c.want)
		}
	}
}
