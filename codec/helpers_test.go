package codec

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"unsafe"
)

// maxHead is the limit that servers will use, in bytes.
const maxHead = 16 << 10

// show prints every field of a struct that is not as an empty head leaves it, so that a table's want is one line that
// leaves nothing out.
func show(v any) string {
	var out []string
	showFields(&out, reflect.ValueOf(v))
	return strings.Join(out, " ")
}

func showFields(out *[]string, v reflect.Value) {
	for i := range v.NumField() {
		name, field := v.Type().Field(i).Name, v.Field(i)
		switch field.Kind() {
		case reflect.Struct:
			*out = append(*out, "|")
			showFields(out, field)
		case reflect.Array:
			for i := range field.Len() {
				if line := field.Index(i); !line.IsNil() {
					*out = append(*out, fmt.Sprintf("%s=%q", name, line.Bytes()))
				}
			}
		case reflect.Slice:
			if !field.IsNil() {
				*out = append(*out, fmt.Sprintf("%s=%q", name, field.Bytes()))
			}
		case reflect.Bool:
			if field.Bool() {
				*out = append(*out, name)
			}
		default:
			unset := int64(0)
			if name == "ContentLength" || name == "Play" {
				unset = -1
			}
			if field.CanInt() && field.Int() != unset || field.CanUint() && field.Uint() != 0 {
				*out = append(*out, fmt.Sprintf("%s=%d", name, field.Interface()))
			}
		}
	}
}

// checkAliases fails if a slice anywhere in v does not lie within b.
func checkAliases(t *testing.T, b []byte, v any) {
	t.Helper()
	walk(t, b, reflect.ValueOf(v))
}

func walk(t *testing.T, b []byte, v reflect.Value) {
	t.Helper()
	for i := range v.NumField() {
		switch field := v.Field(i); field.Kind() {
		case reflect.Struct:
			walk(t, b, field)
		case reflect.Array:
			for i := range field.Len() {
				if line := field.Index(i).Bytes(); !within(b, line) {
					t.Errorf("%s %q lies outside the input", v.Type().Field(i).Name, line)
				}
			}
		case reflect.Slice:
			if !within(b, field.Bytes()) {
				t.Errorf("%s %q lies outside the input", v.Type().Field(i).Name, field.Bytes())
			}
		}
	}
}

func within(b, s []byte) bool {
	if len(s) == 0 {
		return true
	}
	from := uintptr(unsafe.Pointer(unsafe.SliceData(b)))
	at := uintptr(unsafe.Pointer(unsafe.SliceData(s)))
	return at >= from && at+uintptr(len(s)) <= from+uintptr(len(b))
}

// readCaptures returns the files of one directory of testdata.
func readCaptures(tb testing.TB, dir string) map[string][]byte {
	tb.Helper()
	names, err := filepath.Glob(filepath.Join("testdata", dir, "*"))
	if err != nil || len(names) == 0 {
		tb.Fatalf("testdata/%s: %d files, %v", dir, len(names), err)
	}
	files := map[string][]byte{}
	for _, name := range names {
		b, err := os.ReadFile(name)
		if err != nil {
			tb.Fatal(err)
		}
		files[filepath.Base(name)] = b
	}
	return files
}

// addFields adds the values of a field in all captured requests.
func addFields(f *testing.F, name string, add func(value []byte)) {
	n := 0
	for _, request := range readCaptures(f, "request") {
		for line := range bytes.Lines(request) {
			if got, value, ok := bytes.Cut(bytes.TrimRight(line, "\r\n"), []byte(": ")); ok && string(got) == name {
				add(value)
				n++
			}
		}
	}
	if n == 0 {
		f.Fatalf("no captured request has a field %s", name)
	}
}

// addSeed leaves out what is long for the sake of a limit: the fuzzer would spend all its time on making it shorter.
func addSeed(f *testing.F, in []byte, more ...any) {
	if len(in) <= 4096 {
		f.Add(append([]any{in}, more...)...)
	}
}

func lines(s ...string) string { return strings.Join(s, "\r\n") + "\r\n\r\n" }
