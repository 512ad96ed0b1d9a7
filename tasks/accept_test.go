package tasks_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/osp-platform/osp/saga"
)

// late is a result store that has a row from some moment on.
type late struct {
	rows
	from time.Time
}

func (l late) Get(ctx context.Context, id string) (saga.Task, error) {
	if time.Now().Before(l.from) {
		return saga.Task{}, errors.New("the store is away")
	}
	return saga.Task{ID: id}, nil
}

func TestAStartWaitsForItsRow(t *testing.T) {
	for name, c := range map[string]struct {
		after, least, most time.Duration
		want               error
	}{
		"that is there at once":        {0, 100 * time.Millisecond, 300 * time.Millisecond, nil},
		"that comes late":              {3 * time.Second, 3 * time.Second, 4 * time.Second, nil},
		"that does not come in time":   {time.Hour, 10 * time.Second, 11 * time.Second, saga.ErrUnavailable},
		"that comes just after giving": {10500 * time.Millisecond, 10 * time.Second, 11 * time.Second, saga.ErrUnavailable},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := newBubbleRig(t)
				begun := time.Now()
				r.dispatcher.Rows, r.dispatcher.RowWithin = late{from: begun.Add(c.after)}, 10*time.Second
				_, _, err := r.dispatcher.Start(t.Context(), saga.Request{ID: "t", Type: "one"})
				if d := time.Since(begun); !errors.Is(err, c.want) || d < c.least || d > c.most {
					t.Errorf("answered after %v with %v", d, err)
				}
				if got := r.asynq("default", "t"); got != "pending" {
					t.Errorf("asynq: %s; the task is taken, whatever the answer", got)
				}
				time.Sleep(time.Second)
				if c.want != nil && c.after < time.Hour {
					_, created, err := r.dispatcher.Start(t.Context(), saga.Request{ID: "t", Type: "one"})
					if created || err != nil {
						t.Errorf("the same again: created %t, %v", created, err)
					}
				}
			})
		})
	}
}

func TestAStartWaitsNoLongerThanItsClient(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newBubbleRig(t)
		r.dispatcher.Rows, r.dispatcher.RowWithin = late{from: time.Now().Add(time.Hour)}, 10*time.Second
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		begun := time.Now()
		_, _, err := r.dispatcher.Start(ctx, saga.Request{ID: "t", Type: "one"})
		if d := time.Since(begun); !errors.Is(err, saga.ErrUnavailable) || d > 2*time.Second {
			t.Errorf("answered after %v with %v", d, err)
		}
	})
}
