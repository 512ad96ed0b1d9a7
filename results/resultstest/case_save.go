package resultstest

import (
	"encoding/json"
	"errors"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/osp-platform/osp/results"
	"github.com/osp-platform/osp/saga"
)

// epoch is when this suite's tasks were created.
var epoch = time.Date(2026, 3, 29, 0, 59, 59, 123456000, time.UTC)

// task is a running task with everything set that a running task has.
func (b *bench) task(name string, version int64) saga.Task {
	started := epoch.Add(time.Second)
	return saga.Task{
		ID: b.id(name), Type: "order", Service: b.schema, UserID: b.user,
		Status: saga.StatusRunning, State: saga.Running, Phase: saga.Forward, Input: json.RawMessage(`{"a":[1,null,"x"]}`),
		Steps:     []saga.StepView{{Path: "pay", Kind: saga.KindActivity, State: saga.StepRunning, Attempts: 2, StartedAt: started}},
		CreatedAt: epoch, StartedAt: &started, Version: version,
	}
}

// save saves tasks and returns the versions that are stored, by id.
func (b *bench) save(tasks ...saga.Task) map[string]int64 {
	b.Helper()
	saved, err := b.Save(b.Context(), results.Rows(tasks...))
	b.no(err)
	return versions(saved)
}

func versions(saved []results.Saved) map[string]int64 {
	m := map[string]int64{}
	for _, s := range saved {
		m[s.ID] = s.Version
	}
	return m
}

func (b *bench) get(id string) saga.Task {
	b.Helper()
	t, err := b.Get(b.Context(), id)
	b.no(err)
	return t
}

// canonical makes tasks comparable: stores may order the keys of JSON objects as they like.
func canonical(t saga.Task) saga.Task {
	t.Input, t.Output = sorted(t.Input), sorted(t.Output)
	t.Steps = slices.Clone(t.Steps)
	for i := range t.Steps {
		t.Steps[i].Output = sorted(t.Steps[i].Output)
	}
	return t
}

func sorted(raw json.RawMessage) json.RawMessage {
	var v any
	if raw == nil || json.Unmarshal(raw, &v) != nil {
		return nil
	}
	out, _ := json.Marshal(v)
	return out
}

func (b *bench) sameTask(got, want saga.Task) {
	b.Helper()
	got, want = canonical(got), canonical(want)
	if !reflect.DeepEqual(got, want) {
		g, _ := json.Marshal(got)
		w, _ := json.Marshal(want)
		b.Errorf("got  %s\nwant %s", g, w)
	}
}

var saveCases = []testCase{
	{"a task comes back as it was saved", func(b *bench) {
		running := b.task("running", 7)
		ended := b.task("ended", 8)
		at := epoch.Add(time.Hour)
		ended.Status, ended.State, ended.Phase = saga.StatusFailed, saga.Failed, saga.Undo
		ended.Error, ended.Output, ended.RetryOf = "the card was refused", json.RawMessage(`{"n":1.5,"s":"é"}`), "earlier"
		ended.NotUndone, ended.CompletedAt = []string{"mail"}, &at
		ended.Steps[0].Output, ended.Steps[0].UndoneAt = json.RawMessage(`[true]`), &at
		pending := b.task("pending", 9)
		pending.Status, pending.State, pending.StartedAt, pending.Steps = saga.StatusPending, saga.Pending, nil, []saga.StepView{}
		pending.Input, pending.Service = json.RawMessage(`null`), ""
		waiting := b.task("waiting", 10)
		waiting.State, waiting.WaitingFor = saga.Waiting, &at
		all := []saga.Task{running, ended, pending, waiting}
		got := b.save(all...)
		for _, want := range all {
			same(b, "version stored", got[want.ID], want.Version)
			b.sameTask(b.get(want.ID), want)
		}
	}},
	{"nothing to save is fine", func(b *bench) { same(b, "saved", len(b.save()), 0) }},
	{"a task that nobody saved is not found", func(b *bench) {
		_, err := b.Get(b.Context(), b.id("none"))
		same(b, "is not found", errors.Is(err, saga.ErrNotFound), true)
	}},
	{"the higher version wins, whatever comes last", func(b *bench) {
		newer, older := b.task("a", 5), b.task("a", 4)
		newer.State = saga.Waiting
		same(b, "first", b.save(newer), map[string]int64{newer.ID: 5})
		same(b, "older", b.save(older), map[string]int64{newer.ID: 5})
		b.sameTask(b.get(newer.ID), newer)
		newer.Version, newer.State = 6, saga.Compensating
		same(b, "newest", b.save(newer), map[string]int64{newer.ID: 6})
		b.sameTask(b.get(newer.ID), newer)
	}},
	{"the same version again changes nothing", func(b *bench) {
		first, again := b.task("a", 5), b.task("a", 5)
		again.State = saga.Waiting
		b.save(first)
		same(b, "again", b.save(again), map[string]int64{first.ID: 5})
		b.sameTask(b.get(first.ID), first)
	}},
	{"of two versions in one batch the higher is stored", func(b *bench) {
		older, newer, other := b.task("a", 4), b.task("a", 5), b.task("b", 1)
		newer.State = saga.Waiting
		same(b, "saved", b.save(newer, older, other), map[string]int64{newer.ID: 5, other.ID: 1})
		b.sameTask(b.get(newer.ID), newer)
	}},
	{"a task of nobody's is taken", func(b *bench) {
		t := b.task("a", 1)
		t.UserID = saga.NilOwner
		b.save(t)
		b.sameTask(b.get(t.ID), t)
	}},
	{"NUL, lone surrogates and broken UTF-8 are mended", func(b *bench) {
		t := b.task("a", 1)
		t.Input = json.RawMessage(`{"nul":"a\u0000b","low":"\udc00","pair":"\ud83d\ude00","high":"\ud83dx","kept":"\\u0000"}`)
		t.Error = "a\x00b\xff"
		t.Steps[0].Error = "\x00"
		b.save(t)
		got := b.get(t.ID)
		var input map[string]string
		b.no(json.Unmarshal(got.Input, &input))
		same(b, "input", input, map[string]string{
			"nul": "ab", "low": "\uFFFD", "pair": "😀", "high": "\uFFFDx", "kept": `\u0000`,
		})
		same(b, "error", got.Error+"|"+got.Steps[0].Error, "ab\uFFFD|")
	}},
	{"one row that will never be taken is told from a store that is away", func(b *bench) {
		good, bad := b.task("good", 1), b.task("bad", 1)
		bad.UserID = "nobody"
		_, err := b.Save(b.Context(), results.Rows(good, bad))
		b.permanent(err)
		_, err = b.Get(b.Context(), good.ID)
		same(b, "the batch is all or nothing", errors.Is(err, saga.ErrNotFound), true)
		b.save(good)
	}},
	{"a megabyte is taken", func(b *bench) {
		t := b.task("a", 1)
		t.Output = json.RawMessage(`"` + strings.Repeat("x", saga.MaxOutput) + `"`)
		b.save(t)
		b.sameTask(b.get(t.ID), t)
	}},
	{"an id may hold all that ids may hold", func(b *bench) {
		t := b.task("A.z:9_-"+strings.Repeat("x", 100), 1)
		b.save(t)
		b.sameTask(b.get(t.ID), t)
	}},
	{"it answers a ping", func(b *bench) { b.no(b.Ping(b.Context())) }},
	{"it knows which store it is", func(b *bench) {
		id, err := b.ID(b.Context())
		b.no(err)
		again, err := b.ID(b.Context())
		b.no(err)
		same(b, "the id, asked twice", again, id)
		same(b, "it has one", len(id) >= 32, true)
	}},
}
