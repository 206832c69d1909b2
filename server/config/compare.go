package config

import (
	"encoding"
	"reflect"
	"slices"
)

// Changes are what one configuration has otherwise than another, by the names of the manual.
type Changes struct {
	Keys    []string  // outside of streams, in the order of the manual, as "timeouts.stall"
	Added   []*Stream // of the second one
	Removed []*Stream // of the first one
	Changed []StreamChange
}

// A StreamChange is a stream that both have, by its path, and that is not the same in both.
type StreamChange struct {
	From, To *Stream
	Keys     []string // as "streams[].title"
}

// None says that both say the same.
func (c *Changes) None() bool {
	return len(c.Keys)+len(c.Added)+len(c.Removed)+len(c.Changed) == 0
}

// Compare says what is otherwise in to than in from. A stream that is switched off counts as one that is not there.
func Compare(from, to *Config) *Changes {
	var c Changes
	differences("", reflect.ValueOf(from).Elem(), reflect.ValueOf(to).Elem(), &c.Keys)
	before, after := byPath(from.Streams), byPath(to.Streams)
	for i := range to.Streams {
		now := &to.Streams[i]
		was := before[now.Path]
		switch {
		case !now.Enabled:
		case was == nil:
			c.Added = append(c.Added, now)
		default:
			change := StreamChange{From: was, To: now}
			differences("streams[]", reflect.ValueOf(was).Elem(), reflect.ValueOf(now).Elem(), &change.Keys)
			if len(change.Keys) > 0 {
				c.Changed = append(c.Changed, change)
			}
		}
	}
	for i := range from.Streams {
		if was := &from.Streams[i]; was.Enabled && after[was.Path] == nil {
			c.Removed = append(c.Removed, was)
		}
	}
	return &c
}

// byPath has the streams that are on. A path that is spelled otherwise is another stream: it is in logs and URLs.
func byPath(streams []Stream) map[string]*Stream {
	m := make(map[string]*Stream, len(streams))
	for i := range streams {
		if streams[i].Enabled {
			m[streams[i].Path] = &streams[i]
		}
	}
	return m
}

// differences appends the keys of a table, named table, that two structs have otherwise. [[streams]] are left out.
func differences(table string, a, b reflect.Value, keys *[]string) {
	for i := range a.NumField() {
		field := a.Type().Field(i)
		key := keyName(table, field.Tag.Get("toml"))
		switch {
		case field.Tag.Get("toml") == "", field.Type == reflect.TypeFor[[]Stream]():
		case isTable(field.Type):
			differences(key, a.Field(i), b.Field(i), keys)
		case !sameValue(a.Field(i), b.Field(i)):
			*keys = append(*keys, key)
		}
	}
}

// sameValue takes an empty list and one that is left out for the same.
func sameValue(a, b reflect.Value) bool {
	if a.Kind() == reflect.Slice && a.Len() == 0 && b.Len() == 0 {
		return true
	}
	return reflect.DeepEqual(a.Interface(), b.Interface())
}

// isTable says that a struct is a table of keys, and not a value that is written as text.
func isTable(t reflect.Type) bool {
	return t.Kind() == reflect.Struct && !reflect.PointerTo(t).Implements(reflect.TypeFor[encoding.TextUnmarshaler]())
}

// With is a copy of c that has those keys, outside of streams, as from has them.
func (c *Config) With(from *Config, keys []string) *Config {
	with := *c
	copyKeys("", reflect.ValueOf(&with).Elem(), reflect.ValueOf(from).Elem(), keys)
	return &with
}

func copyKeys(table string, to, from reflect.Value, keys []string) {
	for i := range to.NumField() {
		key := keyName(table, to.Type().Field(i).Tag.Get("toml"))
		switch {
		case slices.Contains(keys, key):
			to.Field(i).Set(from.Field(i))
		case isTable(to.Field(i).Type()):
			copyKeys(key, to.Field(i), from.Field(i), keys)
		}
	}
}

// Keys are all that there can be, by the names of the manual: "timeouts.stall", "streams[].title". A list of tables
// other than streams is one key, as Changes have it.
func Keys() (keys []string) {
	var add func(table string, t reflect.Type)
	add = func(table string, t reflect.Type) {
		for field := range t.Fields() {
			switch key := keyName(table, field.Tag.Get("toml")); {
			case field.Tag.Get("toml") == "":
			case field.Type == reflect.TypeFor[[]Stream]():
				add(key+"[]", reflect.TypeFor[Stream]())
			case isTable(field.Type):
				add(key, field.Type)
			default:
				keys = append(keys, key)
			}
		}
	}
	add("", reflect.TypeFor[Config]())
	return keys
}
