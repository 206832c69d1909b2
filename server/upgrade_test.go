package server

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"

	"pumpd/server/admin"
	"pumpd/server/config"
)

// described is the hash of all types that one process tells the other, at descriptionVersion.
const described = "45d93c3cbeb86c5e"

// Whoever changes what is told needs another descriptionVersion: a process of before would take it for what it knows.
func TestDescriptionVersion(t *testing.T) {
	var text strings.Builder
	seen := map[reflect.Type]bool{}
	for _, v := range []any{movedListener{}, prepared{}, sentAhead{}, movedHeaders{}, movedStream{}, movedElements{},
		movedNode{}, admin.Past{}, []movedConn{}, movedEnd{}, nothing{}} {
		describeType(&text, reflect.TypeOf(v), seen)
	}
	if strings.Contains(text.String(), " map of ") {
		t.Errorf("there is a map in it, which gob makes as large as is announced before it has come:\n%s", text.String())
	}
	sum := sha256.Sum256([]byte(text.String()))
	if got := hex.EncodeToString(sum[:8]); got != described {
		t.Errorf("what is told has the hash %s, not %s: raise descriptionVersion, and set described to it; it is\n%s", got,
			described, text.String())
	}
}

// describeType writes a type as gob sees it, and those that it is made of.
func describeType(to *strings.Builder, t reflect.Type, seen map[reflect.Type]bool) {
	if seen[t] {
		return
	}
	seen[t] = true
	fmt.Fprintf(to, "%s %s", t, t.Kind())
	switch t.Kind() {
	case reflect.Pointer, reflect.Slice, reflect.Array:
		fmt.Fprintf(to, " of %s\n", t.Elem())
		describeType(to, t.Elem(), seen)
	case reflect.Map:
		fmt.Fprintf(to, " of %s to %s\n", t.Key(), t.Elem())
		describeType(to, t.Key(), seen)
		describeType(to, t.Elem(), seen)
	case reflect.Struct:
		var fields []reflect.StructField
		for f := range t.Fields() {
			if f.IsExported() {
				fmt.Fprintf(to, " %s:%s", f.Name, f.Type)
				fields = append(fields, f)
			}
		}
		to.WriteString("\n")
		for _, f := range fields {
			describeType(to, f.Type, seen)
		}
	default:
		to.WriteString("\n")
	}
}

// Nothing is handed over while somebody changes something, for that would be lost; nor by a server that drains, for the
// next one would not.
func TestHandsNothingOver(t *testing.T) {
	t.Parallel()
	s, _ := taskRig(t, config.Stream{Path: "x", Enabled: true, Type: config.TypePush})
	var err error
	if !s.hold(func() { err = s.handAllOver(t.Context(), nil, prepared{}) }) || !errors.Is(err, errChanging) {
		t.Errorf("while something is changed: %v", err)
	}
	s.Drain()
	if err := s.handAllOver(t.Context(), nil, prepared{}); !errors.Is(err, errOver) {
		t.Errorf("while it drains: %v", err)
	}
	s.handed = &departure{}
	if s.hold(func() { t.Error("something is changed where all is handed over") }) {
		t.Error("it is not said that all is handed over")
	}
}

// A message has as many conns as it may, and never more than it has room for.
func TestBatches(t *testing.T) {
	large := movedConn{Input: make([]byte, connBytes/3)}
	for _, c := range []struct {
		list []movedConn
		most int
		want []batch
	}{
		{nil, 2, nil},
		{make([]movedConn, 5), 2, []batch{{0, 2}, {2, 4}, {4, 5}}},
		{[]movedConn{large, large, large, large, {}}, 9, []batch{{0, 3}, {3, 5}}},
	} {
		if got := batches(c.list, c.most); !slices.Equal(got, c.want) {
			t.Errorf("%d conns, %d at a time: %v, want %v", len(c.list), c.most, got, c.want)
		}
	}
}
