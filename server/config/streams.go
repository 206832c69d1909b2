package config

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
)

// PushSuffix is what an encoder adds to the path of its stream.
const PushSuffix = "_push"

// streamKeys are the keys that only some types of streams have, and which types these are.
var streamKeys = []struct {
	key string
	of  []string
}{
	{"push_users", []string{TypePush}},
	{"push_from", []string{TypePush}},
	{"push_certs", []string{TypePush}},
	{"client_cert", []string{TypePull}},
	{"client_key", []string{TypePull}},
	{"on_second_push", []string{TypePush}},
	{"url", []string{TypePull}},
	{"urls", []string{TypePull}},
	{"failback", []string{TypePull}},
	{"pair", []string{TypePull}},
	{"pair_switch", []string{TypePull}},
	{"on_demand", []string{TypePull}},
	{"idle_close", []string{TypePull}},
	{"ca_file", []string{TypePull}},
	{"fingerprint", []string{TypePull}},
	{"follow_redirects", []string{TypePull}},
	{"slate", []string{TypePush, TypePull}},
	{"slate_after", []string{TypePush, TypePull}},
	{"file", []string{TypeFile}},
}

func (f *document) checkStreams(c *Config) {
	streams := c.Streams
	users := make(map[string]int, len(streams)) // path in lower case to index
	for i := range streams {
		name := Item("streams", i)
		f.checkPath(name, streams, i, users)
		f.checkStream(name, &streams[i])
		f.checkPushCerts(name+".push_certs", streams[i].PushCerts, &c.TLS)
		f.checkCircle(name, c, &streams[i])
	}
	for i := range streams {
		base, isPush := strings.CutSuffix(strings.ToLower(streams[i].Path), PushSuffix)
		if j, taken := users[base]; isPush && taken {
			f.wrong(keyName(Item("streams", i), "path"), "%q, encoders of %s (line %d) push to this path",
				streams[i].Path, Item("streams", j), f.line(Item("streams", j)+".path"))
		}
	}
}

// checkPath wants a path that no stream before has, and adds it to users.
func (f *document) checkPath(name string, streams []Stream, i int, users map[string]int) {
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
		f.wrong(key, "%q, already used by %s (line %d)", path, Item("streams", j),
			f.line(Item("streams", j)+".path"))
		return
	}
	users[lower] = i
}

// isPath wants one segment of a URL that needs no escapes and, unlike "..", stands for itself.
func isPath(s string) bool {
	return s != "" && len(s) <= maxPath && strings.Trim(s, ".") != "" &&
		!strings.ContainsFunc(s, func(r rune) bool { return !isWord(r) && r != '.' && r != '-' })
}

func (f *document) checkStream(name string, s *Stream) {
	if len(s.Title) > maxTitle || strings.ContainsFunc(s.Title, unicode.IsControl) {
		f.wrong(name+".title", "%.80q, want up to %d bytes without control characters", s.Title, maxTitle)
	}
	if !f.has(name + ".type") {
		f.wrong(name+".type", "missing, want %q, %q or %q", TypePush, TypePull, TypeFile)
		return
	}
	f.oneOf(name+".type", s.Type, TypePush, TypePull, TypeFile)
	if f.bad[name+".type"] {
		return // what else it needs depends on the type
	}
	for _, k := range streamKeys {
		if key := keyName(name, k.key); !slices.Contains(k.of, s.Type) && f.has(key) {
			f.wrong(key, `not for type %q, only for "%s"`, s.Type, strings.Join(k.of, `" and "`))
		}
	}
	f.checkAway(name, s)
	f.checkView(name, s)
	switch s.Type {
	case TypePush:
		f.oneOf(name+".on_second_push", s.OnSecondPush, "takeover", "refuse")
		f.checkUsers(name+".push_users", s.PushUsers)
		f.checkNetworks(name+".push_from", s.PushFrom)
	case TypePull:
		f.checkPull(name, s)
	case TypeFile:
		if s.File != "" {
			f.file(name+".file", s.File)
		}
	}
}

// checkUsers wants name:secret, and never shows what it got. Secrets that are elsewhere take the place of what says so.
func (f *document) checkUsers(key string, users []auth.Secret) {
	var names []string
	for i := range users {
		at := Item(key, i)
		name, secret, _ := strings.Cut(string(users[i]), ":")
		secret, ok := f.secret(at, secret)
		user := name + ":" + secret
		switch {
		case !ok:
		case name+":" == fromEnv || name+":" == fromFile: // else that would be the name, and what follows the password
			f.wrong(at, `%q stands for a secret and not for a whole user, want "name:%s:…"`, name+":…", name)
		case name == "" || secret == "" || len(user) > maxUser:
			f.wrong(at, `the value, want "name:secret" of up to %d bytes`, maxUser)
		case strings.ContainsFunc(user, unicode.IsControl) || strings.ContainsAny(name, `"\`):
			f.wrong(at, `the value, want a name without quotes and backslashes, and no control characters`)
		case slices.Contains(names, name):
			f.wrong(at, "%q, there already is a user of that name", name)
		default:
			f.checkPassword(at, name, secret)
		}
		names = append(names, name)
		users[i] = auth.Secret(user)
	}
}

// checkPassword wants a hash to be one that can be compared with in time, and warns of a password that can be guessed.
func (f *document) checkPassword(key, name, secret string) {
	if err := auth.CheckHash(secret); err != nil {
		f.wrong(key, "%v", err)
	}
	if why := weak(name, secret); why != "" {
		f.closer = append(f.closer, f.about(key, "the password of %q %s", name, why))
	}
}

func (f *document) checkNetworks(key string, networks []string) {
	for i, n := range networks {
		if _, err := auth.ParseNetwork(n); err != nil {
			f.wrong(Item(key, i),
				`%.80q, want an address or a network such as "192.0.2.7", "10.0.0.0/8" or "2001:db8::/32"`, n)
		}
	}
}

// checkPushCerts wants names, somebody who signs them, and where to show certificates.
func (f *document) checkPushCerts(key string, names []string, t *TLS) {
	for i, name := range names {
		if name == "" || len(name) > maxTitle || strings.ContainsFunc(name, unicode.IsControl) {
			f.wrong(Item(key, i), "%.80q, want a name as a certificate has it, such as %q", name, "encoder.example")
			return
		}
	}
	switch {
	case len(names) == 0:
	case t.ClientCA == "":
		f.wrong(key, "there is no tls.client_ca, which says who signs such certificates")
	case len(t.Listen) == 0:
		f.wrong(key, "there is no tls.listen, and only TLS shows such certificates")
	}
}

// checkAway is about what viewers get while there is no source.
func (f *document) checkAway(name string, s *Stream) {
	if s.OnDemand && !f.has(name+".hold") {
		s.Hold = onDemandHold
	}
	f.between(name+".hold", s.Hold, 0, maxHold)
	f.between(name+".slate_after", s.SlateAfter, 0, time.Hour)
	if s.Slate != "" && s.Slate != SlateBuiltin {
		f.file(name+".slate", s.Slate)
	}
}

const (
	onDemandHold = Duration(10 * time.Second) // what hold is where on_demand is true
	maxHold      = 5 * time.Minute
)
