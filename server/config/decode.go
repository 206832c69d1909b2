package config

import (
	"encoding"
	"fmt"
	"reflect"
)

// table sets the fields of a struct from a TOML table. The library's own decoding into structs stops at the first
// mistake, knows no lines inside arrays of tables, and does not care about the case of keys.
func (f *document) table(name string, from map[string]any, to reflect.Value) {
	fields := map[string]reflect.Value{}
	for i := range to.NumField() {
		if key := to.Type().Field(i).Tag.Get("toml"); key != "" {
			fields[key] = to.Field(i)
		}
	}
	for key, value := range from {
		if field, ok := fields[key]; ok {
			f.value(keyName(name, key), value, field)
		} else {
			f.wrong(keyName(name, key), "unknown key, %s", nearestKey(name, key))
		}
	}
}

// value sets one field, which keeps its default if the value is wrong.
func (f *document) value(name string, from any, to reflect.Value) {
	text, isText := from.(string)
	if u, ok := reflect.TypeAssert[encoding.TextUnmarshaler](to.Addr()); ok {
		before := to.Interface()
		if !isText || u.UnmarshalText([]byte(text)) != nil {
			to.Set(reflect.ValueOf(before))
			f.mismatch(name, from, to.Type())
		}
		return
	}
	number, isNumber := from.(int64)
	switch list, table := asList(from), asTable(from); {
	case to.Kind() == reflect.Struct && table != nil:
		f.table(name, table, to)
	case to.Kind() == reflect.Slice && list != nil:
		f.list(name, list, to)
	case to.Kind() == reflect.String && isText:
		to.SetString(text)
	case to.Kind() == reflect.Bool && reflect.TypeOf(from) == to.Type():
		to.Set(reflect.ValueOf(from))
	case to.Kind() == reflect.Int && isNumber && !to.OverflowInt(number):
		to.SetInt(number)
	default:
		f.mismatch(name, from, to.Type())
	}
}

func (f *document) list(name string, from []any, to reflect.Value) {
	to.Set(reflect.MakeSlice(to.Type(), len(from), len(from)))
	for i, value := range from {
		element := to.Index(i)
		if s, ok := reflect.TypeAssert[*Stream](element.Addr()); ok {
			s.setDefaults()
		}
		f.value(Item(name, i), value, element)
	}
}

// mismatch complains about a value of a wrong type. It shows numbers and strings, but nothing that can have a secret
// in it.
func (f *document) mismatch(name string, from any, want reflect.Type) {
	got := "a list"
	switch v := from.(type) {
	case string:
		got = fmt.Sprintf("%.80q", v)
	case int64, float64, bool:
		got = fmt.Sprint(v)
	case map[string]any:
		got = "a table"
	case []any, []map[string]any:
	default:
		got = "a date or time"
	}
	if isSecret(name) && asTable(from) == nil && asList(from) == nil {
		got = "the value"
	}
	text := wanted(want)
	if want.Kind() == reflect.Struct && outer(name) == "" {
		text = fmt.Sprintf("one table, headed [%s]", name)
	}
	f.wrong(name, "%s, want %s", got, text)
}

// wanted describes the values of a type to the operator.
func wanted(t reflect.Type) string {
	switch t {
	case reflect.TypeFor[Duration]():
		return `a duration such as "3s" or "100ms"`
	case reflect.TypeFor[Burst]():
		return `a duration such as "3s" or "100ms", or "auto"`
	case reflect.TypeFor[Bandwidth]():
		return wantBandwidth
	case reflect.TypeFor[Share]():
		return wantShare
	case reflect.TypeFor[Quota]():
		return wantQuota
	case reflect.TypeFor[Uplink]():
		return wantBandwidth + `, or "auto"`
	case reflect.TypeFor[Merge]():
		return `"auto" or a duration such as "100ms"`
	case reflect.TypeFor[[]Stream]():
		return "tables headed [[streams]]"
	case reflect.TypeFor[[]Certificate]():
		return `a list such as [{ cert = "pump.crt", key = "pump.key" }]`
	case reflect.TypeFor[Certificate]():
		return `a table such as { cert = "pump.crt", key = "pump.key" }`
	case reflect.TypeFor[Stream]():
		return "a table headed [[streams]]"
	}
	switch t.Kind() {
	case reflect.String:
		return "a string in quotes"
	case reflect.Slice:
		return "a list of strings in brackets"
	case reflect.Bool:
		return "true or false"
	case reflect.Int:
		return "a whole number"
	default:
		return "a table"
	}
}

// asTable returns nil for what is not a table.
func asTable(v any) map[string]any {
	t, _ := v.(map[string]any)
	return t
}

// asList returns nil for what is not a list; the TOML library has a second type for lists of tables.
func asList(v any) []any {
	if tables, ok := v.([]map[string]any); ok {
		list := make([]any, len(tables))
		for i, t := range tables {
			list[i] = t
		}
		return list
	}
	l, _ := v.([]any)
	return l
}
