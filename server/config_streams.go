package server

import (
	"slices"
	"strings"
	"time"
	"unicode"

	"pumpd/server/auth"
)

const (
	maxPath  = 128 // bytes of streams.path
	maxTitle = 256 // bytes
	maxUser  = 255 // bytes, name and secret together

	// pushSuffix is what an encoder adds to the path of its stream.
	pushSuffix = "_push"
)

// streamKeys are the keys that only some types of streams have, and which types these are.
var streamKeys = []struct {
	key string
	of  []string
}{
	{"push_users", []string{typePush}},
	{"push_from", []string{typePush}},
	{"on_second_push", []string{typePush}},
	{"url", []string{typePull}},
	{"urls", []string{typePull}},
	{"failback", []string{typePull}},
	{"pair", []string{typePull}},
	{"pair_switch", []string{typePull}},
	{"on_demand", []string{typePull}},
	{"idle_close", []string{typePull}},
	{"ca_file", []string{typePull}},
	{"fingerprint", []string{typePull}},
	{"follow_redirects", []string{typePull}},
	{"slate", []string{typePush, typePull}},
	{"slate_after", []string{typePush, typePull}},
	{"file", []string{typeFile}},
}

func (f *configFile) checkStreams(streams []StreamConfig) {
	users := make(map[string]int, len(streams)) // path in lower case to index
	for i := range streams {
		name := elementName("streams", i)
		f.checkPath(name, streams, i, users)
		f.checkStream(name, &streams[i])
	}
	for i := range streams {
		base, isPush := strings.CutSuffix(strings.ToLower(streams[i].Path), pushSuffix)
		if j, taken := users[base]; isPush && taken {
			f.wrong(keyName(elementName("streams", i), "path"), "%q, encoders of %s (line %d) push to this path",
				streams[i].Path, elementName("streams", j), f.line(elementName("streams", j)+".path"))
		}
	}
}

// checkPath wants a path that no stream before has, and adds it to users.
func (f *configFile) checkPath(name string, streams []StreamConfig, i int, users map[string]int) {
	key, path := name+".path", streams[i].Path
	switch {
	case !f.has(key):
		f.wrong(key, "missing")
		return
	case !isPath(path):
		f.wrong(key, "%.200q, want up to %d letters, digits, and . _ -", path, maxPath)
		return
	}
	lower := strings.ToLower(path)
	if j, taken := users[lower]; taken {
		f.wrong(key, "%q, already used by %s (line %d)", path, elementName("streams", j),
			f.line(elementName("streams", j)+".path"))
		return
	}
	users[lower] = i
}

// isPath wants one segment of a URL that needs no escapes and, unlike "..", stands for itself.
func isPath(s string) bool {
	return s != "" && len(s) <= maxPath && strings.Trim(s, ".") != "" &&
		!strings.ContainsFunc(s, func(r rune) bool { return !isWord(r) && r != '.' && r != '-' })
}

func (f *configFile) checkStream(name string, s *StreamConfig) {
	if len(s.Title) > maxTitle || strings.ContainsFunc(s.Title, unicode.IsControl) {
		f.wrong(name+".title", "%.80q, want up to %d bytes without control characters", s.Title, maxTitle)
	}
	if !f.has(name + ".type") {
		f.wrong(name+".type", "missing, want %q, %q or %q", typePush, typePull, typeFile)
		return
	}
	f.oneOf(name+".type", s.Type, typePush, typePull, typeFile)
	if f.bad[name+".type"] {
		return // what else it needs depends on the type
	}
	for _, k := range streamKeys {
		if key := keyName(name, k.key); !slices.Contains(k.of, s.Type) && f.has(key) {
			f.wrong(key, `not for type %q, only for "%s"`, s.Type, strings.Join(k.of, `" and "`))
		}
	}
	f.checkAway(name, s)
	switch s.Type {
	case typePush:
		f.oneOf(name+".on_second_push", s.OnSecondPush, "takeover", "refuse")
		f.checkPushUsers(name+".push_users", s.PushUsers)
		f.checkPushFrom(name+".push_from", s.PushFrom)
	case typePull:
		f.checkPull(name, s)
	case typeFile:
		if s.File != "" {
			f.file(name+".file", s.File)
		}
	}
}

// checkPushUsers wants name:secret, and never shows what it got.
func (f *configFile) checkPushUsers(key string, users []string) {
	var names []string
	for i, user := range users {
		name, secret, _ := strings.Cut(user, ":")
		switch {
		case name == "" || secret == "" || len(user) > maxUser:
			f.wrong(elementName(key, i), `the value, want "name:secret" of up to %d bytes`, maxUser)
		case strings.ContainsFunc(user, unicode.IsControl) || strings.ContainsAny(name, `"\`):
			f.wrong(elementName(key, i), `the value, want a name without quotes and backslashes, and no control characters`)
		case slices.Contains(names, name):
			f.wrong(elementName(key, i), "%q, there already is a user of that name", name)
		}
		names = append(names, name)
	}
}

func (f *configFile) checkPushFrom(key string, networks []string) {
	for i, n := range networks {
		if _, err := auth.ParseNetwork(n); err != nil {
			f.wrong(elementName(key, i),
				`%.80q, want an address or a network such as "192.0.2.7", "10.0.0.0/8" or "2001:db8::/32"`, n)
		}
	}
}

// checkAway is about what viewers get while there is no source.
func (f *configFile) checkAway(name string, s *StreamConfig) {
	if s.OnDemand && !f.has(name+".hold") {
		s.Hold = onDemandHold
	}
	f.between(name+".hold", s.Hold, 0, maxHold)
	f.between(name+".slate_after", s.SlateAfter, 0, time.Hour)
	if s.Slate != "" && s.Slate != slateBuiltin {
		f.file(name+".slate", s.Slate)
	}
}

const (
	onDemandHold = Duration(10 * time.Second) // what hold is where on_demand is true
	maxHold      = 5 * time.Minute
)
