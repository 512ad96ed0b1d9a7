package server

import (
	"log/slog"
	"testing"

	"github.com/osp-platform/osp/internal/testenv"
)

func TestMain(m *testing.M) {
	UseLog(slog.New(slog.DiscardHandler)) // go-redis would tell of every Redis that a test takes away
	testenv.Main(m)
}
