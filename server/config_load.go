package server

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"

	"github.com/osp-platform/osp/handlers"
)

// memoryMark is how much memory Redis may use before no more tasks are accepted. Both zero: as much as it has.
type memoryMark struct {
	Percent int   // of its maxmemory, where it has one
	Bytes   int64 // whatever its maxmemory
}

// defaultMemoryMark leaves room for what accepted tasks still write: Redis refuses that at 100 %.
var defaultMemoryMark = memoryMark{Percent: 85}

var perUnit = regexp.MustCompile(`^([1-9][0-9]{0,6})/([smh])$`)

var unitSeconds = map[string]float64{"s": 1, "m": 60, "h": 3600}

// parseRate reads 100/s, 600/m or 50/h. A rate allows as many at once as its number says.
func parseRate(v string) (handlers.Rate, bool) {
	m := perUnit.FindStringSubmatch(v)
	if m == nil {
		return handlers.Rate{}, false
	}
	n, _ := strconv.Atoi(m[1])
	return handlers.Rate{PerSecond: float64(n) / unitSeconds[m[2]], Burst: n}, true
}

// rateLimit reads OSP_RATE_LIMIT.
func (l *loader) rateLimit() handlers.Rate {
	v := l.text("OSP_RATE_LIMIT")
	if v == "" {
		return handlers.Rate{}
	}
	written, burst, hasBurst := strings.Cut(v, ",burst=")
	r, ok := parseRate(written)
	if n, err := strconv.Atoi(burst); hasBurst && ok {
		ok = err == nil && n >= 1
		r.Burst = n
	}
	if !ok {
		l.wrong("OSP_RATE_LIMIT", "is %q: set it to how many tasks a caller may start, such as 100/s, 600/m or 100/s,burst=1000", v)
		return handlers.Rate{}
	}
	return r
}

var memorySize = regexp.MustCompile(`^([1-9][0-9]{0,11})(%|kb|mb|gb|)$`)

var byteUnits = map[string]int64{"": 1, "kb": 1 << 10, "mb": 1 << 20, "gb": 1 << 30}

// maxMemory reads OSP_MAX_MEMORY.
func (l *loader) maxMemory() memoryMark {
	const name = "OSP_MAX_MEMORY"
	v := strings.ToLower(l.text(name))
	switch v {
	case "":
		return defaultMemoryMark
	case "off":
		return memoryMark{}
	}
	mark, err := parseMemory(v)
	if err != nil {
		l.wrong(name, "is %q: set it to a part of Redis' maxmemory such as 85%%, to a size such as 800mb, or to off", v)
	}
	return mark
}

func parseMemory(v string) (memoryMark, error) {
	m := memorySize.FindStringSubmatch(v)
	if m == nil {
		return memoryMark{}, fmt.Errorf("%q is no size", v)
	}
	n, _ := strconv.ParseInt(m[1], 10, 64)
	if m[2] == "%" {
		if n > 100 {
			return memoryMark{}, fmt.Errorf("%q is more than there is", v)
		}
		return memoryMark{Percent: int(n)}, nil
	}
	unit := byteUnits[m[2]]
	if n > (1<<62)/unit {
		return memoryMark{}, fmt.Errorf("%q is too much", v)
	}
	return memoryMark{Bytes: n * unit}, nil
}
