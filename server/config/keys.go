package config

import (
	"fmt"
	"reflect"
	"strings"
)

// configKeys lists the keys of each table that pump.toml can have, in the order of the manual. Tables in lists are
// named streams[].
func configKeys() map[string][]string {
	keys := map[string][]string{}
	var add func(string, reflect.Type)
	add = func(table string, t reflect.Type) {
		for field := range t.Fields() {
			key := field.Tag.Get("toml")
			if key == "" {
				continue // it is nothing that the file could say
			}
			keys[table] = append(keys[table], key)
			switch inner, name := field.Type, keyName(table, key); {
			case isTable(inner):
				add(name, inner)
			case inner.Kind() == reflect.Slice && inner.Elem().Kind() == reflect.Struct:
				add(name+"[]", inner.Elem())
			}
		}
	}
	add("", reflect.TypeFor[Config]())
	return keys
}

// nearestKey advises somebody whose key is not known in a table: the key that is spelled most alike, first in the
// same table, then in others, or else all that the table has.
func nearestKey(table, key string) string {
	table = withoutIndex(table)
	keys := configKeys()
	best, advice := 1+2*max(2, len(key)/3), ""
	if len(key) > 40 {
		best = 0
	}
	for other, names := range keys {
		for _, name := range names {
			cost, text := 2*distance(strings.ToLower(key), name), fmt.Sprintf("did you mean %q?", name)
			if other != table {
				cost, text = cost+1, fmt.Sprintf("did you mean %q %s?", name, tableOf(other))
			}
			if cost < best || cost == best && text < advice {
				best, advice = cost, text
			}
		}
	}
	if advice == "" {
		return "want one of " + strings.Join(keys[table], ", ")
	}
	return advice
}

// withoutIndex turns streams[3] into streams[].
func withoutIndex(table string) string {
	before, rest, found := strings.Cut(table, "[")
	if !found {
		return table
	}
	_, after, _ := strings.Cut(rest, "]")
	return before + "[]" + after
}

// tableOf says where in the file a table of configKeys is.
func tableOf(table string) string {
	switch list, isList := strings.CutSuffix(table, "[]"); {
	case table == "":
		return "outside of all tables"
	case isList:
		return "in [[" + list + "]]"
	default:
		return "in [" + table + "]"
	}
}

// distance counts the insertions, deletions, substitutions and swaps of neighbours that make a into b.
func distance(a, b string) int {
	rows := make([][]int, len(a)+1)
	for i := range rows {
		rows[i] = make([]int, len(b)+1)
		rows[i][0] = i
	}
	for j := range b {
		rows[0][j+1] = j + 1
	}
	for i := 1; i <= len(a); i++ {
		for j := 1; j <= len(b); j++ {
			change := 1
			if a[i-1] == b[j-1] {
				change = 0
			}
			n := min(rows[i-1][j]+1, rows[i][j-1]+1, rows[i-1][j-1]+change)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				n = min(n, rows[i-2][j-2]+1)
			}
			rows[i][j] = n
		}
	}
	return rows[len(a)][len(b)]
}
