package handlers

import (
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"strings"

	"github.com/osp-platform/osp/saga"
)

const (
	keyHeader = "Idempotency-Key"
	maxKey    = 255
)

// idempotencyKey reads the header; empty when there is none. Quotes around it, as the IETF draft has them, are not part
// of the key.
func idempotencyKey(h http.Header) (string, error) {
	values := h.Values(keyHeader)
	if len(values) == 0 {
		return "", nil
	}
	key := values[0]
	if len(key) >= 2 && strings.HasPrefix(key, `"`) && strings.HasSuffix(key, `"`) {
		key = key[1 : len(key)-1]
	}
	switch {
	case len(values) > 1:
		return "", refuse(badParameter, fault{Header: keyHeader, Detail: "is given twice"})
	case key == "" || len(key) > maxKey || strings.ContainsFunc(key, unprintable):
		return "", refuse(badParameter, fault{Header: keyHeader, Detail: "must be 1 to 255 printable ASCII characters"})
	}
	return key, nil
}

func unprintable(r rune) bool { return r < ' ' || r > '~' }

// keyedID is the id of the task that an owner starts under a key: two owners' keys never meet. item tells the tasks of
// a batch apart; it is empty for a single start.
func keyedID(owner, key, item string) string {
	parts := owner + "\x00" + key // neither can hold a zero byte
	if item != "" {
		parts += "\x00" + item
	}
	sum := sha256.Sum256([]byte(parts))
	return "ik" + hex.EncodeToString(sum[:])[:32]
}

// identify gives the request the id that follows from its key. A client may give both an id and a key if they say the
// same; otherwise it cannot be told which of them should prevent a second start.
func identify(r *saga.Request, key, item string) error {
	if key == "" {
		return nil
	}
	id := keyedID(r.Owner, key, item)
	if r.ID != "" && r.ID != id && r.ID != key {
		return refuse(invalid, atPointer("/id", "differs from the Idempotency-Key header; send one of the two"))
	}
	if r.ID == "" {
		r.ID = id
	}
	return nil
}
