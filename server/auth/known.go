package auth

import (
	"fmt"
	"strings"

	"golang.org/x/crypto/bcrypt"
)

// A known is what is kept of a password: what each scheme is checked against. A password that the configuration has as
// a hash of bcrypt's is that hash alone, and nobody can tell it, Digest or a thief.
type known struct {
	md5, sha256 string // H(A1), "" with a hash
	hash        []byte // bcrypt's; nil: the password is known
}

func know(name, password string) (known, error) {
	if IsHash(password) {
		return known{hash: []byte(password)}, CheckHash(password)
	}
	return known{md5: hashUser(md5Sum, name, realm, password), sha256: hashUser(sha256Sum, name, realm, password)}, nil
}

// of is H(A1) for a digest's algorithm.
func (k known) of(d *digest) string {
	if d.isSHA256() {
		return k.sha256
	}
	return k.md5
}

// maxCost is how slow a hash may be, as a power of 2: 14 takes about a second of a CPU, for each who logs in.
const maxCost = 14

// IsHash says whether what a configuration has for a password is a hash of bcrypt's, as htpasswd -B and others make it.
func IsHash(password string) bool {
	return strings.HasPrefix(password, "$2a$") || strings.HasPrefix(password, "$2b$") ||
		strings.HasPrefix(password, "$2y$")
}

const (
	hashSize   = 60 // bytes of a hash of bcrypt's
	hashDigits = "./$0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
)

// CheckHash complains about a hash of bcrypt's that is none, or too slow; it never shows one. Other passwords are fine.
func CheckHash(password string) error {
	if !IsHash(password) {
		return nil
	}
	switch cost, err := bcrypt.Cost([]byte(password)); {
	case err != nil, len(password) != hashSize, strings.Trim(password, hashDigits) != "":
		return fmt.Errorf("what begins like a bcrypt hash is none, want all of its %d characters", hashSize)
	case cost > maxCost:
		return fmt.Errorf("a bcrypt hash of cost %d, want up to %d", cost, maxCost)
	}
	return nil
}

// slower says whether a hash takes longer to compare with than another.
func slower(a, b []byte) bool {
	costA, errA := bcrypt.Cost(a)
	costB, errB := bcrypt.Cost(b)
	return errA == nil && (errB != nil || costA > costB)
}
