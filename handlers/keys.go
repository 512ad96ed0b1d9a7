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
	"sync/atomic"
)

// KeyPrefix begins every API key, so that leaked ones can be found and other tokens told apart.
const KeyPrefix = "osp_"

// Key is an API key, of which only the SHA-256 of the whole token, prefix included, is known.
type Key struct {
	Name    string
	Role    Role
	Hash    [sha256.Size]byte
	Service string // the only service whose tasks it is for, by schema; empty: it is for all
}

var (
	validKeyName = regexp.MustCompile(`^[A-Za-z0-9._-]{1,64}$`).MatchString
	validService = regexp.MustCompile(`^[a-z_][a-z0-9_]{0,62}$`).MatchString
)

// keyForm is how OSP_API_KEYS has a key.
const keyForm = "name:role:sha256-hex or name:role:sha256-hex:service"

// ParseKeys reads keys as OSP_API_KEYS has them: `name:role:sha256-hex` or `name:role:sha256-hex:service`, separated by
// commas or white space. An error names the entry that is wrong, and never shows its hash: it may be a key that was put
// there by mistake.
func ParseKeys(s string) ([]Key, error) {
	entries := strings.FieldsFunc(s, func(r rune) bool { return r == ',' || r == ' ' || r == '\n' || r == '\r' || r == '\t' })
	if len(entries) == 0 {
		return nil, errors.New("no API keys: give at least one " + keyForm)
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
	if len(parts) != 3 && len(parts) != 4 {
		return Key{}, errors.New("write it as " + keyForm)
	}
	if strings.HasPrefix(parts[2], KeyPrefix) {
		return Key{}, errors.New("holds a key itself; put its SHA-256 there, and replace the key, for it may have been seen")
	}
	key, err := DescribeKey(parts[0], parts[1], parts[3:]...)
	if err != nil {
		return Key{}, err
	}
	hash, err := hex.DecodeString(parts[2])
	if err != nil || len(hash) != sha256.Size {
		return Key{}, errors.New("the hash must be 64 hexadecimal digits")
	}
	key.Hash = [sha256.Size]byte(hash)
	return key, nil
}

// DescribeKey returns a key without its hash: what it is called, what it may do, and the one service that it is for, if
// any is given.
func DescribeKey(name, role string, service ...string) (Key, error) {
	if !validKeyName(name) {
		return Key{}, errors.New("the name must be 1 to 64 letters, digits, dots, dashes or underscores")
	}
	r, ok := ParseRole(role)
	if !ok {
		return Key{}, errors.New("the role must be reader, starter or operator")
	}
	key := Key{Name: name, Role: r}
	if len(service) == 0 {
		return key, nil
	}
	key.Service = service[0]
	return key, key.checkService()
}

func (k Key) checkService() error {
	switch {
	case !validService(k.Service):
		return errors.New("the service must be the name of its schema: a-z, 0-9 and _, at most 63, no digit first")
	case k.Role == RoleOperator:
		return errors.New("a key of one service is a reader or a starter, for operators see all services")
	}
	return nil
}

// Keys authenticates by API keys.
type Keys []Key

// KeyHashes knows API keys by their SHA-256: [Keys] and [KeyRing].
type KeyHashes interface {
	// ByHash returns whose key it is. Errors: [ErrUnauthenticated].
	ByHash(hash []byte) (Principal, error)
	// Any tells whether there are keys.
	Any() bool
}

func keyHash(token string) [sha256.Size]byte { return sha256.Sum256([]byte(token)) }

// Authenticate finds [Principal]s that act for any user.
func (k Keys) Authenticate(_ context.Context, token string) (Principal, error) {
	hash := keyHash(token)
	p, err := k.ByHash(hash[:])
	if err == nil && !strings.HasPrefix(token, KeyPrefix) {
		return Principal{}, ErrUnauthenticated
	}
	return p, err
}

// ByHash compares with every key, in constant time.
func (k Keys) ByHash(hash []byte) (Principal, error) {
	found := -1
	for i := range k {
		if subtle.ConstantTimeCompare(hash, k[i].Hash[:]) == 1 {
			found = i
		}
	}
	if found < 0 {
		return Principal{}, ErrUnauthenticated
	}
	return Principal{Name: k[found].Name, Role: k[found].Role, Service: k[found].Service}, nil
}

// Any tells whether there are keys.
func (k Keys) Any() bool { return len(k) > 0 }

// KeyRing is [Keys] that may be replaced while they are in use. The zero value lets nobody in.
type KeyRing struct{ keys atomic.Pointer[Keys] }

// Replace puts other keys in the place of those there were.
func (r *KeyRing) Replace(k Keys) { r.keys.Store(&k) }

// Authenticate is [Keys.Authenticate] of the keys of now.
func (r *KeyRing) Authenticate(ctx context.Context, token string) (Principal, error) {
	if keys := r.keys.Load(); keys != nil {
		return keys.Authenticate(ctx, token)
	}
	return Principal{}, ErrUnauthenticated
}

// ByHash is [Keys.ByHash] of the keys of now.
func (r *KeyRing) ByHash(hash []byte) (Principal, error) {
	if keys := r.keys.Load(); keys != nil {
		return keys.ByHash(hash)
	}
	return Principal{}, ErrUnauthenticated
}

// Any tells whether there are keys now.
func (r *KeyRing) Any() bool {
	keys := r.keys.Load()
	return keys != nil && keys.Any()
}
