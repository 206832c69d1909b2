package auth

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"testing"
)

// Whichever way somebody prints one, alone or in what holds it, it is not there.
func TestSecretIsNotPrinted(t *testing.T) {
	const canary = "hunter2"
	s := Secret(canary)
	held := struct {
		One  Secret
		List []Secret
		Map  map[Secret]*Secret
	}{s, []Secret{s}, map[Secret]*Secret{s: &s}}
	var out bytes.Buffer
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d", "%t", "%c", "%08.3f", "% x"} {
		fmt.Fprintf(&out, verb+verb+verb+"\n", s, &s, held)
	}
	fmt.Fprintln(&out, fmt.Errorf("push_users: %w: %v", fmt.Errorf("%s", s), held), s.String())
	for _, h := range []slog.Handler{slog.NewTextHandler(&out, nil), slog.NewJSONHandler(&out, nil)} {
		slog.New(h).Info("x", "one", s, "held", held.List)
	}
	if err := json.NewEncoder(&out).Encode(held.List); err != nil {
		t.Fatal(err)
	}
	hex := fmt.Sprintf("%x", canary)
	for _, leak := range []string{canary, hex, strings.ToUpper(hex), fmt.Sprintf("% x", canary)} {
		if strings.Contains(out.String(), leak) {
			t.Errorf("%q is in\n%s", leak, out.String())
		}
	}
}
