package config

import (
	"reflect"
	"slices"
	"testing"
	"time"
)

func TestCompare(t *testing.T) {
	from, to := Default(), Default()
	if c := Compare(from, to); !c.None() {
		t.Errorf("%+v between two that are the same", c)
	}
	from.Streams = []Stream{
		{Path: "stays", Enabled: true},
		{Path: "changes", Enabled: true, URLs: []string{"mms://a"}},
		{Path: "goes", Enabled: true},
		{Path: "off", Enabled: true},
		{Path: "on"},
		{Path: "spelled", Enabled: true},
	}
	to.Server.Merge, to.Server.Listen, to.Server.ReadyStreams = Merge{Interval: 1}, []string{":1", ":2"}, []string{}
	to.Timeouts.Stall = Duration(time.Second)
	to.TLS.Certificates = []Certificate{{"a", "b"}}
	to.Streams = []Stream{
		{Path: "comes", Enabled: true},
		{Path: "changes", Enabled: true, URLs: []string{"mms://b"}, Title: "A"},
		{Path: "stays", Enabled: true},
		{Path: "off"},
		{Path: "on", Enabled: true},
		{Path: "Spelled", Enabled: true},
		{Path: "never"},
	}
	c := Compare(from, to)
	want := []string{"server.listen", "server.merge", "timeouts.stall", "tls.certificates"}
	if !slices.Equal(c.Keys, want) {
		t.Errorf("keys: got %q, want %q", c.Keys, want)
	}
	paths := func(streams []*Stream) (list []string) {
		for _, st := range streams {
			list = append(list, st.Path)
		}
		return list
	}
	if got, want := paths(c.Added), []string{"comes", "on", "Spelled"}; !slices.Equal(got, want) {
		t.Errorf("added: got %q, want %q", got, want)
	}
	if got, want := paths(c.Removed), []string{"goes", "off", "spelled"}; !slices.Equal(got, want) {
		t.Errorf("removed: got %q, want %q", got, want)
	}
	if len(c.Changed) != 1 || c.Changed[0].From != &from.Streams[1] || c.Changed[0].To != &to.Streams[1] ||
		!slices.Equal(c.Changed[0].Keys, []string{"streams[].title", "streams[].urls"}) {
		t.Errorf("changed: got %+v", c.Changed)
	}
}

// A difference in any key at all is seen, and With takes each one back that is not of a stream.
func TestCompareSeesEveryKey(t *testing.T) {
	keys := Keys()
	changeEach(t, func() (any, *Config) { c := Default(); return c, c }, "", func(key string, to *Config) {
		from := Default()
		if got := Compare(from, to).Keys; !slices.Equal(got, []string{key}) || !slices.Contains(keys, key) {
			t.Errorf("%s: got %q", key, got)
		}
		if back := to.With(from, []string{key}); !Compare(from, back).None() {
			t.Errorf("%s: is not taken back", key)
		}
	})
	stream := func() (any, *Config) {
		c := Default()
		c.Streams = []Stream{{Path: "a", Enabled: true}}
		return &c.Streams[0], c
	}
	changeEach(t, stream, "streams[]", func(key string, to *Config) {
		_, from := stream()
		c := Compare(from, to)
		switch key {
		case "streams[].path", "streams[].enabled":
			if len(c.Removed) != 1 {
				t.Errorf("%s: got %+v", key, c)
			}
		default:
			if len(c.Changed) != 1 || !slices.Equal(c.Changed[0].Keys, []string{key}) || !slices.Contains(keys, key) {
				t.Errorf("%s: got %+v", key, c)
			}
		}
	})
}

// changeEach calls look with a configuration for each key of a table in which that one has another value.
func changeEach(t *testing.T, make func() (any, *Config), table string, look func(key string, to *Config)) {
	var each func(at []int, typ reflect.Type, table string)
	each = func(at []int, typ reflect.Type, table string) {
		for i := range typ.NumField() {
			field := typ.Field(i)
			at, key := append(slices.Clone(at), i), keyName(table, field.Tag.Get("toml"))
			switch {
			case field.Tag.Get("toml") == "", field.Type == reflect.TypeFor[[]Stream]():
			case isTable(field.Type):
				each(at, field.Type, key)
			default:
				of, c := make()
				otherwise(t, reflect.ValueOf(of).Elem().FieldByIndex(at))
				look(key, c)
			}
		}
	}
	of, _ := make()
	each(nil, reflect.TypeOf(of).Elem(), table)
}

// otherwise gives a value another.
func otherwise(t *testing.T, v reflect.Value) {
	switch v.Kind() {
	case reflect.String:
		v.SetString(v.String() + "x")
	case reflect.Bool:
		v.SetBool(!v.Bool())
	case reflect.Uint16, reflect.Uint32:
		v.SetUint(v.Uint() + 1)
	case reflect.Int, reflect.Int32, reflect.Int64:
		v.SetInt(v.Int() + 1)
	case reflect.Slice:
		v.Set(reflect.Append(v, reflect.New(v.Type().Elem()).Elem()))
	case reflect.Struct:
		otherwise(t, v.Field(0))
	default:
		t.Fatalf("%v: nothing known to change in it", v.Type())
	}
}
