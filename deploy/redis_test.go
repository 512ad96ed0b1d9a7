package deploy

import (
	"context"
	"fmt"
	"io/fs"
	"os"
	"path"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/hibiken/asynq"
	"github.com/redis/go-redis/v9"

	"github.com/osp-platform/osp/internal/testenv"
	"github.com/osp-platform/osp/journal"
	"github.com/osp-platform/osp/saga"
	"github.com/osp-platform/osp/tasks"
)

func TestMain(m *testing.M) { testenv.Main(m) }

// lists are the keys that autoscalers look at, by file.
func lists(t *testing.T) map[string][]string {
	t.Helper()
	found, m := map[string][]string{}, manifests{}
	err := fs.WalkDir(os.DirFS("."), ".", func(file string, _ fs.DirEntry, err error) error {
		if err == nil && path.Ext(file) == ".yaml" && !strings.HasPrefix(file, "check") {
			m.document(t, file)
			for _, doc := range m[file] {
				walk(doc, func(name string, v any) {
					if name == "listName" {
						found[file] = append(found[file], fmt.Sprint(v))
					}
				})
			}
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}

func walk(v any, visit func(name string, v any)) {
	switch x := v.(type) {
	case map[string]any:
		for name, inner := range x {
			visit(name, inner)
			walk(inner, visit)
		}
	case []any:
		for _, inner := range x {
			walk(inner, visit)
		}
	}
}

// busy is a Redis in which every queue has a delivery that waits, one that a worker has, and a task that is held back.
func busy(t *testing.T, queues ...string) *redis.Client {
	t.Helper()
	options, err := redis.ParseURL(testenv.Redis(t))
	if err != nil {
		t.Fatal(err)
	}
	client := redis.NewClient(options)
	t.Cleanup(func() { _ = client.Close() })
	queue, taken, letGo := tasks.NewQueue(client), make(chan struct{}), make(chan struct{})
	held := journal.New(client, journal.Options{})
	for _, name := range queues {
		hold(t, held, name)
		for i := range 2 {
			if err := queue.Enqueue(t.Context(), saga.Ref{ID: fmt.Sprint(name, i), Type: "any", Queue: name}); err != nil {
				t.Fatal(err)
			}
		}
		worker := asynq.NewServerFromRedisClient(client, asynq.Config{
			Concurrency: 1, Queues: map[string]int{name: 1}, TaskCheckInterval: 5 * time.Millisecond, LogLevel: asynq.FatalLevel,
		})
		if err := worker.Start(asynq.HandlerFunc(func(context.Context, *asynq.Task) error {
			taken <- struct{}{}
			<-letGo
			return nil
		})); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(worker.Shutdown)
		<-taken
		worker.Stop()
	}
	t.Cleanup(func() { close(letGo) })
	return client
}

// hold has a task held back from a queue.
func hold(t *testing.T, j *journal.Redis, queue string) {
	t.Helper()
	started, err := j.Start(t.Context(), saga.Start{Created: saga.Created{ID: "held-" + queue, Type: "any", Queue: queue, Hash: "h"}})
	if err != nil {
		t.Fatal(err)
	}
	if ok, err := j.Hold(t.Context(), started.Ref, "shop"); !ok || err != nil {
		t.Fatalf("held: %t, %v", ok, err)
	}
}

// length is what KEDA's scaler (2.21) finds under a key, which may be a list or a sorted set.
func length(ctx context.Context, client *redis.Client, key string) (int64, error) {
	if client.Type(ctx, key).Val() == "zset" {
		return client.ZCard(ctx, key).Result()
	}
	return client.LLen(ctx, key).Result()
}

func TestAutoscalersLookAtAllThatWaits(t *testing.T) {
	queues := []string{"high", "default", "low"}
	client := busy(t, queues...)
	if n := client.LLen(t.Context(), "asynq:default:pending").Val(); n != 0 {
		t.Fatalf("a list of a wrong name has %d deliveries", n)
	}
	var want []string
	for _, name := range queues {
		want = append(want, "asynq:{"+name+"}:active", "asynq:{"+name+"}:pending", "osp:{00}:held:"+name)
	}
	slices.Sort(want)
	found := lists(t)
	for _, file := range []string{"kubernetes/keda/worker.yaml", "azure/worker.yaml"} {
		slices.Sort(found[file])
		if !slices.Equal(found[file], want) {
			t.Errorf("%s has the lists %v, want %v", file, found[file], want)
		}
	}
	for file, keys := range found {
		for _, key := range keys {
			if n, err := length(t.Context(), client, key); n != 1 || err != nil {
				t.Errorf("%s: the list %s has %d deliveries, %v, want 1", file, key, n, err)
			}
		}
	}
}

// evicting are the policies by which Redis throws keys away.
var evicting = []string{"allkeys-", "volatile-"}

// keeps tells whether a folder's manifests and README have Redis throw nothing away.
func keeps(text string) bool {
	said := strings.Contains(text, "noeviction") || strings.Contains(text, "NoEviction") || strings.Contains(text, "--no-eviction")
	return said && !slices.ContainsFunc(evicting, func(policy string) bool { return strings.Contains(text, policy) })
}

func TestNoRedisEvicts(t *testing.T) {
	for _, platform := range []string{
		"compose", "kubernetes/redis", "railway", "fly", "heroku", "cloudrun", "aws", "digitalocean", "render", "azure", "systemd",
	} {
		files, err := os.ReadDir(platform)
		if err != nil {
			t.Fatal(err)
		}
		var all strings.Builder
		for _, f := range files {
			if raw, err := os.ReadFile(path.Join(platform, f.Name())); err == nil {
				all.Write(raw)
			}
		}
		text := all.String()
		if !keeps(text) {
			t.Errorf("%s does not keep Redis from evicting", platform)
		}
		if keeps(strings.NewReplacer("noeviction", "allkeys-lru", "NoEviction", "AllKeysLRU", "--no-eviction", "--eviction").Replace(text)) {
			t.Errorf("%s: a policy that evicts went unnoticed", platform)
		}
	}
	m := manifests{}
	for _, at := range []place{
		"compose/compose.yaml services redis command", "kubernetes/redis/redis.yaml#1 spec template spec containers 0 args",
	} {
		if args := m.find(t, at); !strings.Contains(args, "--maxmemory-policy noeviction") || !strings.Contains(args, "--appendonly yes") {
			t.Errorf("%s is %s", at, args)
		}
	}
	if got := m.find(t, "render/render.yaml services name=osp-redis maxmemoryPolicy"); got != "noeviction" {
		t.Errorf("render's store has the policy %q", got)
	}
}
