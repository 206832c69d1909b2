// Package gobtest has what the tests of descriptions share that go from one process to another.
package gobtest

import (
	"bytes"
	"encoding/binary"
	"encoding/gob"
	"math"
	"reflect"
	"testing"
)

// Passed is v as another process gets it.
func Passed[T any](t testing.TB, v T) (got T) {
	t.Helper()
	if err := gob.NewDecoder(bytes.NewReader(Encoded(t, v))).Decode(&got); err != nil {
		t.Fatal(err)
	}
	return got
}

// Encoded is v by gob.
func Encoded(t testing.TB, v any) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := gob.NewEncoder(&b).Encode(v); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// Spoil changes some of the values in what v points to, as a script says, which has four bytes for each: two for which
// it is, one for how, one for by how much.
func Spoil(v any, script []byte) {
	for ; len(script) >= 4; script = script[4:] {
		leaves := leavesOf(nil, reflect.ValueOf(v).Elem())
		if len(leaves) == 0 {
			return
		}
		n := int(binary.LittleEndian.Uint16(script))
		spoil(leaves[n%len(leaves)], script[2], script[3])
	}
}

// leavesOf adds all of v that has no parts, and the slices for their lengths.
func leavesOf(leaves []reflect.Value, v reflect.Value) []reflect.Value {
	switch v.Kind() {
	case reflect.Struct:
		for _, f := range v.Fields() {
			if f.CanSet() {
				leaves = leavesOf(leaves, f)
			}
		}
	case reflect.Pointer:
		leaves = append(leaves, v)
		if !v.IsNil() {
			leaves = leavesOf(leaves, v.Elem())
		}
	case reflect.Slice:
		leaves = append(leaves, v)
		if v.Type().Elem().Kind() != reflect.Uint8 {
			for i := range v.Len() {
				leaves = leavesOf(leaves, v.Index(i))
			}
		}
	case reflect.Bool, reflect.String, reflect.Int, reflect.Int32, reflect.Int64, reflect.Uint8, reflect.Uint32,
		reflect.Uint64, reflect.Float64:
		leaves = append(leaves, v)
	}
	return leaves
}

func spoil(v reflect.Value, how, by byte) {
	switch v.Kind() {
	case reflect.Bool:
		v.SetBool(!v.Bool())
	case reflect.String:
		v.SetString(v.String()[:min(int(by), v.Len())])
	case reflect.Int, reflect.Int32, reflect.Int64:
		v.SetInt(int64(changed(uint64(v.Int()), how, by)))
	case reflect.Uint8, reflect.Uint32, reflect.Uint64:
		v.SetUint(changed(v.Uint(), how, by))
	case reflect.Float64:
		v.SetFloat(math.Float64frombits(changed(math.Float64bits(v.Float()), how, by)))
	case reflect.Pointer:
		v.SetZero()
	case reflect.Slice:
		spoilSlice(v, how, by)
	}
}

// changed is n a little up or down, or somewhere far away.
func changed(n uint64, how, by byte) uint64 {
	switch how % 4 {
	case 0:
		return n + uint64(by)
	case 1:
		return n - uint64(by)
	case 2:
		return uint64(by)
	}
	return 1 << (by % 64)
}

// spoilSlice leaves elements out, has one twice, or changes a byte.
func spoilSlice(v reflect.Value, how, by byte) {
	n := v.Len()
	if n == 0 {
		return
	}
	i := int(by) % n
	copied := reflect.AppendSlice(reflect.MakeSlice(v.Type(), 0, n+1), v) // others may have these as well
	switch {
	case how%3 == 0:
		v.Set(copied.Slice(0, i))
	case how%3 == 1:
		v.Set(reflect.AppendSlice(copied.Slice(0, i+1), v.Slice(i, n)))
	default:
		if e := copied.Index(i); e.Kind() == reflect.Uint8 {
			e.SetUint(uint64(how))
		} else {
			e.Set(copied.Index(int(how) % n))
		}
		v.Set(copied)
	}
}
