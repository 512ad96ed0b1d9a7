package handlers

import (
	"slices"
	"strings"
	"time"

	"github.com/osp-platform/osp/saga"
)

// validID is [saga.ValidID] without what a URL cannot name: clients resolve dots away.
func validID(id string) bool { return saga.ValidID(id) && id != "." && id != ".." }

// taken are ids that paths of the API have, in the place of a task's.
var taken = []string{"batch", "bulk", "counts"}

const idSays = "must be 1 to 128 letters, digits, dots, underscores, colons or dashes"

// upTo holds a text to 1 to n bytes. PostgreSQL stores no NUL.
func upTo(n int) func(string) bool {
	return func(s string) bool { return s != "" && len(s) <= n && !strings.Contains(s, "\x00") }
}

func oneOf[T ~string](words ...T) rule {
	names := make([]string, len(words))
	for i, word := range words {
		names[i] = string(word)
	}
	return rule{
		holds: func(s string) bool { return slices.Contains(names, s) },
		says:  "must be one of: " + strings.Join(names, ", "),
	}
}

func isTime(s string) bool {
	_, err := time.Parse(time.RFC3339, s)
	return err == nil
}

// The rules of a start request's members.
var (
	idRule = rule{
		holds: func(s string) bool { return validID(s) && !slices.Contains(taken, s) },
		says:  idSays + ", and none of " + strings.Join(taken, ", "),
	}
	typeRule     = rule{required: true, holds: upTo(128), says: "must be 1 to 128 bytes without a NUL"}
	nameRule     = rule{holds: saga.ValidID, says: idSays}
	tableRule    = rule{required: true, holds: upTo(63), says: "must be 1 to 63 bytes"}
	userRule     = rule{holds: saga.ValidUUID, says: "must be a UUID"}
	timeRule     = rule{holds: isTime, says: "must be a time as RFC 3339 has it, such as 2026-11-23T08:00:00Z"}
	priorityRule = oneOf("high", "default", "low")
)

// startRequest reads what POST /v1/tasks takes. What is asked for may not be allowed: see [API.permit].
func startRequest(o *object) (saga.Request, error) {
	r := saga.Request{
		ID:       o.text("id", idRule),
		Type:     o.text("type", typeRule),
		Input:    o.raw("input"),
		Service:  o.text("service", nameRule),
		Queue:    o.text("queue", nameRule),
		Priority: o.text("priority", priorityRule),
		LimitKey: o.text("limit_key", nameRule),
	}
	if r.Input == nil {
		o.wrong("input", "is missing: add it")
	}
	if err := fits(r.Input); err != nil {
		return r, err
	}
	if s := o.text("process_at", timeRule); s != "" {
		r.ProcessAt, _ = time.Parse(time.RFC3339, s)
	}
	r.Owner = strings.ToLower(o.text("user_id", userRule))
	r.Webhook = o.webhook()
	return r, o.end()
}

func fits(input []byte) error {
	if len(input) > saga.MaxInput {
		return refuse(tooLarge, atPointer("/input", "has %d bytes; the limit is %d", len(input), saga.MaxInput))
	}
	return nil
}
