package definition

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"
	_ "time/tzdata" // the image has no time zones of its own

	"github.com/robfig/cron/v3"

	"github.com/osp-platform/osp/internal/sentence"
)

// Missed says what becomes of ticks at whose time nothing ran.
type Missed string

// What may become of missed ticks.
const (
	MissedSkip Missed = "skip" // those older than [TickLate] are left out
	MissedLast Missed = "last" // the newest is made up for
	MissedAll  Missed = "all"  // each is made up for, the newest [MostTicks] at most
)

const (
	// TickLate is how late a tick may be and is none that was missed.
	TickLate = time.Minute
	// MostTicks is how many ticks are made up for at most.
	MostTicks = 100
	// lookBack is how far missed ticks are looked for.
	lookBack = 10 * 365 * 24 * time.Hour
)

// Schedule is when a workflow is started by itself.
type Schedule struct {
	Missed Missed

	spec *cron.SpecSchedule
}

// firstTick is a moment from which expressions are tried.
var firstTick = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)

// descriptors are the names of common expressions. @every is none of them: it counts from when a process began.
var descriptors = []string{"@yearly", "@annually", "@monthly", "@weekly", "@daily", "@midnight", "@hourly"}

var (
	// cronItem is what may stand between commas: cron takes more than it understands, such as *-5.
	cronItem   = regexp.MustCompile(`^(\*|\?|[0-9A-Za-z]+(-[0-9A-Za-z]+)?)(/[0-9]+)?$`).MatchString
	cronFields = []string{"minute", "hour", "day of the month", "month", "day of the week"}
	cronParser = cron.NewParser(cron.Minute | cron.Hour | cron.Dom | cron.Month | cron.Dow | cron.Descriptor)
)

// parseCron reads an expression of five fields, or a descriptor.
func parseCron(expression string, zone *time.Location) (*cron.SpecSchedule, error) {
	if err := checkCron(expression); err != nil {
		return nil, err
	}
	parsed, err := cronParser.Parse(expression)
	if err != nil {
		return nil, err
	}
	spec, ok := parsed.(*cron.SpecSchedule)
	if !ok {
		return nil, fmt.Errorf("%s has no fixed times", sentence.Shorten(expression, 40))
	}
	spec.Location = zone
	if (&Schedule{spec: spec}).Next(firstTick).IsZero() {
		return nil, errors.New("no day is ever like that")
	}
	return spec, nil
}

// checkCron refuses what the parser would take, and take otherwise than meant, or panic of: TZ= without a blank.
func checkCron(expression string) error {
	if strings.HasPrefix(expression, "@") {
		if !slices.Contains(descriptors, expression) {
			return fmt.Errorf("%s is not one of %s", sentence.Shorten(expression, 40), strings.Join(descriptors, ", "))
		}
		return nil
	}
	fields := strings.Fields(expression)
	switch {
	case strings.Contains(expression, "="):
		return errors.New("a time zone does not belong here: give it as time_zone")
	case len(fields) != len(cronFields):
		return fmt.Errorf("it has %d fields, it must have 5: %s", len(fields), strings.Join(cronFields, ", "))
	}
	for i, f := range fields {
		for item := range strings.SplitSeq(f, ",") {
			if !cronItem(item) {
				return fmt.Errorf("the %s, %s, is not made of *, 5, 1-5, */2 or a list of those", cronFields[i], sentence.Shorten(f, 40))
			}
		}
	}
	return nil
}

// parseZone finds a time zone by its IANA name. None is UTC.
func parseZone(name string) (*time.Location, error) {
	zone, err := time.LoadLocation(name)
	if err != nil || zone == time.Local { // Local would be another one in each process
		return nil, fmt.Errorf("%q is no time zone of the IANA's list: write one such as Europe/Vienna, or UTC", sentence.Shorten(name, 40))
	}
	return zone, nil
}

// farthest is how far ahead the next tick is looked for: between two leap days there may be eight years.
const farthest = 9 * 366 * 24 * time.Hour

// Next is the first tick after a moment; zero: there is none in sight. A tick is a minute that the clocks of the time zone
// show, and the expression means: an hour that they leave out has none, and one that comes twice has twice as many. (The
// package's own Next goes back in time where clocks change around midnight.)
func (s *Schedule) Next(after time.Time) time.Time {
	first := after.UTC().Truncate(time.Minute).Add(time.Minute)
	for t := first; t.Sub(first) < farthest; {
		local := t.In(s.spec.Location)
		skip := s.skip(local)
		if skip == 0 {
			return t
		}
		next := t.Add(skip)
		if _, end := local.ZoneBounds(); end.After(t) && next.After(end) {
			next = end.UTC() // the clocks change before
		}
		t = next
	}
	return time.Time{}
}

// skip is how long no minute fits, from one on; 0: it fits.
func (s *Schedule) skip(local time.Time) time.Duration {
	passed := time.Duration(local.Hour())*time.Hour + time.Duration(local.Minute())*time.Minute
	switch {
	case !in(s.spec.Month, int(local.Month())) || !s.onDay(local):
		return 24*time.Hour - passed
	case !in(s.spec.Hour, local.Hour()):
		return time.Hour - passed%time.Hour
	case !in(s.spec.Minute, local.Minute()):
		return time.Minute
	}
	return 0
}

// onDay holds a day to both its fields; when neither is a star, one of them is enough.
func (s *Schedule) onDay(local time.Time) bool {
	const star = 63
	month, week := in(s.spec.Dom, local.Day()), in(s.spec.Dow, int(local.Weekday()))
	if in(s.spec.Dom, star) || in(s.spec.Dow, star) {
		return month && week
	}
	return month || week
}

func in(set uint64, n int) bool { return set>>n&1 == 1 }

// Has tells whether a moment is a tick.
func (s *Schedule) Has(at time.Time) bool {
	return at.Equal(at.Truncate(time.Minute)) && s.skip(at.In(s.spec.Location)) == 0
}

// Due are the ticks after one moment, up to another, that are to be carried out: all that are not late, and of those that
// were missed what is to be made up for. left tells that others were left out.
func (s *Schedule) Due(after, now time.Time) (ticks []time.Time, left bool) {
	switch s.Missed {
	case MissedLast:
		return s.newest(1, after, now)
	case MissedAll:
		return s.newest(MostTicks, after, now)
	case MissedSkip:
	}
	from := after
	if late := now.Add(-TickLate - time.Nanosecond); late.After(after) {
		from = late
		first := s.Next(after)
		left = !first.IsZero() && !first.After(from)
	}
	return s.between(from, now), left
}

// newest returns up to n ticks. Nothing was running perhaps for years, so it looks back no further than it must.
func (s *Schedule) newest(n int, after, now time.Time) (ticks []time.Time, left bool) {
	for back := time.Hour; ; back *= 2 {
		from := now.Add(-back)
		whole := !from.After(after) || back > lookBack
		if whole && after.After(from) {
			from = after
		}
		if ticks = s.between(from, now); whole || len(ticks) > n {
			left = len(ticks) > n
			return ticks[max(0, len(ticks)-n):], left
		}
	}
}

func (s *Schedule) between(after, now time.Time) (ticks []time.Time) {
	for t := s.Next(after); !t.IsZero() && !t.After(now); t = s.Next(t) {
		ticks = append(ticks, t)
	}
	return ticks
}
