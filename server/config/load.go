package config

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/BurntSushi/toml"
)

// maxSize is the size limit of a configuration file in bytes: some ten thousand streams.
const maxSize = 4 << 20

// Load reads and checks a configuration file. Its error joins everything that is wrong with the file, one line each.
func Load(path string) (*Config, error) {
	data, err := read(path)
	if err != nil {
		return nil, err
	}
	return Parse(data, path)
}

// LoadToSign is Load for whoever only signs URLs: nothing is a mistake but what is wrong with the paths of streams and
// their view_keys. So it needs no right to read or to write what else the file names.
func LoadToSign(path string) (*Config, error) {
	return loadBut(path, func(_ *Config, c complaint) bool { return !aboutSigning(c.key) })
}

func aboutSigning(key string) bool {
	rest, _ := strings.CutPrefix(key, "streams")
	_, rest, _ = strings.Cut(rest, "]")
	return strings.HasPrefix(key, "streams") &&
		(rest == "" || strings.HasPrefix(rest, ".path") || strings.HasPrefix(rest, ".view_keys"))
}

// LoadAsGuest is Load for whoever looks at a pump that another user runs: a file that only this user may not read or
// write is a warning, unless it has a secret that would be one of the values.
func LoadAsGuest(path string) (*Config, error) {
	return loadBut(path, warnsGuest)
}

func warnsGuest(cfg *Config, c complaint) bool {
	if !c.denied || isSecret(c.key) {
		return false
	}
	cfg.Warnings = append(cfg.Warnings, c.text+" (for this user)")
	return true
}

// loadBut is Load without the complaints that bearable says true of.
func loadBut(path string, bearable func(*Config, complaint) bool) (*Config, error) {
	data, err := read(path)
	if err != nil {
		return nil, err
	}
	f, cfg, err := parse(data, path)
	if err != nil {
		return nil, err
	}
	f.errs = slices.DeleteFunc(f.errs, func(c complaint) bool { return bearable(cfg, c) })
	if err := f.err(); err != nil {
		return nil, err
	}
	return cfg, nil
}

func read(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, maxSize+1))
	if err == nil && len(data) == 0 {
		err = fmt.Errorf("%s: the file is empty", path) // perhaps it is being written: a reload would take all streams away
	}
	return data, err
}

// Parse is Load of a file that is in memory. name is the file's path: it stands in errors, and names of certificates
// and media files count from its directory.
func Parse(data []byte, name string) (*Config, error) {
	f, cfg, err := parse(data, name)
	if err == nil {
		err = f.err()
	}
	if err != nil {
		return nil, err
	}
	return cfg, nil
}

// parse is Parse, but leaves what is wrong with keys and values in the document. An error is one of the file as a
// whole: there is no document then.
func parse(data []byte, name string) (*document, *Config, error) {
	if len(data) > maxSize {
		return nil, nil, fmt.Errorf("%s: larger than %d bytes", name, maxSize)
	}
	if line := notUTF8(data); line > 0 {
		return nil, nil, fmt.Errorf("%s:%d: not UTF-8, save the file in that encoding", name, line)
	}
	text := strings.TrimPrefix(string(data), "\uFEFF") // Windows editors begin a file with it
	lines, deep := findKeys(text)
	if deep > 0 {
		return nil, nil, fmt.Errorf("%s:%d: nested more than %d deep", name, deep, maxNesting)
	}
	var doc map[string]any
	if _, err := toml.Decode(text, &doc); err != nil {
		return nil, nil, syntaxError(name, err, text, lines)
	}
	f := &document{name: name, lines: lines, bad: map[string]bool{}}
	cfg := Default()
	f.table("", doc, reflect.ValueOf(cfg).Elem())
	cfg.resolve(filepath.Dir(name))
	f.check(cfg)
	if f.plain {
		f.keepPrivate("", name)
	}
	cfg.Warnings, cfg.Files = f.warnings, append(f.files, name)
	return f, cfg, nil
}

// notUTF8 is the first line that is not, 0 if all are.
func notUTF8(data []byte) int {
	for i, line := range bytes.Split(data, []byte{'\n'}) {
		if !utf8.Valid(line) {
			return i + 1
		}
	}
	return 0
}

// resolve makes relative file names count from the directory of the configuration file.
func (c *Config) resolve(dir string) {
	from := func(file *string) {
		if *file != "" && !filepath.IsAbs(*file) {
			*file = filepath.Join(dir, *file)
		}
	}
	from(&c.Server.StateDir)
	if c.Server.AccessLog != AccessStdout {
		from(&c.Server.AccessLog)
	}
	for i := range c.TLS.Certificates {
		from(&c.TLS.Certificates[i].Cert)
		from(&c.TLS.Certificates[i].Key)
	}
	from(&c.TLS.ClientCA)
	for i := range c.Streams {
		s := &c.Streams[i]
		from(&s.File)
		from(&s.CAFile)
		from(&s.ClientCert)
		from(&s.ClientKey)
		from(&s.ForwardCAFile)
		from(&s.ForwardClientCert)
		from(&s.ForwardClientKey)
		if s.Slate != SlateBuiltin {
			from(&s.Slate)
		}
	}
}
