package journal_test

import (
	"errors"
	"reflect"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/osp-platform/osp/journal"
	"github.com/osp-platform/osp/saga"
)

func TestTheAuditIsAppendedToAndEmptied(t *testing.T) {
	client := server(t)
	j := journal.New(client, journal.Options{})
	ctx := t.Context()
	want := saga.Action{
		ID: "a", At: time.Date(2026, 11, 30, 12, 0, 0, 1000, time.UTC), Name: "cancel", Kind: "task", Subject: "t", By: "ops", Reason: "why",
		RequestID: "r", Outcome: saga.OutcomeBegun, Details: map[string]string{"step": "é\x01"},
	}
	must(t, j.NoteAction(ctx, want))
	must(t, client.XAdd(ctx, &redis.XAddArgs{Stream: "osp:audit", Values: []any{"b", "of a newer release"}}).Err())
	must(t, j.NoteAction(ctx, saga.Action{ID: "b"}))
	actions, places, err := j.NotedActions(ctx, "", 2)
	if must(t, err); len(actions) != 2 || !reflect.DeepEqual(actions[0], want) || actions[1].ID != "" {
		t.Errorf("got %+v", actions)
	}
	must(t, j.ForgetActions(ctx, places[:1]))
	must(t, j.ForgetActions(ctx, nil))
	if rest, _, err := j.NotedActions(ctx, "", 10); err != nil || len(rest) != 2 || rest[1].ID != "b" {
		t.Errorf("got %+v, %v", rest, err)
	}
	if rest, _, err := j.NotedActions(ctx, places[1], 10); err != nil || len(rest) != 1 || rest[0].ID != "b" {
		t.Errorf("got %+v, %v", rest, err)
	}
	away := redis.NewClient(&redis.Options{Addr: "localhost:1", MaxRetries: -1})
	defer func() { _ = away.Close() }()
	if err := journal.New(away, journal.Options{}).NoteAction(ctx, want); !errors.Is(err, saga.ErrUnavailable) {
		t.Errorf("got %v", err)
	}
}
