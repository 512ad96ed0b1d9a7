package handlers

import (
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/osp-platform/osp/saga"
)

var validUUID = regexp.MustCompile(`^[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}$`).MatchString

// validID is [saga.ValidID] without what a URL cannot name: clients resolve dots away.
func validID(id string) bool { return saga.ValidID(id) && id != "." && id != ".." }

const idSays = "must be 1 to 128 letters, digits, dots, underscores, colons or dashes"

// upTo holds for texts of 1 to n bytes.
func upTo(n int) func(string) bool {
	return func(s string) bool { return s != "" && len(s) <= n }
}

func oneOf(words ...string) rule {
	return rule{
		holds: func(s string) bool { return slices.Contains(words, s) },
		says:  "must be one of: " + strings.Join(words, ", "),
	}
}

func isTime(s string) bool {
	_, err := time.Parse(time.RFC3339, s)
	return err == nil
}

// The rules of a start request's members.
var (
	idRule       = rule{holds: validID, says: idSays}
	typeRule     = rule{required: true, holds: upTo(128), says: "must be 1 to 128 bytes"}
	nameRule     = rule{holds: saga.ValidID, says: idSays}
	userRule     = rule{holds: validUUID, says: "must be a UUID"}
	timeRule     = rule{holds: isTime, says: "must be a time as RFC 3339 has it, such as 2026-11-23T08:00:00Z"}
	priorityRule = oneOf("high", "default", "low")
)

// startRequest reads what POST /v1/tasks takes.
func startRequest(o *object, p Principal) (saga.Request, error) {
	r := saga.Request{
		ID:       o.text("id", idRule),
		Type:     o.text("type", typeRule),
		Input:    o.raw("input"),
		Service:  o.text("service", nameRule),
		By:       p.Name,
		Queue:    o.text("queue", nameRule),
		Priority: o.text("priority", priorityRule),
	}
	switch {
	case r.Input == nil:
		o.wrong("input", "is required")
	case len(r.Input) > saga.MaxInput:
		return r, refuse(tooLarge, atPointer("/input", "has %d bytes; the limit is %d", len(r.Input), saga.MaxInput))
	}
	if s := o.text("process_at", timeRule); s != "" {
		r.ProcessAt, _ = time.Parse(time.RFC3339, s)
	}
	user := strings.ToLower(o.text("user_id", userRule))
	if err := o.end(); err != nil {
		return r, err
	}
	owner, err := ownerFor(p, user)
	if err != nil {
		return r, refuse(forbidden, atPointer("/user_id", "is not yours"))
	}
	r.Owner = owner
	return r, nil
}

// ownerFor says whose a task is that p starts for a user.
func ownerFor(p Principal, user string) (string, error) {
	switch {
	case p.Owner != "" && user != "" && user != p.Owner:
		return "", refuse(forbidden)
	case p.Owner != "":
		return p.Owner, nil
	case user != "":
		return user, nil
	}
	return saga.NilOwner, nil
}
