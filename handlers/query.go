package handlers

import (
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/osp-platform/osp/saga"
)

// Limits of a page.
const (
	defaultLimit = 50
	maxLimit     = 200
	maxCursor    = 1024
	maxSearch    = 200
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

// limit takes the size of a page.
func (p *parameters) limit() int {
	if n, ok := digits(p.text("limit", limitRule)); ok {
		return int(n)
	}
	return defaultLimit
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
	statusRule  = oneOf(saga.StatusPending, saga.StatusRunning, saga.StatusCompleted, saga.StatusFailed, saga.StatusCancelled)
	stateRule   = oneOf(saga.States...)
	instantRule = rule{
		holds: func(s string) bool { _, ok := instant(s); return ok },
		says:  "must be a time as RFC 3339 has it, from 1970 on, such as 2026-11-23T08:00:00Z (a + is written %2B)",
	}
	limitRule = rule{
		holds: func(s string) bool { n, ok := digits(s); return ok && n >= 1 && n <= maxLimit },
		says:  "must be a number from 1 to " + strconv.Itoa(maxLimit),
	}
	searchRule = rule{
		holds: func(s string) bool { return len(s) <= maxSearch && utf8.ValidString(s) && !strings.ContainsRune(s, 0) },
		says:  "must be at most " + strconv.Itoa(maxSearch) + " bytes of UTF-8 without a NUL",
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

// instant reads a time that every result store can compare with.
func instant(s string) (time.Time, bool) {
	at, err := time.Parse(time.RFC3339, s)
	at = at.UTC().Truncate(time.Microsecond) // as exact as the times of tasks
	return at, err == nil && at.Year() >= 1970 && at.Year() <= 9999
}

// period takes the parameters that bound when tasks were created, by either of their names. A bound that is not given is zero.
func (p *parameters) period() (from, until time.Time) {
	from, fromName := p.bound("from", "created_after")
	until, untilName := p.bound("until", "created_before")
	if !until.IsZero() && !until.After(from) {
		p.wrong(untilName, "must be after "+fromName)
	}
	return from, until
}

// bound takes a moment that has two names, and tells by which it was given.
func (p *parameters) bound(short, long string) (time.Time, string) {
	one, _ := instant(p.text(short, instantRule))
	other, _ := instant(p.text(long, instantRule))
	switch {
	case !one.IsZero() && !other.IsZero():
		p.wrong(long, "is the same as "+short+": give one of the two")
	case one.IsZero() && !other.IsZero():
		return other, long
	}
	return one, short
}

// filters takes what a list may be narrowed by.
func (p *parameters) filters() saga.Query {
	q := saga.Query{
		Status:  saga.Status(p.text("status", statusRule)),
		State:   saga.State(p.text("state", stateRule)),
		Type:    p.text("type", rule{holds: saga.ValidID, says: idSays}),
		Service: p.text("service", nameRule),
		Owner:   strings.ToLower(p.text("user_id", userRule)),
		Search:  p.text("search", searchRule),
	}
	q.From, q.Until = p.period()
	return q
}

// listQuery reads the query of GET /v1/tasks, and narrows it to what the principal may see.
func listQuery(raw string, who Principal) (saga.Query, error) {
	p, err := parseQuery(raw)
	if err != nil {
		return saga.Query{}, err
	}
	q := p.filters()
	q.Cursor, q.Limit = p.text("cursor", cursorRule), p.limit()
	if err := p.end(); err != nil {
		return q, err
	}
	return q, who.narrow(&q)
}

// countQuery reads the query of GET /v1/tasks/counts.
func countQuery(raw string, who Principal) (saga.Query, error) {
	p, err := parseQuery(raw)
	if err != nil {
		return saga.Query{}, err
	}
	q := p.filters()
	if err := p.end(); err != nil {
		return q, err
	}
	return q, who.narrow(&q)
}
