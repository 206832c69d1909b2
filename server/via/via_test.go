package via

import (
	"errors"
	"strings"
	"testing"
)

func TestCheckReply(t *testing.T) {
	n := NewName()
	others := strings.Repeat(", 1.0 pumpd-0123456789abcdef", 8)[2:]
	for _, tt := range []struct {
		name, via string
		want      error
	}{
		{"none", "", nil},
		{"a pump", "1.0 pumpd-0123456789abcdef", nil},
		{"itself", "1.0 " + string(n), ErrLoop},
		{"itself at the end", others[:60] + ", 1.0 " + string(n), ErrLoop},
		{"itself behind too many", others + others + ", 1.0 " + string(n), ErrLoop},
		{"as deep as may be", others, nil},
		{"too deep", others + ", 1.1 proxy", ErrDeep},
		{"commas only", strings.Repeat(",", 8), ErrDeep},
		{"long", "1.0 " + strings.Repeat("x", maxField), ErrDeep},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if err := n.CheckReply([]byte(tt.via)); !errors.Is(err, tt.want) {
				t.Errorf("%v, want %v", err, tt.want)
			}
		})
	}
}
