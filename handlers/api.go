package handlers

import (
	"log/slog"
	"net/http"
	"strings"
	"time"

	"github.com/gin-gonic/gin"
)

// Config is what an [API] is made of. Now and NewID are required.
type Config struct {
	// Tasks does the work. Nil makes an API of /healthz, /readyz and /problems only: what a worker serves.
	Tasks Tasks
	// Ready answers /readyz; nil: Tasks does.
	Ready Readiness
	// Auth tells who is calling. Nil is open: everybody is an operator (OSP_AUTH=off, osp dev).
	Auth Authenticator
	// Sessions says who may sign in with a browser. Without a store nobody can.
	Sessions SessionConfig
	// Audit keeps what people did. Nil: nobody does.
	Audit Auditor
	// Services tells whose services are, for the tasks that users start. Nil: users may name no service.
	Services Services
	// HookSecrets are what databases show to tell of their changes: one, and another while it is exchanged. None: they are not
	// listened to.
	HookSecrets []string
	// Rate is what each caller may start at this process.
	Rate Rate
	// Load tells when no more tasks should be accepted. Nil: they always are.
	Load Load
	// Log takes one line per request, and the causes that clients are not told; nil: discarded.
	Log *slog.Logger
	// Now is the clock: for durations in the log and for write deadlines, so it must be the real one on a real network.
	Now func() time.Time
	// NewID makes ids for requests that bring none in X-Request-Id.
	NewID func() string
	// Closing is closed when the process is about to stop, before the listener is: event streams and waits end, and
	// /readyz answers 503. Nil: never.
	Closing <-chan struct{}
	// Middleware runs around every route of the API and around those added later: metrics, traces.
	Middleware []gin.HandlerFunc
	// Admit is told of each request of the API before it is handled, and whether it was found out who sends it; nil: nobody is.
	Admit func(c *gin.Context, known bool)
}

// API is the HTTP API. It is an [http.Handler], and a [gin.Engine] to which the server may add what is not the API's:
//
//	api := handlers.New(cfg)
//	api.GET("/metrics", gin.WrapH(metrics))
//	api.Any("/monitor/*any", api.Monitor(look, operate)...)
type API struct {
	*gin.Engine

	admit   func(c *gin.Context, known bool)
	tasks   Tasks
	feeds   *feeds
	ready   Readiness
	auth    Authenticator
	people  *sessions
	audit   Auditor
	owners  *ownerCache
	rates   *rates
	gate    gate
	hooks   []string
	load    Load
	log     *slog.Logger
	now     func() time.Time
	newID   func() string
	closing <-chan struct{}
	origin  *http.CrossOriginProtection
}

// New makes the API. It panics if Now or NewID is missing, for that is a fault of the program.
func New(cfg Config) *API {
	if cfg.Now == nil || cfg.NewID == nil {
		panic("handlers: Config.Now and Config.NewID are required")
	}
	a := &API{
		tasks: cfg.Tasks, ready: cfg.Ready, auth: cfg.Auth, log: cfg.Log, now: cfg.Now, newID: cfg.NewID,
		closing: cfg.Closing, origin: http.NewCrossOriginProtection(), load: cfg.Load, rates: newRates(cfg.Rate, cfg.Now),
		gate: make(gate, maxStarting), hooks: cfg.HookSecrets,
	}
	a.feeds = newFeeds(a.tasks, a.now, a.panicked)
	a.audit, a.admit = cfg.Audit, cfg.Admit
	a.people = newSessions(cfg.Sessions, cfg.Auth, cfg.Now)
	a.owners = newOwnerCache(cfg.Services, cfg.Now)
	if a.log == nil {
		a.log = slog.New(slog.DiscardHandler)
	}
	if a.ready == nil {
		a.ready = a.tasks
	}
	a.Engine = engine()
	a.Use(a.requestID, a.accessLog, a.recovered, secured)
	a.Use(cfg.Middleware...)
	a.NoRoute(a.Nowhere)
	a.NoMethod(func(c *gin.Context) { a.problem(c, refuse(noMethod)) })
	for _, r := range a.routes() {
		a.Handle(r.method, r.path, a.chain(r)...)
	}
	return a
}

// Nowhere answers what is addressed to nothing that there is.
func (a *API) Nowhere(c *gin.Context) { a.problem(c, refuse(noRoute)) }

// ServeHTTP implements [http.Handler]. HEAD is answered as GET, of which net/http sends no body; monitors ask so. An event stream
// would not end.
func (a *API) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Method == http.MethodHead && !strings.HasSuffix(r.URL.Path, "/events") {
		r = r.Clone(r.Context())
		r.Method = http.MethodGet
	}
	a.Engine.ServeHTTP(w, r)
}

// engine returns a bare gin engine.
func engine() *gin.Engine {
	gin.SetMode(gin.ReleaseMode) // else gin prints its routes to stdout
	e := gin.New()
	// An escaped slash in an id is a bad id, not another route.
	e.UseEscapedPath = true
	e.HandleMethodNotAllowed = true
	e.RedirectTrailingSlash = false
	e.ForwardedByClientIP = false
	return e
}
