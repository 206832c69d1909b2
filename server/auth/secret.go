package auth

import (
	"fmt"
	"log/slog"
)

// A Secret is what nobody may read in a log, an error or a dump of the configuration: a password, a key, or a name with
// one behind it. It prints as a word in its place, whatever the verb; who has to know it converts it to a string.
type Secret string

const hidden = "(secret)"

// Format is asked by package fmt for every verb.
func (Secret) Format(s fmt.State, _ rune) { _, _ = s.Write([]byte(hidden)) }

// String is for those who ask for it by name.
func (Secret) String() string { return hidden }

// LogValue is asked by package slog.
func (Secret) LogValue() slog.Value { return slog.StringValue(hidden) }

// MarshalText is asked by encoders such as JSON's.
func (Secret) MarshalText() ([]byte, error) { return []byte(hidden), nil }
