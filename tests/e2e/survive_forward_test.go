package e2e

import (
	"bufio"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"encoding/pem"
	"fmt"
	"io"
	"math/big"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"
)

// forwardStream is a push that is pushed on.
func forwardStream(path string, more string, urls ...string) string {
	return pushStream(path) + "forward = [\"" + strings.Join(urls, "\", \"") + "\"]\n" + more
}

func forwardURL(addr, stream string) string {
	return "http://encoder:secret@" + addr + streamPath(stream) + "_push"
}

// farStream takes pushes by a password from anywhere.
func farStream(path string) string {
	return pushStream(path) + "push_users = [\"encoder:secret\"]\n"
}

// A tunnelProxy is an HTTP proxy that knows CONNECT and wants a password by Basic. It can be closed and started again,
// where nobody else takes its port meanwhile.
type tunnelProxy struct {
	addr  string
	ln    net.Listener
	mu    sync.Mutex
	conns []net.Conn
}

func startTunnelProxy(t *testing.T, host string) *tunnelProxy {
	t.Helper()
	p := &tunnelProxy{addr: net.JoinHostPort(host, "0")}
	p.start(t)
	t.Cleanup(p.stop)
	return p
}

func (p *tunnelProxy) start(t *testing.T) {
	t.Helper()
	ln, err := net.Listen("tcp", p.addr)
	if err != nil {
		t.Fatal(err)
	}
	p.ln, p.addr = ln, ln.Addr().String()
	go func() {
		for {
			conn, err := ln.Accept()
			if err != nil {
				return
			}
			go p.serve(conn)
		}
	}()
}

// stop ends all connections, as the proxy's end does.
func (p *tunnelProxy) stop() {
	p.ln.Close()
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, c := range p.conns {
		c.Close()
	}
	p.conns = nil
}

func (p *tunnelProxy) serve(conn net.Conn) {
	defer conn.Close()
	in := bufio.NewReader(conn)
	r, err := http.ReadRequest(in)
	switch {
	case err != nil:
		return
	case r.Method != http.MethodConnect:
		io.WriteString(conn, "HTTP/1.1 405 Method Not Allowed\r\n\r\n")
		return
	case r.Header.Get("Proxy-Authorization") != "Basic dTpw":
		io.WriteString(conn, "HTTP/1.1 407 Proxy Authentication Required\r\nProxy-Authenticate: Basic realm=\"x\"\r\n\r\n")
		return
	}
	there, err := net.DialTimeout("tcp", r.Host, patience)
	if err != nil {
		io.WriteString(conn, "HTTP/1.1 502 Bad Gateway\r\n\r\n")
		return
	}
	defer there.Close()
	p.mu.Lock()
	p.conns = append(p.conns, conn, there)
	p.mu.Unlock()
	io.WriteString(conn, "HTTP/1.1 200 Connection established\r\n\r\n")
	done := make(chan struct{}, 2)
	pass := func(to, from net.Conn, r io.Reader) {
		io.Copy(to, r)
		done <- struct{}{}
	}
	go pass(there, conn, in)
	go pass(conn, there, there)
	<-done
}

// table is [proxy] for a pump that is to use it for all.
func (p *tunnelProxy) table() string {
	return fmt.Sprintf("[proxy]\nurl = \"http://u:p@%s\"\nfor_local = true\n", p.addr)
}

// selfSigned makes a certificate, and gives its files and its fingerprint.
func selfSigned(t *testing.T) (cert, key, print string) {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	from := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, from, from, &private.PublicKey, private)
	if err != nil {
		t.Fatal(err)
	}
	keyDER, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	write := func(name, kind string, b []byte) string {
		file := filepath.Join(dir, name)
		if err := os.WriteFile(file, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: b}), 0o600); err != nil {
			t.Fatal(err)
		}
		return file
	}
	sum := sha256.Sum256(der)
	return write("c.crt", "CERTIFICATE", der), write("c.key", "PRIVATE KEY", keyDER), hex.EncodeToString(sum[:])
}

var tlsListening = regexp.MustCompile(`msg=listening .* tls="?\[([0-9.:]+)\]`)

// tlsAddr is where a pump speaks TLS.
func (p *pump) tlsAddr(t *testing.T) string {
	t.Helper()
	lines, _ := p.out.lines()
	for _, l := range lines {
		if m := tlsListening.FindStringSubmatch(l.text); m != nil {
			return m[1]
		}
	}
	t.Fatal("pumpd does not say where it speaks TLS")
	return ""
}

// checkSame wants those packets that two witnesses of one dialect have both seen to be the same bytes, and most of what
// the first has seen.
func checkSame(t *testing.T, near, far *witness) {
	t.Helper()
	a, _ := near.account()
	b, _ := far.account()
	hashes := map[int64]uint64{}
	for _, s := range a.seen {
		hashes[s.number] = s.hash
	}
	same := 0
	for _, s := range b.seen[1:] { // the first may lack what a newcomer cannot use
		if h, ok := hashes[s.number]; ok && h != s.hash {
			t.Errorf("%s: packet %d is not the same at both pumps", near.name, s.number)
		} else if ok {
			same++
		}
	}
	if same < len(a.seen)/2 {
		t.Errorf("%s: %d packets to compare of %d", near.name, same, len(a.seen))
	}
}

// Encoder, pump, proxy with a password, TLS, pump, viewers: the packets are the same bytes at both pumps, for viewers
// of each dialect, whether they come with padding or not.
func TestForwardThroughProxy(t *testing.T) {
	t.Parallel()
	cert, key, print := selfSigned(t)
	far := startMortal(t, "", farStream("live")+fmt.Sprintf(
		"[tls]\nlisten = [\"127.0.0.1:0\"]\ncertificates = [{ cert = %q, key = %q }]\n", cert, key))
	proxy := startTunnelProxy(t, newHost())
	url := "https" + strings.TrimPrefix(forwardURL(far.tlsAddr(t), "live"), "http")
	near := startMortal(t, proxy.table(), forwardStream("live", fmt.Sprintf("forward_fingerprints = [%q]\n", print), url))
	startEncoder(t, near, "live", synthetic, "-padding", "200")
	waitLive(t, far.addr, streamPath("live"))
	here, there := startWitnesses(t, near.addr, "live"), startWitnesses(t, far.addr, "live")
	awaitAllMore(t, append(append([]*witness(nil), here...), there...), 60)
	for i := range here {
		checkWhole(t, there[i])
		checkSame(t, here[i], there[i])
	}
}

// long says whether there is time for what takes minutes.
func long(t *testing.T) bool { return flapTime(t) >= time.Minute }

// A forwarded is a pump whose stream, live, is pushed on to another, through what may break.
type forwarded struct {
	near, far *mortal
	line      *link        // before the far pump
	proxy     *tunnelProxy // nil: there is none
	encoder   *process
	all       []*witness // at the far pump
}

// startForwarded has an encoder, and the viewers too. A proxy means TLS.
func startForwarded(t *testing.T, proxied bool) *forwarded {
	t.Helper()
	f := &forwarded{}
	var server, more, url string
	if proxied {
		cert, key, print := selfSigned(t)
		f.far = startMortal(t, "", farStream("live")+fmt.Sprintf(
			"[tls]\nlisten = [\"127.0.0.1:0\"]\ncertificates = [{ cert = %q, key = %q }]\n", cert, key))
		f.line = startLink(t, f.far.tlsAddr(t), shape{delay: 20 * time.Millisecond})
		f.proxy = startTunnelProxy(t, newHost())
		server, more = f.proxy.table(), fmt.Sprintf("forward_fingerprints = [%q]\n", print)
		url = "https" + strings.TrimPrefix(forwardURL(f.line.addr, "live"), "http")
	} else {
		f.far = startMortal(t, "", farStream("live"))
		f.line = startLink(t, f.far.addr, shape{delay: 20 * time.Millisecond})
		url = forwardURL(f.line.addr, "live")
	}
	f.near = startMortal(t, server, forwardStream("live", more, url))
	f.encoder = startEncoder(t, f.near, "live", keepTrying)
	waitLive(t, f.far.addr, streamPath("live"))
	f.all = startWitnesses(t, f.far.addr, "live")
	awaitAllMore(t, f.all, 20)
	return f
}

// checkWhole wants all viewers to be there still, and not to have missed a packet, nor to have got one twice.
func (f *forwarded) checkWhole(t *testing.T) {
	t.Helper()
	awaitAllMore(t, f.all, 60)
	for _, w := range f.all {
		checkWhole(t, w)
	}
	f.far.awaitCounters(t, "live", counters{Viewers: 4, Joined: 4, Generations: 1})
}

// What breaks between two pumps is made up for, whichever way it ends and wherever data were on their way: also what
// was in a proxy, and so acknowledged, when that lost it.
func TestForwardCut(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name           string
		reset, proxied bool
	}{
		{"FIN", false, false}, {"reset", true, false}, {"behind a proxy", true, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			f := startForwarded(t, c.proxied)
			cuts := []time.Duration{0, time.Second}
			if long(t) {
				cuts = append(cuts, 5*time.Second, 20*time.Second)
			}
			for _, d := range cuts {
				f.line.cut(c.reset)
				f.far.awaitState(t, "live", "orphaned")
				<-time.After(d)
				f.line.allow()
				awaitAllMore(t, f.all, 20)
			}
			f.checkWhole(t)
		})
	}
}

// Resets every three seconds, for a minute where there is time.
func TestForwardResets(t *testing.T) {
	t.Parallel()
	f := startForwarded(t, false)
	times := 2
	if long(t) {
		times = 20
	}
	for i := range times {
		<-time.After(3 * time.Second)
		f.line.cut(i%2 == 0)
		f.line.allow()
	}
	f.checkWhole(t)
}

// The proxy is restarted.
func TestForwardProxyRestarted(t *testing.T) {
	t.Parallel()
	f := startForwarded(t, true)
	f.proxy.stop()
	f.far.awaitState(t, "live", "orphaned")
	f.proxy.start(t)
	f.checkWhole(t)
}

// The encoder is restarted while the line is cut: that is a gap of its own length, and none of the line's.
func TestForwardEncoderRestarted(t *testing.T) {
	t.Parallel()
	f := startForwarded(t, false)
	f.line.cut(true)
	f.encoder.kill9()
	<-time.After(time.Second)
	startEncoder(t, f.near, "live", keepTrying)
	<-time.After(time.Second)
	f.line.allow()
	awaitAllMore(t, f.all, 60)
	for _, w := range f.all {
		a, _ := w.account()
		if parts := runs(a.seen); len(parts) != 2 || parts[1][0].number != 0 || len(a.heads) != 1 {
			t.Errorf("%s: %s, %d headers; want two runs, the second from the encoder's first packet on, and one header", w.name,
				describeRuns(parts), len(a.heads))
		}
	}
	f.far.awaitCounters(t, "live", counters{Viewers: 4, Joined: 4, Generations: 1})
}

// The near pump is restarted: the viewers of the far one stay, and see nothing twice.
func TestForwardNearKilled(t *testing.T) {
	t.Parallel()
	f := startForwarded(t, false)
	f.near.kill(t)
	f.far.awaitState(t, "live", "orphaned")
	f.near.start(t)
	awaitAllMore(t, f.all, 40)
	for _, w := range f.all {
		checkForward(t, w)
	}
	f.far.awaitCounters(t, "live", counters{Viewers: 4, Joined: 4, Generations: 1})
}

// The far pump is restarted: it has the stream again at once, with what newcomers need.
func TestForwardFarKilled(t *testing.T) {
	t.Parallel()
	far := startMortal(t, "", farStream("live"))
	near := startMortal(t, "", forwardStream("live", "", forwardURL(far.addr, "live")))
	startEncoder(t, near, "live", synthetic)
	waitLive(t, far.addr, streamPath("live"))
	far.kill(t)
	<-time.After(2 * time.Second)
	far.start(t)
	up := time.Now()
	waitLive(t, far.addr, streamPath("live"))
	t.Logf("the stream was back after %v", time.Since(up))
	w := startWitness(t, far.addr, "live", agentOld)
	w.awaitMore(t, 40)
	checkWhole(t, w)
}

// What a line does that is not cut: nothing comes through for a while, which nobody is told, it is too thin for a
// while, it loses and delays. A pump with its encoder is at the far end of it.
func TestForwardLine(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name  string
		line  []string        // of bench link; nil: a cable
		pulls []time.Duration // for how long the cable is pulled, and from when on
		takes time.Duration   // what comes after
	}{
		{"pulled for a second", nil, []time.Duration{time.Second}, 0},
		{"pulled for 5 and for 20 seconds", nil, []time.Duration{5 * time.Second, 20 * time.Second}, 0},
		{"80 % of the rate for 10 seconds", []string{"-rate", "400k", "-delay", "10ms", "-at", "6s:up:rate=175k",
			"-at", "16s:up:rate=400k"}, nil, 20 * time.Second},
		{"2 % lost, 150 ms each way", []string{"-delay", "150ms", "-loss", "2%"}, nil, 10 * time.Second},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			if !long(t) && c.name != "pulled for a second" {
				t.Skip("with PUMPD_FLAP_TIME of a minute or more")
			}
			n := newNamespace(t)
			if c.line != nil {
				n.emulate(c.line...)
			}
			far := startMortalOn(t, n.here, "", farStream("live")+"hold = \"20s\"\n")
			n.startNear(t, forwardStream("live", "", forwardURL(far.addr, "live")))
			waitLive(t, far.addr, streamPath("live"))
			all := startWitnesses(t, far.addr, "live")
			awaitAllMore(t, all, 20)
			for _, d := range c.pulls {
				n.unplug()
				<-time.After(d)
				n.plug()
				awaitAllMore(t, all, 40)
			}
			<-time.After(c.takes)
			awaitAllMore(t, all, 60)
			for _, w := range all {
				checkWhole(t, w)
			}
			far.awaitCounters(t, "live", counters{Viewers: 4, Joined: 4, Generations: 1})
		})
	}
}

// startNear runs a pump in the namespace, and an encoder that pushes to its stream live.
func (n *namespace) startNear(t *testing.T, streams string) {
	t.Helper()
	n.inside("ip", "link", "set", "lo", "up")
	config := filepath.Join(t.TempDir(), "near.toml")
	text := "[server]\nlisten = [\"127.0.0.1:8086\"]\nadmin = \"\"\n" + streams
	if err := os.WriteFile(config, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	near := &pump{process: startTool(t, "the near pumpd", n.command(mustBuild(t, pumpdProgram), "-c", config))}
	near.waitListening(t)
	startTool(t, "bench push", n.command(append(append([]string{mustBuild(t, benchProgram)}, keepTrying...),
		"http://127.0.0.1:8086"+streamPath("live")+"_push")...))
}

// Two forwards to two pumps carry the same packets, so who pulls from both misses nothing when one of them dies.
func TestForwardPair(t *testing.T) {
	t.Parallel()
	one, other := startMortal(t, "", farStream("live")), startMortal(t, "", farStream("live"))
	near := startMortal(t, "", forwardStream("live", "", forwardURL(one.addr, "live"), forwardURL(other.addr, "live")))
	startEncoder(t, near, "live", synthetic, "-padding", "300")
	waitLive(t, one.addr, streamPath("live"))
	waitLive(t, other.addr, streamPath("live"))
	m := startMortal(t, "", fmt.Sprintf("[[streams]]\npath = \"on\"\ntype = \"mmsh_pull\"\npair = [%q, %q]\n",
		one.url("mmsh", "live"), other.url("mmsh", "live")))
	waitLive(t, m.addr, streamPath("on"))
	all := startWitnesses(t, m.addr, "on")
	first, second := startWitness(t, one.addr, "live", agentHTTP), startWitness(t, other.addr, "live", agentHTTP)
	awaitAllMore(t, append([]*witness{first, second}, all...), 60)
	checkSame(t, first, second)
	second.conn.Close()
	first.conn.Close()
	one.kill(t)
	awaitAllMore(t, all, 60)
	for _, w := range all {
		checkWhole(t, w)
	}
	m.awaitCounters(t, "on", counters{Viewers: 4, Joined: 4, Generations: 1})
}

// Pumps that push to each other in a circle say so, and no stream goes round.
func TestForwardCircle(t *testing.T) {
	t.Parallel()
	one := startMortal(t, "", pushStream("live"))
	other := startMortal(t, "", forwardStream("live", "push_users = [\"encoder:secret\"]\n", forwardURL(one.addr, "live")))
	one.more = forwardStream("live", "push_users = [\"encoder:secret\"]\n", forwardURL(other.addr, "live"))
	one.kill(t)
	one.start(t)
	startBench(t, append(append([]string(nil), synthetic...), forwardURL(one.addr, "live"))...)
	waitLive(t, other.addr, streamPath("live"))
	one.awaitLine(t, "the request has passed this pump already")
	w := startWitness(t, other.addr, "live", agentOld)
	w.awaitMore(t, 40)
	checkWhole(t, w)
}

// awaitLine waits until the pump has logged a line with that text.
func (p *pump) awaitLine(t *testing.T, text string) {
	t.Helper()
	late := time.After(awaitTime)
	for {
		lines, news := p.out.lines()
		for _, l := range lines {
			if strings.Contains(l.text, text) {
				return
			}
		}
		select {
		case <-news:
		case <-late:
			t.Fatalf("pumpd does not say %q", text)
		}
	}
}
