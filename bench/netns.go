package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
)

// A re-executed bench knows by this variable that it is in the namespace already.
const namespaceMark = "BENCH_IN_NETNS"

func inNamespace() bool { return os.Getenv(namespaceMark) != "" }

// reexecInNamespace runs bench compare again inside a fresh network namespace whose loopback has an MTU of 1500.
func reexecInNamespace(ctx context.Context, args []string) error {
	name := fmt.Sprintf("bench-%d", os.Getpid())
	if err := ip(ctx, "netns", "add", name); err != nil {
		return fmt.Errorf("-netns needs root and ip(8): %w", err)
	}
	defer ip(context.WithoutCancel(ctx), "netns", "del", name)
	if err := ip(ctx, "-n", name, "link", "set", "lo", "mtu", "1500", "up"); err != nil {
		return err
	}
	self, err := os.Executable()
	if err != nil {
		return err
	}
	cmd := exec.CommandContext(ctx, "ip", append([]string{"netns", "exec", name, self, "compare"}, args...)...)
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) }
	cmd.Env = append(os.Environ(), namespaceMark+"=1")
	cmd.Stdout, cmd.Stderr = os.Stdout, os.Stderr
	return cmd.Run()
}

func ip(ctx context.Context, args ...string) error {
	out, err := exec.CommandContext(ctx, "ip", args...).CombinedOutput()
	if err != nil {
		return fmt.Errorf("ip %v: %w: %s", args, err, out)
	}
	return nil
}
