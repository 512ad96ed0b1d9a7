package server

import (
	"strconv"
	"strings"
	"time"

	"github.com/osp-platform/osp/tasks"
)

const limitsSay = "write type:concurrency=N,rate=N/s,per=service, separated by semicolons, such as " +
	"http.saga:concurrency=20,rate=100/s,per=service;service.create:concurrency=2"

// limits reads OSP_LIMITS. That the types are known is checked when the catalogue is there.
func (l *loader) limits() map[string]tasks.Limit {
	v := l.text("OSP_LIMITS")
	if v == "" {
		return nil
	}
	limits := map[string]tasks.Limit{}
	for entry := range strings.SplitSeq(v, ";") {
		name, rules, _ := strings.Cut(strings.TrimSpace(entry), ":")
		limit, ok := parseLimit(rules)
		if _, twice := limits[name]; !ok || twice || name == "" {
			l.wrong("OSP_LIMITS", "has the entry %q: %s", entry, limitsSay)
			continue
		}
		limits[name] = limit
	}
	return limits
}

// parseLimit reads concurrency=20,rate=100/s,per=service: in any order, at least one of the first two.
func parseLimit(rules string) (tasks.Limit, bool) {
	limit := tasks.Limit{Per: tasks.PerType}
	given := map[string]bool{}
	for rule := range strings.SplitSeq(rules, ",") {
		name, value, _ := strings.Cut(strings.TrimSpace(rule), "=")
		if given[name] {
			return limit, false
		}
		given[name] = true
		ok := false
		switch name {
		case "concurrency":
			limit.Concurrency, ok = parseConcurrency(value)
		case "rate":
			limit.Every, ok = parseEvery(value)
		case "per":
			limit.Per, ok = parsePer(value)
		}
		if !ok {
			return limit, false
		}
	}
	return limit, given["concurrency"] || given["rate"]
}

func parseConcurrency(v string) (int, bool) {
	n, err := strconv.Atoi(v)
	return n, err == nil && n >= 1 && n <= 1_000_000
}

// parseEvery reads a rate as the time between two: 100/s is every 10 ms.
func parseEvery(v string) (time.Duration, bool) {
	r, ok := parseRate(v)
	if !ok {
		return 0, false
	}
	return max(time.Duration(float64(time.Second)/r.PerSecond), time.Microsecond), true
}

func parsePer(v string) (tasks.Per, bool) {
	switch per := tasks.Per(v); per {
	case tasks.PerType, tasks.PerService, tasks.PerUser, tasks.PerKey:
		return per, true
	}
	return "", false
}

// newLimits holds tasks to OSP_LIMITS. Without any there may still be tasks that wait under limits of before.
func (s *Server) newLimits() (*tasks.Limits, error) {
	limits := map[string]tasks.Limit{tasks.WebhookType: tasks.WebhookLimit}
	for name, limit := range s.config.Limits {
		limits[name] = limit
		if name == tasks.WebhookType {
			continue
		}
		if _, known := s.dispatcher.Catalogue.Type(name); known {
			continue
		}
		names := []string{tasks.WebhookType}
		for _, t := range s.dispatcher.Catalogue.Types() {
			names = append(names, t.Name)
		}
		return nil, &ConfigError{"OSP_LIMITS", "limits the type " + strconv.Quote(name) + ", which is none of: " + strings.Join(names, ", ")}
	}
	return &tasks.Limits{Types: limits, Slots: s.journal, Queue: s.queue, Log: s.log, Nudge: s.sweeper.Nudge}, nil
}
