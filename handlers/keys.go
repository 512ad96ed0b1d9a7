package handlers

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"errors"
	"fmt"
	"regexp"
	"strings"
)

// KeyPrefix begins every API key, so that leaked ones can be found and other tokens told apart.
const KeyPrefix = "osp_"

// Key is an API key, of which only the SHA-256 of the whole token, prefix included, is known.
type Key struct {
	Name string
	Role Role
	Hash [sha256.Size]byte
}

var validKeyName = regexp.MustCompile(`^[A-Za-z0-9._-]{1,64}$`).MatchString

// ParseKeys reads keys as OSP_API_KEYS has them: `name:role:sha256-hex`, separated by commas or white space. An error
// names the entry that is wrong, and never shows its hash: it may be a key that was put there by mistake.
func ParseKeys(s string) ([]Key, error) {
	entries := strings.FieldsFunc(s, func(r rune) bool { return r == ',' || r == ' ' || r == '\n' || r == '\r' || r == '\t' })
	if len(entries) == 0 {
		return nil, errors.New("no API keys: give at least one name:role:sha256-hex")
	}
	keys := make([]Key, 0, len(entries))
	for i, entry := range entries {
		key, err := parseKey(entry)
		if err != nil {
			return nil, fmt.Errorf("API key %d%s: %w", i+1, named(entry), err)
		}
		for _, other := range keys {
			if other.Name == key.Name {
				return nil, fmt.Errorf("API key %d (%q): the name is used twice", i+1, key.Name)
			}
			if other.Hash == key.Hash {
				return nil, fmt.Errorf("API key %d (%q): same key as %q", i+1, key.Name, other.Name)
			}
		}
		keys = append(keys, key)
	}
	return keys, nil
}

// named shows an entry's name if that is what stands first.
func named(entry string) string {
	name, _, ok := strings.Cut(entry, ":")
	if !ok || !validKeyName(name) || strings.HasPrefix(name, KeyPrefix) {
		return ""
	}
	return fmt.Sprintf(" (%q)", name)
}

func parseKey(entry string) (Key, error) {
	parts := strings.Split(entry, ":")
	if len(parts) != 3 {
		return Key{}, fmt.Errorf("has %d of the 3 parts name:role:sha256-hex", len(parts))
	}
	if !validKeyName(parts[0]) {
		return Key{}, errors.New("the name must be 1 to 64 letters, digits, dots, dashes or underscores")
	}
	role, ok := ParseRole(parts[1])
	if !ok {
		return Key{}, errors.New("the role must be reader, starter or operator")
	}
	if strings.HasPrefix(parts[2], KeyPrefix) {
		return Key{}, errors.New("holds a key itself; put its SHA-256 there, and replace the key, for it may have been seen")
	}
	hash, err := hex.DecodeString(parts[2])
	if err != nil || len(hash) != sha256.Size {
		return Key{}, errors.New("the hash must be 64 hexadecimal digits")
	}
	return Key{Name: parts[0], Role: role, Hash: [sha256.Size]byte(hash)}, nil
}

// Keys authenticates by API keys.
type Keys []Key

// Authenticate compares with every key, in constant time. It finds [Principal]s that act for any user.
func (k Keys) Authenticate(_ context.Context, token string) (Principal, error) {
	hash := sha256.Sum256([]byte(token))
	found := -1
	for i := range k {
		if subtle.ConstantTimeCompare(hash[:], k[i].Hash[:]) == 1 {
			found = i
		}
	}
	if found < 0 || !strings.HasPrefix(token, KeyPrefix) {
		return Principal{}, ErrUnauthenticated
	}
	return Principal{Name: k[found].Name, Role: k[found].Role}, nil
}
