package telemetry

import (
	"context"
	"testing"

	"github.com/redis/go-redis/v9"

	"github.com/osp-platform/osp/internal/testenv"
)

func TestMain(m *testing.M) {
	redis.SetLogger(silence{}) // it would tell of every Redis that is not there
	testenv.Main(m)
}

type silence struct{}

func (silence) Printf(context.Context, string, ...any) {}
