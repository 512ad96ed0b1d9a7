package server

import (
	"log/slog"
	"testing"
	"time"

	"github.com/osp-platform/osp/internal/testenv"
)

func TestWorkersDeleteOldRowsIfThereIsARetention(t *testing.T) {
	redisURL := testenv.Redis(t)
	for _, c := range []struct {
		role      Role
		retention string
		want      time.Duration
	}{{RoleWorker, "90d", 90 * 24 * time.Hour}, {RoleAll, "24h", 24 * time.Hour}, {RoleAPI, "90d", 0}, {RoleWorker, "", 0}} {
		s, err := New(t.Context(), config(t, c.role, vars{"REDIS_URL": redisURL, "OSP_RETENTION": c.retention}), slog.New(slog.DiscardHandler))
		if err != nil {
			t.Fatal(err)
		}
		var keep time.Duration
		if s.expirer != nil {
			keep = s.expirer.Keep
		}
		if keep != c.want {
			t.Errorf("%s with %q keeps rows for %v, want %v", c.role, c.retention, keep, c.want)
		}
		s.close()
	}
}
