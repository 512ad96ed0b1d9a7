package server

import (
	"errors"
	"fmt"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/hibiken/asynq"
	"github.com/redis/go-redis/v9"

	"github.com/osp-platform/osp/internal/telemetry"
	"github.com/osp-platform/osp/internal/testenv"
	"github.com/osp-platform/osp/journal"
	"github.com/osp-platform/osp/saga"
	"github.com/osp-platform/osp/tasks"
)

// backlog puts deliveries into a queue that nobody of the test carries out.
func backlog(t *testing.T, redisURL, queue string, n int, options ...asynq.Option) {
	t.Helper()
	client, err := openRedis(redisURL, 1, trust{})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = client.Close() }()
	enqueue := asynq.NewClientFromRedisClient(client)
	for i := range n {
		id := asynq.TaskID(fmt.Sprint(queue, i, len(options)))
		if _, err := enqueue.Enqueue(asynq.NewTask("none", nil), append(options, id, asynq.Queue(queue))...); err != nil {
			t.Fatal(err)
		}
	}
}

func TestTheGaugeIsTheSameOnEveryRole(t *testing.T) {
	redisURL := testenv.Redis(t)
	backlog(t, redisURL, "default", 5)
	backlog(t, redisURL, "high", 2)
	backlog(t, redisURL, "default", 3, asynq.ProcessIn(time.Hour))
	backlog(t, redisURL, "elsewhere", 9)
	set := vars{"REDIS_URL": redisURL, "OSP_SCALE_PER_WORKER": "3", "OSP_RESULTS": "sqlite:" + t.TempDir() + "/osp.db"}
	api := run(t, config(t, RoleAPI, set))
	if status, _, body := api.ask("GET", "/v1/scale", "", ""); status != 200 || strings.TrimSpace(body) != `{"backlog":7,"desired":3}` {
		t.Errorf("scale: %d %s", status, body)
	}
	apis := "\nosp_queue_backlog{queue=\"default\"} 5\nosp_queue_backlog{queue=\"high\"} 2\nosp_queue_backlog{queue=\"low\"} 0\n"
	scraped(t, api, apis, "\nosp_workers_desired 3\n")
	worker := run(t, config(t, RoleWorker, with(set, vars{"OSP_QUEUES": "default:1,idle:1"})))
	scraped(t, worker, "\nosp_queue_backlog{queue=\"idle\"} 0\n", "\nosp_workers_desired ")
	for _, r := range []*running{api, worker} {
		if err := r.stop(); err != nil {
			t.Error(err)
		}
	}
}

// scraped checks what Prometheus would read.
func scraped(t *testing.T, r *running, wants ...string) {
	t.Helper()
	status, header, body := r.ask("GET", "/metrics", "", "")
	if status != 200 || !strings.HasPrefix(header.Get("Content-Type"), "text/plain; version=0.0.4") {
		t.Errorf("metrics: %d %v", status, header)
	}
	for _, want := range wants {
		if !strings.Contains(body, want) {
			t.Errorf("metrics are\n%s\nwant %s", body, want)
		}
	}
}

func TestTheGaugeIsForReadersAndAWorkersForEverybody(t *testing.T) {
	redisURL := testenv.Redis(t)
	set := vars{"REDIS_URL": redisURL, "OSP_RESULTS": "sqlite:" + t.TempDir() + "/osp.db", "OSP_AUTH": "on", "OSP_USERS": "off", "OSP_API_KEYS": apiKey("prometheus", "reader", "prom") + "," + apiKey("screen", "reader", "screen") + ":shop_1"}
	api, worker := run(t, config(t, RoleAPI, set)), run(t, config(t, RoleWorker, set))
	for _, path := range []string{"/metrics", "/v1/scale"} {
		api.token = ""
		if got := api.status(path); got != 401 {
			t.Errorf("%s without a key: %d", path, got)
		}
		api.token = "osp_prom"
		if got := api.status(path); got != 200 {
			t.Errorf("%s with a reader's key: %d", path, got)
		}
		api.token = "osp_screen"
		if got := api.status(path); got != 403 {
			t.Errorf("%s with the key of one service: %d", path, got)
		}
	}
	if got := worker.status("/metrics"); got != 200 {
		t.Errorf("a worker's metrics: %d", got)
	}
	for _, r := range []*running{api, worker} {
		if err := r.stop(); err != nil {
			t.Error(err)
		}
	}
}

// A zero would have workers taken away while Redis is.
func TestWithoutRedisTheGaugeSaysNothing(t *testing.T) {
	client := redis.NewClient(&redis.Options{Addr: "127.0.0.1:1", MaxRetries: -1, DialerRetries: 1})
	t.Cleanup(func() { _ = client.Close() })
	c := Config{Queues: map[string]int{"default": 1}}
	server := Server{config: c, redis: client, journal: journal.New(client, journal.Options{}), metrics: telemetry.NewMetrics(c.Build, time.Now)}
	server.gauge = newGauge(tasks.NewQueue(client), server.journal, c)
	server.measure()
	if s, err := server.gauge.Scale(t.Context()); s.Desired != 0 || !errors.Is(err, saga.ErrUnavailable) {
		t.Errorf("got %+v, %v", s, err)
	}
	answer := httptest.NewRecorder()
	server.metrics.Handler().ServeHTTP(answer, httptest.NewRequestWithContext(t.Context(), "GET", "/metrics", nil))
	said := answer.Body.String()
	if answer.Code != 200 || !strings.Contains(said, "\nosp_redis_up 0\n") || strings.Contains(said, "osp_queue_") ||
		strings.Contains(said, "osp_workers_desired") {
		t.Errorf("got %d %s", answer.Code, said)
	}
}

func TestMostWorkersAreNotFewerThanTheLeast(t *testing.T) {
	_, err := Load(RoleAPI, with(enough, vars{"OSP_SCALE_MIN": "5", "OSP_SCALE_MAX": "4"}).env())
	if blamed(err)["OSP_SCALE_MAX"] != 1 || !strings.Contains(err.Error(), "to 5 or more") {
		t.Errorf("got %v", err)
	}
	c, err := Load(RoleAPI, with(enough, vars{"OSP_CONCURRENCY": "7"}).env())
	if err != nil || c.Scale.PerWorker != 7 {
		t.Errorf("got %+v, %v: a worker is meant to have what it carries out at once", c.Scale, err)
	}
}
