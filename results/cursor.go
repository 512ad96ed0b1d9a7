package results

import (
	"encoding/base64"
	"strconv"
	"strings"
	"time"

	"github.com/osp-platform/osp/saga"
)

// cursor is a place in a list, as [saga.CursorAfter] tells it: after the task that was created at At and has the id ID. The zero
// value is the start.
type cursor struct {
	At time.Time
	ID string
}

// lastMicros is the last moment that JSON can tell.
var lastMicros = time.Date(9999, 12, 31, 23, 59, 59, 0, time.UTC).UnixMicro()

func parseCursor(s string) (cursor, error) {
	if s == "" {
		return cursor{}, nil
	}
	raw, err := base64.RawURLEncoding.DecodeString(s)
	at, id, ok := strings.Cut(string(raw), ".")
	micros, err2 := strconv.ParseInt(at, 36, 64)
	if err != nil || err2 != nil || !ok || !saga.ValidID(id) || micros < 0 || micros > lastMicros {
		return cursor{}, saga.Invalid("/cursor", "This is no cursor of a list: use the one that came with a page.")
	}
	return cursor{At: time.UnixMicro(micros).UTC(), ID: id}, nil
}
