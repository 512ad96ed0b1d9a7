package server

import (
	"log/slog"
	"net/http"
	"testing"

	"github.com/osp-platform/osp/deploy/supabase"
	"github.com/osp-platform/osp/internal/testenv"
)

func TestAnOldSchemaIsNotReadyAndSaysSo(t *testing.T) {
	s := testenv.Supabase(t)
	db := s.DB(t)
	schema := func(version int64) {
		t.Helper()
		if _, err := db.Exec(t.Context(), "update osp.schema set version = $1", version); err != nil {
			t.Fatal(err)
		}
	}
	defer func() { schema(supabase.Schema()) }()
	set := vars{"OSP_RESULTS": "", "REDIS_URL": testenv.Redis(t), "SUPABASE_URL": s.URL, "SUPABASE_SERVICE_ROLE_KEY": s.ServiceKey}

	schema(supabase.Schema() - 1)
	var log lines
	r := runWith(t, config(t, RoleWorker, set), slog.New(slog.NewTextHandler(&log, nil)))
	if got := r.status("/readyz"); got != http.StatusServiceUnavailable {
		t.Errorf("with an old schema /readyz answers %d", got)
	}
	log.comes(t, "the result store cannot be used yet", "this program needs", "run osp migrate")
	log.comes(t, "request failed", "this program needs", "run osp migrate")
	schema(supabase.Schema() + 1) // of a newer program
	r.becomes("/readyz", http.StatusOK)
	if err := r.stop(); err != nil {
		t.Error(err)
	}
}
