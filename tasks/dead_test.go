package tasks_test

import (
	"errors"
	"fmt"
	"testing"

	"github.com/osp-platform/osp/saga"
)

// bury starts tasks and refuses their rows.
func (r *rig) bury(n int) {
	r.t.Helper()
	for i := range n {
		r.start(saga.Request{ID: fmt.Sprintf("t%03d", i), Type: "one"})
	}
	for {
		dirty, err := r.journal.Dirty(r.t.Context(), 100)
		if err != nil {
			r.t.Fatal(err)
		}
		if len(dirty) == 0 {
			return
		}
		for _, s := range dirty {
			if _, err := r.journal.Bury(r.t.Context(), s.Ref.ID, s.Version, "no such column"); err != nil {
				r.t.Fatal(err)
			}
		}
	}
}

func TestDeadLettersComeInPages(t *testing.T) {
	r := newRig(t)
	r.bury(5)
	var pages []int
	seen := map[string]bool{}
	for cursor := ""; ; {
		page, err := r.dispatcher.DeadLetters(t.Context(), cursor, 2)
		if err != nil {
			t.Fatal(err)
		}
		for _, l := range page.Letters {
			seen[l.ID] = true
		}
		pages = append(pages, len(page.Letters))
		if cursor = page.Next; cursor == "" {
			break
		}
	}
	if fmt.Sprint(pages) != "[2 2 1]" || len(seen) != 5 {
		t.Errorf("pages of %v, ids %v", pages, seen)
	}
	for _, cursor := range []string{"!", "Lw", "L3g"} {
		var invalid *saga.InvalidError
		if _, err := r.dispatcher.DeadLetters(t.Context(), cursor, 2); !errors.As(err, &invalid) {
			t.Errorf("cursor %q: %v", cursor, err)
		}
	}
}

func TestDeadLettersAreSentAgainOneByOneOrAll(t *testing.T) {
	r := newRig(t)
	r.bury(205)
	changed := r.changed.Load()
	if n, err := r.dispatcher.Resend(t.Context(), []string{"t003", "stranger"}); n != 1 || err != nil {
		t.Errorf("resent %d, %v", n, err)
	}
	if r.changed.Load() != changed+1 {
		t.Error("the flusher was not told")
	}
	if n, err := r.dispatcher.ResendAll(t.Context()); n != 204 || err != nil {
		t.Errorf("resent %d, %v", n, err)
	}
	if n, err := r.dispatcher.ResendAll(t.Context()); n != 0 || err != nil {
		t.Errorf("resent %d more, %v", n, err)
	}
}
