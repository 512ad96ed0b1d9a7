package uitest

import (
	"log/slog"
	"testing"

	"github.com/osp-platform/osp/internal/testenv"
	"github.com/osp-platform/osp/server"
)

func TestMain(m *testing.M) {
	server.UseLog(slog.New(slog.DiscardHandler))
	testenv.Main(m)
}
