package server

import (
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/osp-platform/osp/handlers"
	"github.com/osp-platform/osp/tasks"
)

// settings are the variables whose values are read in more ways than one.
var settings = []string{
	"ROLE", "PORT", "LOG_LEVEL", "REDIS_URL", "REDIS_POOL_SIZE", "REDIS_CA", "REDIS_TLS_VERIFY", "SUPABASE_URL",
	"SUPABASE_SERVICE_ROLE_KEY", "SUPABASE_JWT_SECRET", "SUPABASE_JWT_ISSUER", "OSP_API_KEYS", "OSP_AUTH", "OSP_USERS",
	"OSP_QUEUES", "OSP_PARTITIONS", "OSP_RETENTION", "OSP_RESULTS", "OSP_LEASE", "OSP_RATE_LIMIT", "OSP_MAX_MEMORY",
	"OSP_MAX_BACKLOG", "OSP_LIMITS",
}

// mentions are the variables that may be blamed for another one's value.
var mentions = map[string]string{"OSP_USERS": "SUPABASE_URL", "OSP_AUTH": "OSP_API_KEYS", "SUPABASE_URL": "OSP_API_KEYS"}

// Whatever is in a variable: it is taken, or it is named.
func FuzzSettings(f *testing.F) {
	for i, value := range []string{
		"worker", "99999", "loud", "redis://h#p", "0", "-----BEGIN CERTIFICATE-----", "off", "ftp://x", "sb_publishable_x", "short",
		"http://u:p@h", "a:reader:ff", "no", "on", "default:0", "257", "1d1d", "sqlite:", "5", "100/s,burst=", "101%", "-1", "a:rate=1/d",
	} {
		f.Add(uint8(i), value)
		f.Add(uint8(i), value+"\x00é,;:=%")
	}
	f.Fuzz(func(t *testing.T, which uint8, value string) {
		name := settings[int(which)%len(settings)]
		_, err := Load("", with(vars{"SUPABASE_URL": "https://abc.supabase.co", "SUPABASE_SERVICE_ROLE_KEY": "sb_secret_x"}, vars{name: value}).env())
		if err == nil {
			return
		}
		named := blamed(err)
		if named[name] == 0 && named[mentions[name]] == 0 {
			t.Errorf("%s=%q: blamed %v: %v", name, value, named, err)
		}
		if strings.HasSuffix(name, "_KEY") && len(value) > 20 && strings.Contains(err.Error(), value) {
			t.Errorf("%s: the error repeats it: %v", name, err)
		}
	})
}

// What OSP_LIMITS is read as says the same when it is written again.
func FuzzLimits(f *testing.F) {
	for _, seed := range []string{"concurrency=20,rate=100/s,per=service", "rate=1/h", " per=key , concurrency=1", "rate=3/m", "rate=7000000/s", "=,="} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, rules string) {
		l, ok := parseLimit(rules)
		if !ok {
			return
		}
		if l.Concurrency < 0 || l.Every < 0 || l.Every > time.Hour || l.Concurrency == 0 && l.Every == 0 {
			t.Fatalf("%q is read as %+v", rules, l)
		}
		again, ok := parseLimit(written(l))
		drift := (again.Every - l.Every).Abs()
		if !ok || again.Concurrency != l.Concurrency || again.Per != l.Per || drift > time.Second {
			t.Errorf("%q is read as %+v, and %q as %+v", rules, l, written(l), again)
		}
	})
}

func written(l tasks.Limit) string {
	rules := []string{"per=" + string(l.Per)}
	if l.Concurrency > 0 {
		rules = append(rules, "concurrency="+strconv.Itoa(l.Concurrency))
	}
	switch {
	case l.Every >= time.Second:
		rules = append(rules, "rate="+strconv.Itoa(int(time.Hour/l.Every))+"/h")
	case l.Every > 0:
		rules = append(rules, "rate="+strconv.Itoa(int(time.Second/l.Every))+"/s")
	}
	return strings.Join(rules, ",")
}

func FuzzSizesAndRates(f *testing.F) {
	for _, seed := range []string{"100/s", "1/h", "0/s", "85%", "101%", "800mb", "9999999gb", "1", "90d", "1d12h", "-1d", "1d1d"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, v string) {
		if r, ok := parseRate(v); ok != (r != handlers.Rate{}) || ok && (r.PerSecond <= 0 || r.Burst < 1) {
			t.Errorf("the rate %q is read as %+v", v, r)
		}
		if m, err := parseMemory(v); err == nil && (m.Percent == 0) == (m.Bytes == 0) || m.Percent > 100 || m.Bytes < 0 {
			t.Errorf("the size %q is read as %+v", v, m)
		}
		if d, err := parseDays(v); err == nil && d <= 0 {
			t.Errorf("%q is read as %v", v, d)
		}
	})
}
