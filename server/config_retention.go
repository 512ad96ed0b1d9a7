package server

import (
	"fmt"
	"math"
	"regexp"
	"strconv"
	"time"
)

// retention is how long the rows of ended tasks are kept; zero: for ever.
func (l *loader) retention(journals time.Duration) time.Duration {
	const name = "OSP_RETENTION"
	v := l.text(name)
	if v == "" {
		return 0
	}
	d, err := parseDays(v)
	switch {
	case err != nil:
		l.wrong(name, "is %q: set it to days or a duration, such as 90d or 720h; leave it empty to keep rows for ever", v)
	case d < journals:
		l.wrong(name, "is %q, less than OSP_KEEP_FINISHED (%v): a row stays at least as long as its journal", v, journals)
	}
	return d
}

var days = regexp.MustCompile(`^([0-9]+)d(.*)$`)

// parseDays reads a duration that may begin with days, such as 90d or 1d12h. A day has 24 hours.
func parseDays(v string) (time.Duration, error) {
	var whole time.Duration
	rest := v
	if m := days.FindStringSubmatch(v); m != nil {
		n, err := strconv.Atoi(m[1])
		if err != nil || n > int(math.MaxInt64/(24*time.Hour))-1 {
			return 0, fmt.Errorf("%q is too long", v)
		}
		whole, rest = time.Duration(n)*24*time.Hour, m[2]
	}
	if rest == "" && whole > 0 {
		return whole, nil
	}
	d, err := time.ParseDuration(rest)
	if err != nil || d <= 0 || whole > math.MaxInt64-d {
		return 0, fmt.Errorf("%q is no duration", v)
	}
	return whole + d, nil
}
