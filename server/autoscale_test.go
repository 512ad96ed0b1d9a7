package server

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/osp-platform/osp/internal/telemetry"
	"github.com/osp-platform/osp/internal/testenv"
)

// scaling is what the role autoscale needs to be told.
var scaling = vars{"OSP_SCALE_DRIVER": "heroku", "OSP_SCALE_TARGET": "my-osp/worker", "OSP_SCALE_TOKEN": "token-of-heroku"}

func TestAutoscaleNeedsNoMoreThanRedisAndAPlatform(t *testing.T) {
	c, err := Load("", with(scaling, vars{"ROLE": "autoscale"}).env())
	want := Autoscale{Platform: "heroku", Target: "my-osp/worker", Token: "token-of-heroku", Every: 15 * time.Second, CoolDown: 5 * time.Minute}
	if err != nil || c.Autoscale != want || c.Role.serves() || c.Role.works() {
		t.Errorf("got %+v, %v", c.Autoscale, err)
	}
	set := vars{"OSP_SCALE_EVERY": "1m", "OSP_SCALE_COOLDOWN": "1h", "OSP_SCALE_DRY_RUN": "true", "OSP_SCALE_TOKEN": "", "OSP_SCALE_TOKEN_FILE": "/t", "file /t": "abc\n"}
	c, err = Load(RoleAutoscale, with(scaling, set).env())
	want = Autoscale{Platform: "heroku", Target: "my-osp/worker", Token: "abc", Every: time.Minute, CoolDown: time.Hour, DryRun: true}
	if err != nil || c.Autoscale != want {
		t.Errorf("got %+v, %v", c.Autoscale, err)
	}
}

func TestWhatIsWrongWithAutoscaleIsNamed(t *testing.T) {
	for variable, values := range map[string][]string{
		"OSP_SCALE_DRIVER":   {"", "Heroku", "aws"},
		"OSP_SCALE_TARGET":   {"", "my-osp", "my-osp/", "a/b/c", "my osp/worker"},
		"OSP_SCALE_TOKEN":    {"", "two words", "a\nb"},
		"OSP_SCALE_EVERY":    {"15", "0s", "999ms", "-1s"},
		"OSP_SCALE_COOLDOWN": {"5", "-1m"},
		"OSP_SCALE_DRY_RUN":  {"yes"},
	} {
		for _, value := range values {
			_, err := Load(RoleAutoscale, with(scaling, vars{variable: value}).env())
			if blamed(err)[variable] != 1 || strings.Contains(err.Error(), "token-of-heroku") {
				t.Errorf("%s=%q: %v", variable, value, err)
			}
		}
	}
}

func TestAutoscaleScalesWhatRedisSays(t *testing.T) {
	redisURL := testenv.Redis(t)
	backlog(t, redisURL, "default", 130)
	set := make(chan int, 1)
	heroku := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		quantity := 1
		if r.Method == http.MethodPatch {
			var body struct{ Quantity int }
			_ = json.NewDecoder(r.Body).Decode(&body)
			quantity = body.Quantity
			set <- quantity
		}
		_, _ = fmt.Fprintf(w, `{"quantity":%d}`, quantity)
	}))
	t.Cleanup(heroku.Close)

	var log lines
	s := autoscaler(t, redisURL, &log)
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- s.autoscale(ctx, newPlatformClient(), heroku.URL) }()
	select {
	case n := <-set:
		if n != 3 {
			t.Errorf("scaled to %d, want 3", n)
		}
	case <-time.After(patience):
		t.Error("nothing was scaled")
	}
	log.comes(t, "workers scaled", "backlog=130", "from=1", "to=3")
	r := &running{t: t, url: s.URL()}
	for path, want := range map[string]int{"/healthz": 200, "/readyz": 200, "/metrics": 200, "/v1/scale": 404} {
		if got := r.status(path); got != want {
			t.Errorf("%s: %d, want %d", path, got, want)
		}
	}
	cancel()
	if err := <-ended; err != nil {
		t.Error(err)
	}
	if strings.Contains(strings.Join(log.all(), ""), "token-of-heroku") {
		t.Error("the token is in the log")
	}
}

func TestATokenFollowsNoRedirect(t *testing.T) {
	elsewhere := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { t.Error("asked") }))
	t.Cleanup(elsewhere.Close)
	heroku := httptest.NewServer(http.RedirectHandler(elsewhere.URL, http.StatusTemporaryRedirect))
	t.Cleanup(heroku.Close)
	var log lines
	s := autoscaler(t, testenv.Redis(t), &log)
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- s.autoscale(ctx, newPlatformClient(), heroku.URL) }()
	log.comes(t, "the platform does not say how many workers there are", "307")
	cancel()
	if err := <-ended; err != nil {
		t.Error(err)
	}
}

func TestAutoscaleRefusesARedisThatEvicts(t *testing.T) {
	redisURL := testenv.Redis(t, "--maxmemory-policy", "allkeys-lru")
	err := RunAutoscale(t.Context(), autoscaleConfig(t, redisURL), slog.New(slog.DiscardHandler))
	var config *ConfigError
	if !errors.As(err, &config) || config.Variable != "REDIS_URL" {
		t.Errorf("got %v", err)
	}
}

func autoscaleConfig(t *testing.T, redisURL string) Config {
	t.Helper()
	c, err := Load(RoleAutoscale, with(scaling, vars{"REDIS_URL": redisURL, "PORT": "0"}).env())
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func autoscaler(t *testing.T, redisURL string, log *lines) *Server {
	t.Helper()
	s := &Server{config: autoscaleConfig(t, redisURL), log: slog.New(slog.NewTextHandler(log, nil)), closing: make(chan struct{}), metrics: telemetry.NewMetrics(telemetry.Build{}, time.Now)}
	t.Cleanup(s.close)
	if err := s.openGauge(t.Context()); err != nil {
		t.Fatal(err)
	}
	return s
}
