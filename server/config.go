package server

import (
	"cmp"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/osp-platform/osp/handlers"
)

// Role says what a process does.
type Role string

// The roles. Dev is all of it in one process, with Redis and the result store inside.
const (
	RoleAPI    Role = "api"
	RoleWorker Role = "worker"
	RoleAll    Role = "all"
	RoleDev    Role = "dev"
)

// serves tells whether the role answers the API; works, whether it carries out tasks.
func (r Role) serves() bool { return r != RoleWorker }
func (r Role) works() bool  { return r != RoleAPI }

// Config is everything that the environment says. See docs/configuration.md.
type Config struct {
	Role            Role
	Port            int  // to listen on; 0: any free one
	PortGiven       bool // PORT was set
	RedisURL        string
	RedisPool       int
	SupabaseURL     string
	SupabaseKey     string
	SQLite          string // path of the file; empty: results go to Supabase
	Keys            []handlers.Key
	Open            bool // OSP_AUTH=off
	Queues          map[string]int
	Concurrency     int
	Servers         int // asynq servers in a worker
	CheckInterval   time.Duration
	ShutdownTimeout time.Duration
	Drain           time.Duration // how long a server that stops still answers; 0 in dev
	Lease           time.Duration
	KeepFinished    time.Duration
	AllowPrivate    bool
	LogLevel        slog.Level
	Secret          func(name string) (string, bool)
}

// Environment is where settings come from: os.LookupEnv and os.ReadFile, or a test's own.
type Environment struct {
	Lookup   func(name string) (string, bool)
	ReadFile func(path string) ([]byte, error)
}

// OSEnvironment is the process's own.
func OSEnvironment() Environment { return Environment{Lookup: os.LookupEnv, ReadFile: os.ReadFile} }

// Port is where the server of this environment listens.
func (e Environment) Port() (string, error) {
	port, err := e.get("PORT")
	return cmp.Or(port, "8080"), err
}

// ConfigError names the variable that is wrong, and the mend.
type ConfigError struct {
	Variable string
	Reason   string
}

func (e *ConfigError) Error() string { return e.Variable + " " + e.Reason }

// get returns a variable, or the contents of the file that NAME_FILE names.
func (e Environment) get(names ...string) (string, error) {
	for _, name := range names {
		if v, ok := e.Lookup(name); ok && v != "" {
			return v, nil
		}
		path, ok := e.Lookup(name + "_FILE")
		if !ok || path == "" {
			continue
		}
		raw, err := e.ReadFile(path)
		if err != nil {
			return "", &ConfigError{name + "_FILE", fmt.Sprintf("names a file that cannot be read: %v", err)}
		}
		return strings.TrimSpace(string(raw)), nil
	}
	return "", nil
}

// Load reads the configuration of a role. Empty role: ROLE says it. All that is wrong is told at once.
func Load(role Role, env Environment) (Config, error) {
	l := loader{env: env}
	c := Config{
		Role:            l.role(role),
		Port:            l.number("PORT", 8080, 0, 65535),
		RedisURL:        cmp.Or(l.text("REDIS_URL"), "redis://localhost:6379"),
		SupabaseURL:     l.text("SUPABASE_URL", "PUBLIC_SUPABASE_URL"),
		SupabaseKey:     l.text("SUPABASE_SERVICE_ROLE_KEY", "SUPABASE_SECRET_KEY"),
		Queues:          l.queues(),
		Concurrency:     l.number("OSP_CONCURRENCY", 64, 1, 10_000),
		Servers:         l.number("OSP_SERVERS", 2, 1, 16),
		CheckInterval:   l.duration("OSP_CHECK_INTERVAL", 10*time.Millisecond),
		ShutdownTimeout: l.duration("OSP_SHUTDOWN_TIMEOUT", 8*time.Second),
		Lease:           l.duration("OSP_LEASE", 5*time.Second),
		KeepFinished:    l.duration("OSP_KEEP_FINISHED", 24*time.Hour),
		AllowPrivate:    l.flag("OSP_HTTP_ALLOW_PRIVATE"),
		LogLevel:        l.level(),
		Secret:          env.secret,
	}
	if c.Role != RoleDev {
		c.Drain = l.duration("OSP_DRAIN", time.Second)
	}
	c.RedisPool = l.number("REDIS_POOL_SIZE", poolSize(c.Role), 1, 1000)
	given, _ := env.get("PORT") // an error is told by Port above
	c.PortGiven = given != ""
	l.results(&c)
	l.auth(&c)
	return c, errors.Join(l.errs...)
}

// poolSize keeps a process within six connections: asynq's two servers listen on one each, and the journal on one where
// somebody watches.
func poolSize(r Role) int {
	if r.serves() && r.works() {
		return 3
	}
	return 4
}

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
	case RoleAPI, RoleWorker, RoleAll, RoleDev:
	default:
		l.wrong("ROLE", "is %q: set it to api, worker or all", given)
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
	}
}

func (l *loader) auth(c *Config) {
	if v := l.text("OSP_API_KEYS"); v != "" {
		keys, err := handlers.ParseKeys(v)
		if err != nil {
			l.wrong("OSP_API_KEYS", "is wrong: %v", err)
		}
		c.Keys = keys
	}
	switch auth := l.text("OSP_AUTH"); {
	case auth == "off" || c.Role == RoleDev:
		c.Open = true
	case auth != "" && auth != "on":
		l.wrong("OSP_AUTH", "is %q: set it to off to run open on purpose, or leave it empty", auth)
	case len(c.Keys) == 0 && l.text("OSP_API_KEYS") == "" && c.Role.serves():
		l.wrong("OSP_API_KEYS", "has no key: make one with `osp key NAME ROLE` and set this to what it prints; OSP_AUTH=off runs open on purpose")
	}
}

// secret finds a named secret: OSP_SECRET_NAME, or the file that OSP_SECRET_NAME_FILE names.
func (e Environment) secret(name string) (string, bool) {
	if strings.HasSuffix(name, "_FILE") {
		return "", false // it would be the path, not the secret
	}
	v, err := e.get("OSP_SECRET_" + name)
	return v, err == nil && v != ""
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
