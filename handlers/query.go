package handlers

import (
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/osp-platform/osp/saga"
)

// Limits of a page.
const (
	defaultLimit = 50
	maxLimit     = 200
	maxCursor    = 1024
)

// parameters is a query whose parameters are taken out one by one; what has not been asked for when it ends is wrong.
type parameters struct {
	values url.Values
	known  []string
	faults []fault
}

func parseQuery(raw string) (*parameters, error) {
	values, err := url.ParseQuery(raw)
	if err != nil {
		return nil, refuse(badParameter).because("The query is not well-formed.")
	}
	return &parameters{values: values}, nil
}

// text takes a parameter. An empty one counts as none, for forms send those.
func (p *parameters) text(name string, r rule) string {
	p.known = append(p.known, name)
	values := p.values[name]
	if len(values) > 1 {
		p.wrong(name, "is given twice")
		return ""
	}
	if len(values) == 0 || values[0] == "" {
		return ""
	}
	if !r.holds(values[0]) {
		p.wrong(name, r.says)
		return ""
	}
	return values[0]
}

func (p *parameters) wrong(name, says string) {
	p.faults = append(p.faults, fault{Parameter: clip(name), Detail: says})
}

func (p *parameters) end() error {
	known := strings.Join(p.known, ", ")
	names := make([]string, 0, len(p.values))
	for name := range p.values {
		if !slices.Contains(p.known, name) {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	for _, name := range names {
		p.wrong(strings.ToValidUTF8(name, "?"), "is not known here; known are "+known)
	}
	if len(p.faults) == 0 {
		return nil
	}
	return refuse(badParameter, p.faults...)
}

var (
	statusRule = oneOf(string(saga.StatusPending), string(saga.StatusRunning), string(saga.StatusCompleted),
		string(saga.StatusFailed), string(saga.StatusCancelled))
	limitRule = rule{
		holds: func(s string) bool { n, ok := digits(s); return ok && n >= 1 && n <= maxLimit },
		says:  "must be a number from 1 to " + strconv.Itoa(maxLimit),
	}
	cursorRule = rule{
		holds: func(s string) bool { return len(s) <= maxCursor && !strings.ContainsFunc(s, unprintable) },
		says:  "must be the next of an earlier page",
	}
)

// digits reads a number that has nothing but digits.
func digits(s string) (int64, bool) {
	if strings.ContainsFunc(s, func(r rune) bool { return r < '0' || r > '9' }) {
		return 0, false
	}
	n, err := strconv.ParseInt(s, 10, 64)
	return n, err == nil
}

// listQuery reads the query of GET /v1/tasks. A principal that is a user sees its own tasks only.
func listQuery(raw string, who Principal) (saga.Query, error) {
	p, err := parseQuery(raw)
	if err != nil {
		return saga.Query{}, err
	}
	q := saga.Query{
		Status:  saga.Status(p.text("status", statusRule)),
		Type:    p.text("type", rule{holds: saga.ValidID, says: idSays}),
		Service: p.text("service", nameRule),
		Owner:   strings.ToLower(p.text("user_id", userRule)),
		Cursor:  p.text("cursor", cursorRule),
		Limit:   defaultLimit,
	}
	if n, ok := digits(p.text("limit", limitRule)); ok {
		q.Limit = int(n)
	}
	if err := p.end(); err != nil {
		return q, err
	}
	if who.Owner != "" {
		if q.Owner != "" && q.Owner != who.Owner {
			return q, refuse(forbidden, fault{Parameter: "user_id", Detail: "is not yours"})
		}
		q.Owner = who.Owner
	}
	return q, nil
}
