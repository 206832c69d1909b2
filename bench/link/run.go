package link

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"slices"
	"sync"
	"time"
)

// Options describe a link.
type Options struct {
	Shapes [2]Shape // Up and Down
	Script []Change
	Seed   uint64 // of the dice
}

// Run carries packets between two devices until ctx is done, and prints what changes and, at the end, what happened. It
// closes the devices. One packet is a Read or a Write of a device.
func Run(ctx context.Context, opt Options, here, there io.ReadWriteCloser, out io.Writer) error {
	stopped := ctx
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	begin := time.Now()
	now := func() time.Duration { return time.Since(begin) }
	ways := [...]*way{
		Up:   newWay(there, here, opt.Shapes[Up], opt.Seed*2, now),
		Down: newWay(here, there, opt.Shapes[Down], opt.Seed*2+1, now),
	}
	var running sync.WaitGroup
	for i, w := range ways {
		running.Go(func() {
			if err := w.collect(); err != nil {
				cancel(fmt.Errorf("reading what goes %s: %w", Directions[i], err))
			}
		})
		running.Go(func() { w.deliver(ctx) })
	}
	running.Go(func() { play(ctx, opt.Script, ways[:], out) })
	<-ctx.Done()
	took := now()
	here.Close()
	there.Close()
	running.Wait()
	for i, w := range ways {
		count, refused := w.result()
		fmt.Fprintf(out, "%-4s %s\n", Directions[i], count.summary(took))
		if refused > 0 {
			fmt.Fprintf(out, "%-4s %d of those that passed were refused by the device\n", Directions[i], refused)
		}
	}
	if stopped.Err() != nil {
		return nil
	}
	return context.Cause(ctx)
}

// play makes the changes when they are due.
func play(ctx context.Context, script []Change, ways []*way, out io.Writer) {
	script = slices.Clone(script)
	slices.SortStableFunc(script, func(a, b Change) int { return cmp.Compare(a.At, b.At) })
	begin := time.Now()
	for _, c := range script {
		select {
		case <-ctx.Done():
			return
		case <-time.After(c.At - time.Since(begin)):
		}
		for _, i := range c.Ways {
			shape, err := ways[i].change(c.Apply)
			if err != nil {
				fmt.Fprintf(out, "%-4s at %v: %v\n", Directions[i], c.At, err)
				continue
			}
			fmt.Fprintf(out, "%-4s at %v: %v\n", Directions[i], c.At, shape)
		}
	}
}
