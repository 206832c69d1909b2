package e2e

import (
	"errors"
	"fmt"
	"net"
	"os"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
)

// whole is how many packets a joiner wants to see before it is content.
const whole = 3

// joiners come, see that they have the stream from a key frame on, and go.
type joiners struct {
	wait     sync.WaitGroup
	underWay atomic.Int64
	mu       sync.Mutex
	joined   int
	faults   []string
}

// join has one come, of a dialect, now.
func (j *joiners) join(addr, agent string) {
	j.underWay.Add(1)
	j.wait.Go(func() {
		defer j.underWay.Add(-1)
		v, err := open(addr, "live", agent)
		if err == nil {
			err = sees(v, whole)
			v.conn.Close()
		}
		j.mu.Lock()
		defer j.mu.Unlock()
		if err != nil {
			j.faults = append(j.faults, err.Error())
		} else {
			j.joined++
		}
	})
}

// sees wants packets of a synthetic source, none of which is missing.
func sees(v *viewer, n int) error {
	first := int64(-1)
	for i := range n {
		b, err := v.packet(i)
		if err != nil {
			return fmt.Errorf("%s: packet %d: %w", v.name, i, err)
		}
		number := probeNumber(b)
		if first < 0 {
			first = number
		}
		if number < 0 || number != first+int64(i) {
			return fmt.Errorf("%s: packet %d of the source as packet %d, the first was %d", v.name, number, i, first)
		}
	}
	return nil
}

// count is how many have joined, and what was wrong with others.
func (j *joiners) count() (joined int, faults []string) {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.joined, j.faults
}

// awaitMore waits until n more have joined.
func (j *joiners) awaitMore(t *testing.T, n int) {
	t.Helper()
	have, _ := j.count()
	if !poll(awaitTime, func() bool {
		joined, faults := j.count()
		return joined >= have+n || len(faults) > 0
	}) {
		t.Fatalf("fewer than %d have joined in %v", n, awaitTime)
	}
}

// check wants all to have had what they came for.
func (j *joiners) check(t *testing.T) {
	t.Helper()
	j.wait.Wait()
	joined, faults := j.count()
	t.Logf("%d have joined", joined)
	if len(faults) > 0 {
		t.Errorf("%d joined, %d did not, the first because of: %s", joined, len(faults), faults[0])
	}
}

// keepJoining has viewers of all dialects come, one each few milliseconds and now and then many at once, until the
// function is called that it returns, which wants that each of them has had the stream.
func keepJoining(t *testing.T, addr string) (j *joiners, check func()) {
	t.Helper()
	const pause, herd, herds = 8 * time.Millisecond, 20, 50 // a herd comes with each 50th
	// On their way at once: a machine that has no time for them gets no more.
	const most = 200
	j = &joiners{}
	over, ended := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		tick := time.NewTicker(pause)
		defer tick.Stop()
		for i := 0; ; i++ {
			select {
			case <-over:
				return
			case <-tick.C:
			}
			if j.underWay.Load() > most {
				continue
			}
			n := 1
			if i%herds == 0 {
				n = herd
			}
			for k := range n {
				j.join(addr, allAgents[(i+k)%len(allAgents)])
			}
		}
	}()
	return j, func() {
		t.Helper()
		close(over)
		<-ended
		j.check(t)
	}
}

// Whoever comes while another process takes over, and another one from that, with more loops and with fewer, is neither
// refused nor reset, and gets the stream.
func TestUpgradeJoins(t *testing.T) {
	t.Parallel()
	settings := func(loops int) string { return fmt.Sprintf("loops = %d\n", loops) }
	l := startLineage(t, pumpdProgram, settings(2), pushStream("live"))
	startBench(t, append(append([]string(nil), synthetic...), l.pushURL("live"))...)
	waitLive(t, l.addr, streamPath("live"))
	j, check := keepJoining(t, l.addr)
	for _, loops := range []int{2, 3, 1, 2} {
		j.awaitMore(t, 50)
		configure(t, l.config, settings(loops), pushStream("live"))
		l.upgraded(t)
	}
	j.awaitMore(t, 50)
	check()
	l.unharmed(t)
}

// Connections that the kernel has accepted while nobody could, and what has come on them, are not lost, whichever of
// the two processes serves them then.
func TestUpgradeQueued(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		stage  string
		fails  bool
		stands func(old, next int) int // who stops there
	}{
		{"freezing", false, theOld}, {"sending", false, theOld}, {"committed", false, theOld},
		{"taking", false, theNew}, {"taken", false, theNew}, {"running", false, theNew},
		{"taking", true, theNew}, {"taken", true, theNew},
	} {
		name := c.stage
		if c.fails {
			name += ", and killed there"
		}
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			l := startLineage(t, faultyProgram, "loops = 8", pushStream("live")) // of which some have no connection yet
			startBench(t, append(append([]string(nil), synthetic...), l.pushURL("live"))...)
			waitLive(t, l.addr, streamPath("live"))
			halves := halfAsked(t, l.addr, 5)
			pid, failed := l.upgradeUntil(t, c.stage, c.stands)
			halves = append(halves, halfAsked(t, l.addr, 5)...)
			j := &joiners{}
			for i := range 30 {
				j.join(l.addr, allAgents[i%len(allAgents)])
			}
			if c.fails {
				l.end(t, pid)
			}
			l.goOn(t, pid)
			if err := <-failed; (err != nil) != c.fails {
				t.Errorf("the upgrade: %v", err)
			}
			for i, v := range halves {
				if err := v.askOn(); err != nil {
					t.Errorf("half a request, %d: %v", i, err)
				}
			}
			j.check(t)
		})
	}
}

func theOld(old, _ int) int  { return old }
func theNew(_, next int) int { return next }

// A halfViewer has sent half of its request.
type halfViewer struct{ net.Conn }

func halfAsked(t *testing.T, addr string, n int) (all []*halfViewer) {
	t.Helper()
	for range n {
		c, err := net.DialTimeout("tcp", addr, patience)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { c.Close() })
		c.SetDeadline(time.Now().Add(2 * patience))
		if _, err := fmt.Fprintf(c, "GET %s HTTP/1.0\r\nUser-Agent: NSPlayer/4.1", streamPath("live")); err != nil {
			t.Fatal(err)
		}
		all = append(all, &halfViewer{c})
	}
	return all
}

// askOn sends the rest and wants the stream.
func (h *halfViewer) askOn() error {
	if _, err := fmt.Fprintf(h, ".0.3856\r\nPragma: xPlayStrm=1\r\n\r\n"); err != nil {
		return err
	}
	v, err := answered(h.Conn, agentOld)
	if err != nil {
		return err
	}
	return sees(v, whole)
}

// upgraded is upgrade that must succeed.
func (l *lineage) upgraded(t *testing.T) {
	t.Helper()
	if out, err := l.upgrade(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
}

// unharmed wants nothing in the log that is wrong.
func (l *lineage) unharmed(t *testing.T) {
	t.Helper()
	text := l.log(t)
	for _, bad := range []string{"level=ERROR", "panic", "source lost", "did not come along"} {
		if strings.Contains(text, bad) {
			t.Errorf("the log has %q", bad)
		}
	}
}

// pushURL is where an encoder sends to.
func (l *lineage) pushURL(stream string) string {
	return "http://" + l.addr + streamPath(stream) + "_push"
}

// upgradeUntil begins an upgrade and returns when the process that it is about stands still at a stage. What becomes of
// the upgrade it tells later.
func (l *lineage) upgradeUntil(t *testing.T, stage string, whose func(old, next int) int) (pid int,
	failed <-chan error) {
	t.Helper()
	old := l.serving(t)
	before := strings.Count(l.log(t), startedText)
	l.setFault(t, stage+":stop")
	done := make(chan error, 1)
	go func() {
		out, err := l.upgrade()
		if err != nil {
			err = fmt.Errorf("%w: %s", err, out)
		}
		done <- err
	}()
	var next int
	if !poll(patience, func() bool {
		all := strings.Split(l.log(t), startedText)
		if len(all) < before+2 {
			return false
		}
		number, _, whole := strings.Cut(all[before+1], "\n")
		var err error
		next, err = strconv.Atoi(number)
		return whole && err == nil
	}) {
		t.Fatal("no new program is started")
	}
	pid = whose(old, next)
	if !poll(patience, func() bool { return stateOf(pid) == 'T' }) {
		t.Fatalf("process %d does not stop at %s", pid, stage)
	}
	return pid, done
}

const startedText = `msg="upgrade: the new program is started" pid=`

// goOn has a process that stands still go on, and not stop again.
func (l *lineage) goOn(t *testing.T, pid int) {
	t.Helper()
	l.setFault(t, "")
	if err := syscall.Kill(pid, syscall.SIGCONT); err != nil && !errors.Is(err, syscall.ESRCH) {
		t.Fatal(err)
	}
}

// end kills a process.
func (l *lineage) end(t *testing.T, pid int) {
	t.Helper()
	if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
}

// stateOf is how a process is, as in proc(5): 'T' is stopped; 0: it is gone.
func stateOf(pid int) byte {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return 0
	}
	_, rest, _ := strings.Cut(string(text), ") ")
	if rest == "" {
		return 0
	}
	return rest[0]
}
