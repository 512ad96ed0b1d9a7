package journal_test

import (
	"fmt"
	"testing"

	"github.com/redis/go-redis/v9"

	"github.com/osp-platform/osp/journal"
	"github.com/osp-platform/osp/saga"
)

// said are the first words of the answers to a call's operations.
func said(t *testing.T, cmd *redis.Cmd) (words []any) {
	t.Helper()
	answers, err := cmd.Slice()
	must(t, err)
	for _, a := range answers {
		words = append(words, a.([]any)[0])
	}
	return words
}

// held are the tasks that are held back from a queue, with their tags.
func held(t *testing.T, client redis.UniversalClient, queue string) (list []string) {
	t.Helper()
	all, err := client.ZRangeWithScores(t.Context(), "osp:{00}:held:"+queue, 0, -1).Result()
	must(t, err)
	for _, z := range all {
		list = append(list, fmt.Sprint(z.Member, " ", z.Score))
	}
	return list
}

func TestStartsThatAreHeldBackHaveEachItsAnswerAndItsTurn(t *testing.T) {
	client := server(t)
	_, err := journal.New(client, journal.Options{}).Start(t.Context(), saga.Start{Created: saga.Created{ID: "known", Queue: "a"}})
	must(t, err)
	must(t, client.Set(t.Context(), "osp:{00}:held:broken", "no zset", 0).Err())
	must(t, client.HSet(t.Context(), "osp:{00}:tags:odd", "/g", "no number").Err())
	hook, nowhere := catching(t)
	for _, s := range []saga.Start{
		{Created: saga.Created{ID: "a1", Queue: "a"}, Hold: "g"},
		{Created: saga.Created{ID: "x", Queue: "broken"}, Hold: "g"},
		{Created: saga.Created{ID: "a2", Queue: "a"}, Hold: "g"},
		{Created: saga.Created{ID: "y", Queue: "odd"}, Hold: "g"},
		{Created: saga.Created{ID: "b1", Queue: "b"}, Hold: "g"},
		{Created: saga.Created{ID: "now", Queue: "a"}},
		{Created: saga.Created{ID: "a3", Queue: "a"}, Hold: "other"},
		{Created: saga.Created{ID: "later", Queue: "b", ProcessAt: 4e15}},
		{Created: saga.Created{ID: "later", Queue: "b"}, Hold: "g"}, // it is there already
	} {
		_, _ = nowhere.Start(t.Context(), s)
	}
	_, _ = nowhere.Claim(t.Context(), "known", "nonce")
	if n := journal.RunMerged(t.Context(), client, hook.cmds...); n != 1 {
		t.Fatalf("%d scripts", n)
	}
	for i, want := range []string{"[2 1]", "[2 -1]", "[2 1]", "[2 -1]", "[2 1]", "[2]", "[2 1]", "[2]", "[1 0]", "[3]"} {
		if got := fmt.Sprint(said(t, hook.cmds[i])); got != want {
			t.Errorf("operation %d: %s, want %s", i, got, want)
		}
	}
	if got := fmt.Sprint(held(t, client, "a"), held(t, client, "b")); got != "[a1 1 a3 1 a2 2] [b1 1]" {
		t.Errorf("held back: %s", got)
	}
	again := saga.Ref{ID: "a1", Queue: "a"}
	if is, err := journal.New(client, journal.Options{}).Hold(t.Context(), again, "g"); !is || err != nil || held(t, client, "a")[0] != "a1 1" {
		t.Errorf("once more it is held %t, %v: %v", is, err, held(t, client, "a"))
	}
	if tag := client.HGet(t.Context(), "osp:{00}:tags:a", "/g").Val(); tag != "3" {
		t.Errorf("the next of the group comes after tag %q", tag)
	}
	for _, index := range []string{"open", "dirty"} { // of those that could not be held back, too
		if got := len(client.ZRange(t.Context(), "osp:{00}:"+index, 0, -1).Val()); got != 9 {
			t.Errorf("%d of 9 tasks are %s", got, index)
		}
	}
}
