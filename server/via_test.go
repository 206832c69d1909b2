package server

import (
	"errors"
	"strings"
	"testing"
)

func TestCheckPath(t *testing.T) {
	n := newPumpName()
	others := strings.Repeat(", 1.0 pumpd-0123456789abcdef", 8)[2:]
	for _, tt := range []struct {
		name, via string
		want      error
	}{
		{"none", "", nil},
		{"a pump", "1.0 pumpd-0123456789abcdef", nil},
		{"itself", "1.0 " + string(n), errLoop},
		{"itself at the end", others[:60] + ", 1.0 " + string(n), errLoop},
		{"itself behind too many", others + others + ", 1.0 " + string(n), errLoop},
		{"as deep as may be", others, nil},
		{"too deep", others + ", 1.1 proxy", errDeep},
		{"commas only", strings.Repeat(",", 8), errDeep},
		{"long", "1.0 " + strings.Repeat("x", maxVia), errDeep},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if err := n.checkPath([]byte(tt.via)); !errors.Is(err, tt.want) {
				t.Errorf("%v, want %v", err, tt.want)
			}
		})
	}
}
