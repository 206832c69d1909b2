package fanout

import (
	"bytes"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"unsafe"

	"golang.org/x/sys/unix"
)

func TestChooseEngines(t *testing.T) {
	for _, c := range []struct {
		setting string
		works   int // so many rings can be made
		want    string
		line    string
		err     string
	}{
		{"sendto", 3, "sendto", "", ""},
		{"auto", 3, "io_uring", "", ""},
		{"auto", 2, "sendto", "no third", ""},
		{"auto", 0, "sendto", "no third", ""},
		{"io_uring", 3, "io_uring", "", ""},
		{"io_uring", 2, "", "", `server.engine: "io_uring" does not work here: no third`},
		{"io_uring", 0, "", "", `server.engine: "io_uring" does not work here: no third`},
	} {
		var log bytes.Buffer
		made, open := 0, 0
		got, err := chooseEngines(c.setting, 3, slog.New(slog.NewTextHandler(&log, nil)), func() (Engine, error) {
			if made == c.works {
				return nil, errors.New("no third")
			}
			made++
			open++
			return &countedEngine{open: &open}, nil
		})
		name := fmt.Sprintf("%s, %d work", c.setting, c.works)
		if fmt.Sprint(err) != c.err && (err != nil || c.err != "") {
			t.Errorf("%s: error %v, want %q", name, err, c.err)
		}
		for _, e := range got {
			if kind := EngineName(e); kind != c.want {
				t.Errorf("%s: %s, want %s", name, kind, c.want)
			}
		}
		wantOpen := map[string]int{"io_uring": 3}[c.want]
		if err == nil && len(got) != 3 || open != wantOpen {
			t.Errorf("%s: %d engines, %d rings open, want 3 and %d", name, len(got), open, wantOpen)
		}
		if lines := strings.Count(log.String(), "\n"); !strings.Contains(log.String(), c.line) ||
			(c.line != "") != (lines == 1) {
			t.Errorf("%s: logged %q, want one line with %q", name, log.String(), c.line)
		}
	}
}

// A countedEngine knows how many of it are not closed.
type countedEngine struct {
	sendto
	open *int
}

func (c *countedEngine) Close() { *c.open-- }

// Here and now, "auto" gives something that works.
func TestAutoEngineWorks(t *testing.T) {
	var log bytes.Buffer
	engines, err := NewEngines("auto", 2, slog.New(slog.NewTextHandler(&log, nil)))
	if err != nil {
		t.Fatal(err)
	}
	trial := []byte("here and now")
	for _, e := range engines {
		l := unixCable(t, 1<<10)
		got := results{}
		e.Send(l.v, trial, got)
		e.Flush()
		e.Close()
		if r := got[l.v]; r != (result{len(trial), 0, 1}) || !bytes.Equal(l.take(t, len(trial)), trial) {
			t.Errorf("%s: %+v, want %d bytes", EngineName(e), r, len(trial))
		}
	}
}

// sandboxed is set in the process that TestWithoutIOURing starts.
const sandboxed = "PUMPD_TEST_WITHOUT_IO_URING"

// Containers forbid io_uring by a filter on system calls. The filter lasts as long as the process, so it gets its own.
func TestWithoutIOURing(t *testing.T) {
	if os.Getenv(sandboxed) != "" {
		chooseInSandbox(t)
		return
	}
	cmd := exec.Command(os.Args[0], "-test.run=^TestWithoutIOURing$", "-test.v")
	cmd.Env = append(os.Environ(), sandboxed+"=1")
	out, err := cmd.CombinedOutput()
	if strings.Contains(string(out), "SKIPPED") {
		t.Skipf("%s", out)
	}
	if err != nil {
		t.Errorf("%v\n%s", err, out)
	}
}

func chooseInSandbox(t *testing.T) {
	if errno := forbid(unix.SYS_IO_URING_SETUP); errno != 0 {
		t.Skipf("SKIPPED: no filters on system calls here: %v", errno)
	}
	var log bytes.Buffer
	engines, err := NewEngines("auto", 2, slog.New(slog.NewTextHandler(&log, nil)))
	if err != nil || len(engines) != 2 || EngineName(engines[0]) != "sendto" {
		t.Errorf("auto: %d engines, %v, want two sendto", len(engines), err)
	}
	if s := log.String(); strings.Count(s, "\n") != 1 || !strings.Contains(s, "io_uring_setup: operation not permitted") {
		t.Errorf("auto: logged %q, want one line that says why", s)
	}
	const want = `server.engine: "io_uring" does not work here: io_uring_setup: operation not permitted`
	if _, err := NewEngines("io_uring", 2, slog.New(slog.DiscardHandler)); err == nil || err.Error() != want {
		t.Errorf("io_uring: %v, want %s", err, want)
	}
}

// forbid makes a system call return EPERM in all threads from now on.
func forbid(call uint32) syscall.Errno {
	program := []unix.SockFilter{
		{Code: unix.BPF_LD | unix.BPF_W | unix.BPF_ABS, K: 0}, // seccomp_data.nr
		{Code: unix.BPF_JMP | unix.BPF_JEQ | unix.BPF_K, K: call, Jf: 1},
		{Code: unix.BPF_RET | unix.BPF_K, K: unix.SECCOMP_RET_ERRNO | uint32(syscall.EPERM)},
		{Code: unix.BPF_RET | unix.BPF_K, K: unix.SECCOMP_RET_ALLOW},
	}
	p := unix.SockFprog{Len: uint16(len(program)), Filter: &program[0]}
	runtime.LockOSThread() // until the filter brings no_new_privs to the other threads, only this one has it
	defer runtime.UnlockOSThread()
	if _, _, errno := syscall.Syscall6(unix.SYS_PRCTL, unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0, 0); errno != 0 {
		return errno
	}
	_, _, errno := syscall.Syscall(unix.SYS_SECCOMP, unix.SECCOMP_SET_MODE_FILTER, unix.SECCOMP_FILTER_FLAG_TSYNC,
		uintptr(unsafe.Pointer(&p)))
	return errno
}
