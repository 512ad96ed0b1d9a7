package handlers

import (
	"encoding/json"
	"errors"
	"strconv"
	"strings"

	"github.com/gin-gonic/gin"

	"github.com/osp-platform/osp/saga"
)

// filterMembers are what a filter may name, as it is told to who names nothing.
const filterMembers = "status, state, type, service, user_id, search, created_after, created_before"

// bulkRequest reads the body of a bulk.
func bulkRequest(c *gin.Context, kind bulkKind) (bulk, error) {
	key, err := idempotencyKey(c.Request.Header)
	if err != nil {
		return bulk{}, err
	}
	data, err := body(c, maxAction)
	if err != nil {
		return bulk{}, err
	}
	o, err := newObject(data)
	if err != nil {
		return bulk{}, err
	}
	b := readBulk(o, kind)
	b.key = key
	if all := o.raw("all"); all != nil && PrincipalOf(c.Request.Context()).bound() {
		o.wrong("all", "is for operators: name what you mean in filter")
	}
	return b, o.end()
}

// readBulk takes the members out of a body.
func readBulk(o *object, kind bulkKind) bulk {
	b := bulk{kind: kind, reason: o.text("reason", reasonRule), dryRun: o.flag("dry_run"), limit: maxBulk}
	if raw := o.raw("limit"); raw != nil {
		if err := json.Unmarshal(raw, &b.limit); err != nil || b.limit < 1 || b.limit > maxBulk {
			o.wrong("limit", "must be a number from 1 to %d", maxBulk)
		}
	}
	rawFilter, rawAll := o.raw("filter"), o.raw("all")
	switch {
	case rawAll != nil && (rawFilter != nil || string(rawAll) != "true"):
		o.wrong("all", "must be true, without a filter")
	case rawAll == nil:
		b.query = o.filter(rawFilter)
		if b.query == (saga.Query{}) && len(o.faults) == 0 {
			o.wrong("filter", `must name at least one of %s; "all": true instead of it means every task`, filterMembers)
		}
	}
	if cursor := o.text("cursor", cursorRule); cursor != "" {
		pass, rest, ok := strings.Cut(cursor, ".")
		n, err := strconv.Atoi(pass)
		if !ok || err != nil || n < 0 || n >= len(b.queries()) {
			o.wrong("cursor", "must be the next of an earlier answer to the same request")
		}
		b.pass, b.cursor = n, rest
	}
	return b
}

// filter reads which tasks are meant.
func (o *object) filter(raw json.RawMessage) saga.Query {
	if raw == nil {
		return saga.Query{}
	}
	f, err := newObject(raw)
	if err != nil {
		o.wrong("filter", "must be an object")
		return saga.Query{}
	}
	q := saga.Query{
		Status:  saga.Status(f.text("status", statusRule)),
		State:   saga.State(f.text("state", stateRule)),
		Type:    f.text("type", nameRule),
		Service: f.text("service", nameRule),
		Owner:   strings.ToLower(f.text("user_id", userRule)),
		Search:  f.text("search", rule{holds: func(s string) bool { return s != "" && searchRule.holds(s) }, says: searchRule.says}),
	}
	q.From, _ = instant(f.text("created_after", instantRule))
	q.Until, _ = instant(f.text("created_before", instantRule))
	if !q.Until.IsZero() && !q.Until.After(q.From) {
		f.wrong("created_before", "must be after created_after")
	}
	if refused, ok := errors.AsType[*refusal](f.end()); ok {
		for _, fault := range refused.faults {
			o.faults = append(o.faults, atPointer(pointer("filter")+*fault.Pointer, "%s", fault.Detail))
		}
	}
	return q
}

// inFilter is a refusal of a list's parameters, told of the filter that they stand in.
func inFilter(err error) error {
	refused, ok := errors.AsType[*refusal](err)
	if !ok {
		return err
	}
	faults := make([]fault, len(refused.faults))
	for i, f := range refused.faults {
		faults[i] = atPointer(pointer("filter", f.Parameter), "%s", f.Detail)
	}
	return refuse(refused.kind, faults...)
}
