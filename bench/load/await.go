package load

import (
	"context"
	"fmt"
	"io"
	"time"
)

// Await tries with one viewer until what opt names is there, for limit at most. over is asked before each try; its
// error ends the wait.
func Await(ctx context.Context, opt Options, limit time.Duration, over func() error) error {
	opt.Viewers, opt.Settle, opt.Duration, opt.PID = 1, 0, 300*time.Millisecond, 0
	for late := time.Now().Add(limit); ctx.Err() == nil; time.Sleep(50 * time.Millisecond) {
		if err := over(); err != nil {
			return err
		}
		s, err := Measure(ctx, opt, io.Discard)
		if err != nil {
			return err
		}
		if s.Bytes > 0 && s.Failed+s.Refused == 0 {
			return nil
		}
		if time.Now().After(late) {
			return fmt.Errorf("no stream within %s: %v %v", limit, s.Failures, s.Refusals)
		}
	}
	return ctx.Err()
}
