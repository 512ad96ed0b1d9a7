package journal_test

import (
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/osp-platform/osp/internal/testenv"
	"github.com/osp-platform/osp/journal"
	"github.com/osp-platform/osp/saga"
)

func TestASessionIsKeptForItsTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		client, _ := testenv.Bubble(t)
		j := journal.New(client, journal.Options{})
		ctx := t.Context()
		kept := func(want string, left time.Duration) {
			t.Helper()
			data, l, err := j.Session(ctx, "a")
			if must(t, err); string(data) != want || l != left {
				t.Errorf("%q for %v, want %q for %v", data, l, want, left)
			}
		}
		must(t, j.KeepSession(ctx, "a", []byte("\x00one"), time.Hour))
		time.Sleep(20 * time.Minute)
		kept("\x00one", 40*time.Minute)
		must(t, j.ProlongSession(ctx, "a", 2*time.Hour))
		kept("\x00one", 2*time.Hour)
		if done, err := j.ReplaceSession(ctx, "a", []byte("two"), []byte("three"), time.Hour); done || err != nil {
			t.Errorf("others were replaced: %v, %v", done, err)
		}
		if done, err := j.ReplaceSession(ctx, "a", []byte("\x00one"), []byte("two\xff"), time.Hour); !done || err != nil {
			t.Errorf("not replaced: %v, %v", done, err)
		}
		kept("two\xff", time.Hour)
		time.Sleep(time.Hour)
		gone(t, j)

		must(t, j.KeepSession(ctx, "a", []byte("one"), time.Hour))
		must(t, j.DropSession(ctx, "a"))
		must(t, j.DropSession(ctx, "a"))
		must(t, j.ProlongSession(ctx, "a", time.Hour))
		gone(t, j)
		if done, err := j.ReplaceSession(ctx, "a", []byte("one"), []byte("two"), time.Hour); done || err != nil {
			t.Errorf("one that has ended begins again: %v, %v", done, err)
		}
		gone(t, j)
	})
}

func gone(t *testing.T, j *journal.Redis) {
	t.Helper()
	if data, _, err := j.Session(t.Context(), "a"); !errors.Is(err, saga.ErrNotFound) {
		t.Errorf("%q is still there: %v", data, err)
	}
}

func TestSessionsInARealRedis(t *testing.T) {
	client := server(t)
	j := journal.New(client, journal.Options{})
	must(t, j.KeepSession(t.Context(), "a", []byte("one"), time.Hour))
	done, err := j.ReplaceSession(t.Context(), "a", []byte("one"), []byte("two"), time.Minute)
	if must(t, err); !done {
		t.Error("not replaced")
	}
	if data, left, err := j.Session(t.Context(), "a"); err != nil || string(data) != "two" || left > time.Minute || left < time.Second {
		t.Errorf("%q for %v, %v", data, left, err)
	}
	must(t, j.DropSession(t.Context(), "a"))
	gone(t, j)
	away := redis.NewClient(&redis.Options{Addr: "localhost:1", MaxRetries: -1})
	defer func() { _ = away.Close() }()
	if _, _, err := journal.New(away, journal.Options{}).Session(t.Context(), "a"); !errors.Is(err, saga.ErrUnavailable) {
		t.Errorf("got %v", err)
	}
}
