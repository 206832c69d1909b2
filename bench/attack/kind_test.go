package attack

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

func TestNamed(t *testing.T) {
	seen := map[string]bool{}
	for _, k := range Kinds() {
		if k.Name == "" || k.About == "" || k.Run == nil || seen[k.Name] {
			t.Errorf("%+v: incomplete, or twice", k)
		}
		seen[k.Name] = true
	}
	if all, err := Named(nil); err != nil || len(all) != len(seen) {
		t.Errorf("no names: got %d, %v", len(all), err)
	}
	if some, err := Named([]string{"guess", "via"}); err != nil || len(some) != 2 || some[0].Name != "guess" {
		t.Errorf("two names: got %v, %v", some, err)
	}
	if _, err := Named([]string{"nice"}); err == nil || !strings.Contains(err.Error(), "describe") {
		t.Errorf("unknown: got %v", err)
	}
}

func TestVia(t *testing.T) {
	told := make(chan *http.Request, 4)
	v := victimAt(serve(t, refuse(told)), 0.1)
	if n := len(v.viaRequest()); n > 16<<10 || n < 15<<10 {
		t.Errorf("a head of %d bytes", n)
	}
	stop := launch(t, via, v)
	request := next(t, told)
	next(t, told) // on the same connection, or another
	deeds := stop()
	entries := strings.Split(strings.Join(request.Header["Via"], ","), ",")
	if len(request.Header["Via"]) != 95 || len(entries) < 2000 || strings.TrimSpace(entries[1999]) != "1.1 a" {
		t.Errorf("%d fields Via with %d entries", len(request.Header["Via"]), len(entries))
	}
	if deeds.Connections == 0 || deeds.Requests < 2 || deeds.Answers["404"] == 0 {
		t.Errorf("deeds %+v", deeds)
	}
}

func TestGuess(t *testing.T) {
	told := make(chan *http.Request, 2)
	stop := launch(t, guess, victimAt(serve(t, refuse(told)), 0.1))
	one, other := next(t, told), next(t, told)
	stop()
	name, password, ok := one.BasicAuth()
	if _, second, _ := other.BasicAuth(); !ok || name != "bench" || password == second {
		t.Errorf("guesses %q and %q by %q", password, second, name)
	}
	if one.Method != "POST" || one.URL.Path != "/streams/bench_push" {
		t.Errorf("%s %s", one.Method, one.URL)
	}
}

// Who joins, who asks for what is absent and who talks nonsense all come.
func TestUnreadLog(t *testing.T) {
	told := make(chan string, 1000)
	addr := serve(t, func(conn net.Conn) {
		line, _ := bufio.NewReader(conn).ReadString('\n')
		io.WriteString(conn, "HTTP/1.0 200 OK\r\n\r\n")
		word := strings.Fields(line + " . .")
		tell(told, strings.TrimRight(word[0]+" "+word[1], "0123456789"))
	})
	stop := launch(t, unreadLog, victimAt(addr, 1))
	want := map[string]bool{"GET /streams/bench": true, "GET /streams/bench-absent": true, "GARBAGE ": true}
	for len(want) > 0 {
		delete(want, next(t, told))
	}
	if deeds := stop(); deeds.Requests < 3 {
		t.Errorf("deeds %+v", deeds)
	}
}

// record reads one TLS record and tells how long it is and how many bytes of it came before silence.
func record(conn net.Conn) (length, came int, err error) {
	head := make([]byte, 5)
	if _, err := io.ReadFull(conn, head); err != nil {
		return 0, 0, err
	}
	if head[0] != 0x16 {
		return 0, 0, errors.New("no handshake")
	}
	length = int(head[3])<<8 + int(head[4])
	conn.SetReadDeadline(time.Now().Add(silent)) // what belongs together is sent at once
	came, err = io.ReadFull(conn, make([]byte, length))
	return length, came, err
}

func TestTLSHalf(t *testing.T) {
	told := make(chan [2]int, 1)
	addr := serve(t, func(conn net.Conn) {
		length, came, err := record(conn)
		if n, ok := err.(net.Error); ok && n.Timeout() {
			tell(told, [2]int{length, came})
		}
	})
	stop := launch(t, tlsHalf, victimAt(addr, 0.1))
	got := next(t, told)
	stop()
	if got[0] < 100 || got[1] > got[0]*2/3 || got[1] < got[0]/3 {
		t.Errorf("%d of %d bytes", got[1], got[0])
	}
}

func TestTLSReset(t *testing.T) {
	told := make(chan error, 1)
	addr := serve(t, func(conn net.Conn) {
		if length, came, err := record(conn); err != nil || came < length {
			tell(told, err)
			return
		}
		conn.SetReadDeadline(time.Now().Add(testTimeout))
		_, err := conn.Read(make([]byte, 1))
		tell(told, err)
	})
	stop := launch(t, tlsReset, victimAt(addr, 0.01))
	err := next(t, told)
	stop()
	if !errors.Is(err, unix.ECONNRESET) {
		t.Errorf("after the hello: %v", err)
	}
}

func TestTLSIsNotThere(t *testing.T) {
	for _, k := range []Kind{tlsHalf, tlsReset} {
		if err := k.Run(t.Context(), Victim{Plain: "127.0.0.1:1", Scale: 1}, &Log{}); !errors.Is(err, errNoTLS) {
			t.Errorf("%s: %v", k.Name, err)
		}
	}
}

func TestDescribe(t *testing.T) {
	told := make(chan int, 100)
	addr := serve(t, func(conn net.Conn) {
		if b, ended := heard(conn, 1); !ended { // it stays
			tell(told, bytes.Count(b, []byte("\r\n\r\n")))
		}
	})
	stop := launch(t, describe, victimAt(addr, 0.0005))
	for range 4 { // two, and each comes back when it was cut
		if n := next(t, told); n != 12 {
			t.Errorf("%d requests", n)
		}
	}
	if deeds := stop(); deeds.Connections < 4 || deeds.Answers["closed"] < 2 {
		t.Errorf("deeds %+v", deeds)
	}
}

// Sixteen are on their way before the first answer.
func TestPipeline(t *testing.T) {
	told := make(chan int, 1)
	addr := serve(t, func(conn net.Conn) {
		r := bufio.NewReader(conn)
		n := 0
		for ; n < 16; n++ {
			if _, err := http.ReadRequest(r); err != nil {
				break
			}
		}
		tell(told, n)
		refuse(nil)(conn)
	})
	stop := launch(t, pipeline, victimAt(addr, 0.001))
	if n := next(t, told); n != 16 {
		t.Errorf("%d requests without an answer", n)
	}
	stop()
}

// It goes on after the end.
func TestDeaf(t *testing.T) {
	told := make(chan int64, 1)
	addr := serve(t, func(conn net.Conn) {
		conn.(*net.TCPConn).CloseWrite()
		n, _ := io.CopyN(io.Discard, conn, 1<<20)
		tell(told, n)
	})
	stop := launch(t, deaf, victimAt(addr, 0.01))
	if n := next(t, told); n != 1<<20 {
		t.Errorf("%d bytes after the end", n)
	}
	stop()
}

// The child's side: it says when it has begun, attacks until its input is over, and prints what it did.
func TestAttack(t *testing.T) {
	told := make(chan *http.Request, 1)
	victim, err := json.Marshal(victimAt(serve(t, refuse(told)), 0.1))
	if err != nil {
		t.Fatal(err)
	}
	stop, alive := io.Pipe()
	out, to := io.Pipe()
	done := make(chan error, 1)
	go func() { done <- Attack(t.Context(), "via", string(victim), stop, to) }()
	var begun string
	var deeds Deeds
	from := json.NewDecoder(out)
	if err := from.Decode(&begun); err != nil || begun != "begun" {
		t.Errorf("%q, %v before all else", begun, err)
	}
	next(t, told)
	alive.Close()
	if err := from.Decode(&deeds); err != nil || deeds.Requests == 0 || deeds.Seconds == 0 {
		t.Errorf("%+v: %v", deeds, err)
	}
	if err := next(t, done); err != nil {
		t.Fatal(err)
	}
	for _, args := range [][2]string{{"none", "{}"}, {"via", "?"}} {
		if err := Attack(t.Context(), args[0], args[1], stop, io.Discard); err == nil {
			t.Errorf("%q: no error", args)
		}
	}
}
