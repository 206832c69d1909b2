package server

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"unicode/utf8"

	"github.com/BurntSushi/toml"
)

// maxConfig is the size limit of a configuration file in bytes: some ten thousand streams.
const maxConfig = 4 << 20

// LoadConfig reads and checks a configuration file. Its error joins everything that is wrong with the file, one line
// each.
func LoadConfig(path string) (*Config, error) {
	data, err := readConfig(path)
	if err != nil {
		return nil, err
	}
	return ParseConfig(data, path)
}

func readConfig(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return io.ReadAll(io.LimitReader(f, maxConfig+1))
}

// ParseConfig is LoadConfig of a file that is in memory. name is the file's path: it stands in errors, and names of
// certificates and media files count from its directory.
func ParseConfig(data []byte, name string) (*Config, error) {
	f, cfg, err := parseConfig(data, name)
	if err == nil {
		err = f.err()
	}
	if err != nil {
		return nil, err
	}
	return cfg, nil
}

// parseConfig is ParseConfig up to where all that is wrong is in the file's list; an error is that there is no such
// list.
func parseConfig(data []byte, name string) (*configFile, *Config, error) {
	if len(data) > maxConfig {
		return nil, nil, fmt.Errorf("%s: larger than %d bytes", name, maxConfig)
	}
	if !utf8.Valid(data) {
		return nil, nil, fmt.Errorf("%s: not UTF-8", name)
	}
	text := strings.TrimPrefix(string(data), "\uFEFF") // Windows editors begin a file with it
	lines, deep := findKeys(text)
	if deep > 0 {
		return nil, nil, fmt.Errorf("%s:%d: nested more than %d deep", name, deep, maxNesting)
	}
	var doc map[string]any
	if _, err := toml.Decode(text, &doc); err != nil {
		return nil, nil, syntaxError(name, err, lines)
	}
	f := &configFile{name: name, lines: lines, bad: map[string]bool{}}
	cfg := DefaultConfig()
	f.table("", doc, reflect.ValueOf(cfg).Elem())
	cfg.resolve(filepath.Dir(name))
	f.check(cfg)
	return f, cfg, nil
}

// resolve makes relative file names count from the directory of the configuration file.
func (c *Config) resolve(dir string) {
	from := func(file *string) {
		if *file != "" && !filepath.IsAbs(*file) {
			*file = filepath.Join(dir, *file)
		}
	}
	for i := range c.TLS.Certificates {
		from(&c.TLS.Certificates[i].Cert)
		from(&c.TLS.Certificates[i].Key)
	}
	for i := range c.Streams {
		s := &c.Streams[i]
		from(&s.File)
		from(&s.CAFile)
		if s.Slate != slateBuiltin {
			from(&s.Slate)
		}
	}
}
