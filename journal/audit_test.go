package journal_test

import (
	"errors"
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/osp-platform/osp/journal"
	"github.com/osp-platform/osp/saga"
)

// An action is done when its note is taken: a failover shall not keep the one and lose the other.
func TestANoteWaitsForARequiredReplica(t *testing.T) {
	s, _, j := pair(t, journal.Options{Replicated: true, Partitions: 3})
	noted := func(id string) { // as soon as the replica has it, which on a busy machine is later than it is waited for
		err := errors.New("not yet")
		for err != nil && t.Context().Err() == nil {
			err = j.NoteAction(t.Context(), saga.Action{ID: id, Outcome: saga.OutcomeBegun})
		}
		must(t, err)
	}
	noted("a")
	s.Replica.Pause()
	if err := j.NoteAction(t.Context(), saga.Action{ID: "b", Outcome: saga.OutcomeBegun}); !errors.Is(err, saga.ErrUnavailable) {
		t.Errorf("the replica hangs: %v", err)
	}
	must(t, j.NoteAction(t.Context(), saga.Action{ID: "b", Outcome: saga.OutcomeDone})) // and who signs in is not kept out
	s.Replica.Resume()
	noted("c")
	if actions, _, err := j.NotedActions(t.Context(), "", 10); err != nil || len(actions) < 2 || actions[len(actions)-1].ID != "c" {
		t.Errorf("got %+v, %v", actions, err)
	}
}

// Wherever a cluster has the stream, its master is the one that is asked.
func TestANoteOnACluster(t *testing.T) {
	client, _ := cluster(t)
	for n := range 6 {
		o := journal.Options{Prefix: fmt.Sprintf("note%d", n), Partitions: 3, Replicated: true}
		j := journal.New(client, o)
		if err := j.NoteAction(t.Context(), saga.Action{ID: "a", Outcome: saga.OutcomeBegun}); !errors.Is(err, saga.ErrUnavailable) || !strings.Contains(err.Error(), "no replica acknowledged it") {
			t.Errorf("without replicas: %v", err)
		}
		if actions, _, err := j.NotedActions(t.Context(), "", 10); err != nil || len(actions) != 1 {
			t.Errorf("got %+v, %v", actions, err)
		}
	}
}

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
	must(t, j.NoteAction(ctx, saga.Action{ID: "b", Outcome: saga.OutcomeBegun}))
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
