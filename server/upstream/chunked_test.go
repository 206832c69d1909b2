package upstream

import (
	"io"
	"strings"
	"testing"
)

func TestChunkedBodyRefuses(t *testing.T) {
	for _, tt := range []struct {
		name, text, want string
	}{
		{"no last chunk", "4\r\nbody\r\n", "body"},
		{"cut in a chunk", "5\r\nbody", "body"},
		{"size that is none", "4\r\nbody\r\nxyz\r\n", "body"},
		{"data longer than said", "3\r\nbody\r\n0\r\n\r\n", "bod"},
		{"endless size line", "4;" + strings.Repeat("x", 1<<16), ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got, err := io.ReadAll(newChunkedBody(strings.NewReader(tt.text)))
			if string(got) != tt.want || err == nil {
				t.Errorf("got %q, %v, want %q and an error", got, err, tt.want)
			}
		})
	}
}
