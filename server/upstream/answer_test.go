package upstream

import (
	"crypto/tls"
	"io"
	"net"
	"slices"
	"strings"
	"testing"
	"time"
)

// Whoever lets packets pile up in the socket must not let them pile up behind a reader that gives one piece at a time:
// four chunks a second are less than most streams have.
func TestAnswerHoldsPieces(t *testing.T) {
	near, far := net.Pipe()
	defer near.Close()
	defer far.Close()
	for _, tt := range []struct {
		name string
		conn net.Conn
		body io.Reader
		want []bool // more, before each read
	}{
		{"as it is", near, strings.NewReader("abc"), []bool{false, false}},
		{"chunks", near, newChunkedBody(strings.NewReader("1\r\na\r\n1\r\nb\r\n1\r\nc\r\n0\r\n\r\n")),
			[]bool{false, true, true, true}},
		{"TLS", tls.Client(near, &tls.Config{}), strings.NewReader("abc"), []bool{true, true}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			a := &Answer{
				link: &link{Conn: tt.conn}, stall: func() time.Duration { return time.Minute },
				in: newWindow(tt.body, windowSize),
			}
			var got []bool
			a.Playing(func(more bool) error {
				got = append(got, more)
				return nil
			})
			for a.in.fill() == nil {
			}
			if !slices.Equal(got, tt.want) || string(a.in.bytes()) != "abc" {
				t.Errorf("%v, %q, want %v", got, a.in.bytes(), tt.want)
			}
		})
	}
}
