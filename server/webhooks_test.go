package server

import (
	"log/slog"
	"reflect"
	"testing"

	"github.com/osp-platform/osp/internal/testenv"
	"github.com/osp-platform/osp/tasks"
)

// One slow receiver keeps nobody else waiting, whether OSP_LIMITS says so or not.
func TestDeliveriesToOneReceiverAreLimited(t *testing.T) {
	for set, want := range map[string]tasks.Limit{
		"":                               {Concurrency: 8, Per: tasks.PerKey},
		"http.saga:concurrency=2":        {Concurrency: 8, Per: tasks.PerKey},
		"webhook.deliver:concurrency=30": {Concurrency: 30, Per: tasks.PerType},
	} {
		s, err := New(t.Context(), config(t, RoleWorker, vars{"REDIS_URL": testenv.Redis(t), "OSP_LIMITS": set}), slog.New(slog.DiscardHandler))
		if err != nil {
			t.Fatal(err)
		}
		if got := s.limits.Types[tasks.WebhookType]; !reflect.DeepEqual(got, want) {
			t.Errorf("with OSP_LIMITS=%s: %+v, want %+v", set, got, want)
		}
		s.close()
	}
}
