package config

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"pumpd/server/auth"
	"pumpd/server/upstream"
)

// A secret may stand in the configuration itself, or elsewhere, and then the configuration says where:
//
//	env:NAME     a variable of the environment that pumpd is started with
//	file:PATH    a file, without the line break at its end; PATH counts as file names do
//
// Both are read when the configuration is, so with each reload.
const (
	fromEnv  = "env:"
	fromFile = "file:"
)

const maxSecretFile = 4 << 10 // bytes

// secret gives what a value stands for. ok is false if that cannot be had; the document has the complaint then.
func (f *document) secret(key, value string) (secret string, ok bool) {
	var err error
	if name, is := strings.CutPrefix(value, fromEnv); is {
		secret, err = environment(name)
	} else if name, is := strings.CutPrefix(value, fromFile); is {
		if name != "" && !filepath.IsAbs(name) {
			name = filepath.Join(filepath.Dir(f.name), name)
		}
		f.keepPrivate(key, name)
		f.files = append(f.files, name)
		secret, err = secretFile(name)
	} else {
		f.plain = true
		return value, true
	}
	if err != nil {
		f.wrong(key, "%v", err)
	}
	return secret, err == nil
}

// locate replaces a URL, which can hold a password, by what it stands for.
func (f *document) locate(key string, url *string) {
	elsewhere := strings.HasPrefix(*url, fromEnv) || strings.HasPrefix(*url, fromFile)
	if !elsewhere && !strings.Contains(*url, "@") {
		return
	}
	s, ok := f.secret(key, *url)
	switch {
	case !ok:
	case elsewhere && !strings.Contains(s, "://") && !strings.HasPrefix(s, upstream.ServicePrefix):
		f.wrong(key, "what is in %s is no URL", *url) // and may be anything: it is not shown
	default:
		*url = s
	}
}

func environment(name string) (string, error) {
	secret, ok := os.LookupEnv(name)
	switch {
	case !ok:
		return "", fmt.Errorf("the environment has no variable %.80q", name)
	case secret == "":
		return "", fmt.Errorf("the environment's variable %.80q is empty", name)
	}
	return secret, nil
}

// secretFile reads a file of one line.
func secretFile(name string) (string, error) {
	if name == "" {
		return "", errors.New(`"file:", want the name of a file after it`)
	}
	if err := readable(name); err != nil {
		return "", err
	}
	file, err := os.Open(name)
	if err != nil {
		return "", err
	}
	defer file.Close()
	b, err := io.ReadAll(io.LimitReader(file, maxSecretFile+1))
	secret := strings.TrimSuffix(strings.TrimSuffix(string(b), "\n"), "\r")
	switch {
	case err != nil:
		return "", err
	case len(b) > maxSecretFile:
		return "", fmt.Errorf("%s: larger than %d bytes", name, maxSecretFile)
	case secret == "":
		return "", fmt.Errorf("%s: nothing in its first line", name)
	}
	return secret, nil
}

const othersMayRead fs.FileMode = 0o004

// keepPrivate warns of a file with a secret in it that everybody on the machine can read. key "" is the document.
func (f *document) keepPrivate(key, name string) {
	if info, err := os.Stat(name); err == nil && info.Mode()&othersMayRead != 0 {
		f.warn(key, "others can read %s and the secrets in it (mode %04o), want 0600, or 0640 for a group", name,
			info.Mode().Perm())
	}
}

// warn notes what can run all the same.
func (f *document) warn(key, format string, args ...any) {
	f.warnings = append(f.warnings, f.about(key, format, args...))
}

// weakLength is how short a password is that can be guessed: the brake lets 40,000 guesses a day through.
const weakLength = 8

// weak says what is wrong with a password that an operator may have made up in a hurry, "" for nothing.
func weak(name, password string) string {
	switch lower := strings.ToLower(password); {
	case auth.IsHash(password):
		return ""
	case len(password) < weakLength:
		return fmt.Sprintf("has less than %d characters", weakLength)
	case strings.EqualFold(name, password):
		return "is the name"
	case strings.Trim(lower, lower[:1]) == "", strings.Contains("0123456789012345678901234567890", lower),
		strings.HasPrefix(lower, "password"), strings.HasPrefix(lower, "changeme"):
		return "is one of the first that somebody would try"
	}
	return ""
}
