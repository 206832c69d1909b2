package upstream

import (
	"encoding/hex"
	"testing"
)

// Blocks that Cubemap 1.4.3 accepts.
func TestMetacube(t *testing.T) {
	for _, c := range []struct {
		flags uint16
		body  string
		want  string
	}{
		{metacubeHeader, "hello", "63756265216d6170" + "00000005" + "0001" + "f5d7" + "68656c6c6f"},
		{metacubeNoStart, "", "63756265216d6170" + "00000000" + "0002" + "449f"},
	} {
		if got := hex.EncodeToString(appendMetacube(nil, c.flags, []byte(c.body))); got != c.want {
			t.Errorf("got %s, want %s", got, c.want)
		}
	}
}
