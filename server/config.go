package server

import (
	"errors"
	"log/slog"
	"time"

	"github.com/osp-platform/osp/handlers"
	"github.com/osp-platform/osp/internal/scale"
	"github.com/osp-platform/osp/internal/telemetry"
	"github.com/osp-platform/osp/tasks"
	"github.com/osp-platform/osp/tasks/smtp"
)

// Role says what a process does.
type Role string

// The roles. Dev is all of it in one process, with Redis and the result store inside; autoscale does nothing with tasks,
// but sets the number of workers (see [RunAutoscale]).
const (
	RoleAPI       Role = "api"
	RoleWorker    Role = "worker"
	RoleAll       Role = "all"
	RoleDev       Role = "dev"
	RoleAutoscale Role = "autoscale"
)

// serves tells whether the role answers the API; works, whether it carries out tasks.
func (r Role) serves() bool { return r == RoleAPI || r == RoleAll || r == RoleDev }
func (r Role) works() bool  { return r == RoleWorker || r == RoleAll || r == RoleDev }

// defaultRedis is where Redis is when REDIS_URL does not say.
const defaultRedis = "redis://localhost:6379"

// Config is everything that the environment says. See docs/configuration.md.
type Config struct {
	Role            Role
	Port            int    // to listen on; 0: any free one
	PortGiven       bool   // PORT was set
	RedisURL        string // empty in dev, which has its own
	RedisTrust      trust
	RedisPool       int
	Partitions      int // that tasks are spread over in Redis; 0: 1, on a cluster 16
	SupabaseURL     string
	SupabaseKey     string
	SQLite          string // path of the file; empty: results go to Supabase
	Keys            []handlers.Key
	HookSecrets     []string // of databases that tell of their changes; none: they are not listened to
	Open            bool     // OSP_AUTH=off
	People          People
	Users           *Users // whose tokens are accepted; nil: nobody's
	Files           Files  // which settings came from files
	Queues          map[string]int
	Concurrency     int
	CheckInterval   time.Duration
	ShutdownTimeout time.Duration
	Drain           time.Duration // how long a server that stops still answers; 0 in dev
	Lease           time.Duration
	KeepFinished    time.Duration
	Retention       time.Duration // how long rows of ended tasks are kept; 0: for ever
	AllowPrivate    bool
	SMTP            *smtp.Settings // nil: no mail is sent
	SMS             SMS
	StripeURL       string // empty: the service itself, as for OpenAI
	OpenAIURL       string
	Accept          Accept // what has a task before its start is answered
	Recover         bool   // restore at the start what Redis has lost
	RateLimit       handlers.Rate
	MaxBacklog      int // tasks that may wait for a worker, or rows for the store, before new ones are refused; 0: any number
	MaxMemory       memoryMark
	Limits          map[string]tasks.Limit // by type of task
	Scale           scale.Rule             // how many workers a backlog needs
	Autoscale       Autoscale              // role autoscale only
	LogLevel        slog.Level
	Traces          *telemetry.TraceConfig // nil: nothing is traced
	Build           telemetry.Build        // what the program was made of
	Unknown         []Finding              // variables that look like ours and are not
	Secret          func(name string) (string, bool)
}

// Load reads the configuration of a role. Empty role: ROLE says it. All that is wrong is told at once.
func Load(role Role, env Environment) (Config, error) {
	l := loader{env: env}
	c := Config{
		Role:            l.role(role),
		Port:            l.number("PORT", 8080, 0, 65535),
		RedisTrust:      l.redisTrust(),
		SupabaseURL:     l.text("SUPABASE_URL", "PUBLIC_SUPABASE_URL"),
		SupabaseKey:     l.text("SUPABASE_SERVICE_ROLE_KEY", "SUPABASE_SECRET_KEY"),
		Queues:          l.queues(),
		Partitions:      l.number("OSP_PARTITIONS", 0, 1, 256),
		Concurrency:     l.number("OSP_CONCURRENCY", 64, 1, 10_000),
		CheckInterval:   l.checkInterval(),
		ShutdownTimeout: l.duration("OSP_SHUTDOWN_TIMEOUT", 8*time.Second),
		Lease:           l.duration("OSP_LEASE", 5*time.Second),
		KeepFinished:    l.duration("OSP_KEEP_FINISHED", 24*time.Hour),
		AllowPrivate:    l.flag("OSP_HTTP_ALLOW_PRIVATE"),
		HookSecrets:     l.hookSecrets(),
		People:          l.people(),
		SMTP:            l.mail(),
		StripeURL:       l.base("OSP_STRIPE_URL"),
		OpenAIURL:       l.base("OSP_OPENAI_URL"),
		SMS:             l.sms(),
		Recover:         l.flag("OSP_RECOVER"),
		RateLimit:       l.rateLimit(),
		MaxBacklog:      l.number("OSP_MAX_BACKLOG", 0, 1, 1_000_000_000),
		MaxMemory:       l.maxMemory(),
		Limits:          l.limits(),
		LogLevel:        l.level(),
		Traces:          l.traces(),
		Secret:          env.secret,
	}
	c.Accept = l.accept(c.Role)
	if c.Role != RoleDev {
		c.RedisURL = l.redisURL()
		c.Drain = l.duration("OSP_DRAIN", time.Second)
	}
	c.Scale = l.scale(c.Concurrency)
	c.RedisPool = l.number("REDIS_POOL_SIZE", poolSize, 1, 1000)
	given, _ := env.get("PORT") // an error is told by Port above
	c.PortGiven = given != ""
	c.Retention = l.retention(c.KeepFinished)
	if c.Role == RoleAutoscale {
		c.Autoscale = l.autoscale()
	} else {
		l.results(&c)
		l.callers(&c)
	}
	c.Unknown = env.unknown()
	c.Files = env.files()
	return c, errors.Join(l.errs...)
}

// poolSize keeps a process within six connections: asynq listens on one, and the journal on one where somebody watches or works.
const poolSize = 4
