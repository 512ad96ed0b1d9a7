package server

import (
	"cmp"
	"fmt"
	"log/slog"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// loader collects what is wrong.
type loader struct {
	env  Environment
	errs []error
}

func (l *loader) wrong(variable, format string, args ...any) {
	l.errs = append(l.errs, &ConfigError{variable, fmt.Sprintf(format, args...)})
}

func (l *loader) text(names ...string) string {
	v, err := l.env.get(names...)
	if err != nil {
		l.errs = append(l.errs, err)
	}
	return v
}

func (l *loader) role(given Role) Role {
	v := l.text("ROLE")
	if given == "" {
		given = Role(cmp.Or(v, string(RoleAll)))
	}
	switch given {
	case RoleAPI, RoleWorker, RoleAll, RoleDev, RoleAutoscale:
	default:
		l.wrong("ROLE", "is %q: set it to api, worker, all or autoscale", given)
	}
	return given
}

func (l *loader) number(name string, otherwise, least, most int) int {
	v := l.text(name)
	if v == "" {
		return otherwise
	}
	n, err := strconv.Atoi(v)
	if err != nil || n < least || n > most {
		l.wrong(name, "is %q: set it to a number from %d to %d", v, least, most)
	}
	return n
}

func (l *loader) duration(name string, otherwise time.Duration) time.Duration {
	v := l.text(name)
	if v == "" {
		return otherwise
	}
	d, err := time.ParseDuration(v)
	if err != nil || d <= 0 {
		l.wrong(name, "is %q: set it to a duration such as 500ms, 8s or 24h", v)
		return otherwise
	}
	return d
}

// checkInterval reads OSP_CHECK_INTERVAL: each look costs Redis a command, and a task whose ring was lost waits for one.
func (l *loader) checkInterval() time.Duration {
	const name = "OSP_CHECK_INTERVAL"
	d := l.duration(name, 2*time.Second)
	if d < 10*time.Millisecond || d > time.Minute {
		l.wrong(name, "is %v: set it to a duration from 10ms to 1m, such as 2s", d)
	}
	return d
}

func (l *loader) flag(name string) bool {
	v := l.text(name)
	if v == "" {
		return false
	}
	on, err := strconv.ParseBool(v)
	if err != nil {
		l.wrong(name, "is %q: set it to true or false", v)
	}
	return on
}

func (l *loader) level() (level slog.Level) {
	if v := l.text("LOG_LEVEL"); v != "" && level.UnmarshalText([]byte(v)) != nil {
		l.wrong("LOG_LEVEL", "is %q: set it to debug, info, warn or error", v)
	}
	return level
}

var queueName = regexp.MustCompile(`^[a-z][a-z0-9_-]{0,47}$`)

func (l *loader) queues() map[string]int {
	v := cmp.Or(l.text("OSP_QUEUES"), "high:6,default:3,low:1")
	queues := map[string]int{}
	for entry := range strings.SplitSeq(v, ",") {
		name, weight, _ := strings.Cut(strings.TrimSpace(entry), ":")
		n, err := strconv.Atoi(cmp.Or(weight, "1"))
		if !queueName.MatchString(name) || err != nil || n < 1 {
			l.wrong("OSP_QUEUES", "has the entry %q: write name:weight, separated by commas, such as high:6,default:3,low:1", entry)
			continue
		}
		queues[name] = n
	}
	if _, ok := queues["default"]; !ok {
		l.wrong("OSP_QUEUES", "has no queue named default: add one, such as default:3")
	}
	return queues
}

func (l *loader) results(c *Config) {
	switch v := l.text("OSP_RESULTS"); {
	case strings.HasPrefix(v, "sqlite:") && len(v) > len("sqlite:"):
		c.SQLite = strings.TrimPrefix(v, "sqlite:")
	case v != "":
		l.wrong("OSP_RESULTS", "is %q: write sqlite:PATH, or leave it empty for Supabase", v)
	case c.Role == RoleDev:
		path, err := devFile(l.env)
		if err != nil {
			l.errs = append(l.errs, err)
		}
		c.SQLite = path
	default:
		l.supabase(c)
	}
}

func (l *loader) supabase(c *Config) {
	const otherwise = "; without Supabase set OSP_RESULTS=sqlite:PATH"
	switch {
	case c.SupabaseURL == "":
		l.wrong("SUPABASE_URL", "is not set: copy it from the project's settings, such as https://abc.supabase.co%s", otherwise)
	case !strings.HasPrefix(c.SupabaseURL, "https://") && !strings.HasPrefix(c.SupabaseURL, "http://"):
		l.wrong("SUPABASE_URL", "is %q: it begins with https://", c.SupabaseURL)
	}
	switch {
	case c.SupabaseKey == "":
		l.wrong("SUPABASE_SERVICE_ROLE_KEY", "is not set: copy the secret key (sb_secret_… or the service_role JWT) from the project's settings%s", otherwise)
	case strings.HasPrefix(c.SupabaseKey, "sb_publishable_"):
		l.wrong("SUPABASE_SERVICE_ROLE_KEY", "is a publishable key: the secret key (sb_secret_…) is needed")
	case strings.HasPrefix(c.SupabaseKey, "osp_"):
		l.wrong("SUPABASE_SERVICE_ROLE_KEY", "is a key of osp's own: the secret key (sb_secret_…) of the Supabase project is needed")
	case c.SupabaseKey == "sb_secret_":
		l.wrong("SUPABASE_SERVICE_ROLE_KEY", "is only the beginning of a secret key: copy all of it")
	}
}

// devFile is where dev keeps its data: XDG_DATA_HOME, or the platform's usual folder.
func devFile(env Environment) (string, error) {
	dir, _ := env.Lookup("XDG_DATA_HOME")
	if dir == "" {
		home, _ := env.Lookup("HOME")
		switch local, _ := env.Lookup("LocalAppData"); {
		case local != "":
			dir = local
		case home != "":
			dir = filepath.Join(home, ".local", "share")
		default:
			return "", &ConfigError{"XDG_DATA_HOME", "is not set, nor is HOME: set one, or OSP_RESULTS=sqlite:PATH"}
		}
	}
	return filepath.Join(dir, "osp", "dev.db"), nil
}
