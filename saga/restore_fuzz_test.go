package saga_test

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/osp-platform/osp/saga"
)

// Whatever the result store gives for a journal: it is refused, or what is made of it can be folded.
func FuzzRestore(f *testing.F) {
	const created = `1:1:1795400969298521:{"k":"created","c":{"id":"t","type":"order","workflow":"order"}}` + "\n"
	const begun = `1:2:1795400969299310:{"k":"step_started","p":"a","d":1795401089298918,"t":"activity"}` + "\n"
	f.Add(created, `[]`, "")
	f.Add(created+begun, `[{"path":"a","result":{"x":1},"at":"2026-11-23T00:00:00Z"}]`, "")
	f.Add(created+begun, `[{"path":"a","undo":true,"result":null,"at":"2026-11-23T00:00:00Z"}]`, "failed")
	f.Add(created+begun+`1:3:1795400969299311:{"k":"step_done","p":"a"}`+"\n"+`1:4:1795400969299312:{"k":"completed"}`, `[]`, "cancelled")
	f.Add(begun, `[{"path":""}]`, "?")
	f.Fuzz(func(t *testing.T, journal, effects, parent string) {
		k := saga.Kept{ID: "t", Version: 1, Journal: strings.Split(strings.TrimSpace(journal), "\n"), Parent: saga.State(parent)}
		if json.Unmarshal([]byte(effects), &k.Effects) != nil {
			return
		}
		m, err := saga.Restore(k)
		if err != nil {
			if !errors.Is(err, saga.ErrUnknownEvent) {
				t.Fatalf("got %v, want an unknown event", err)
			}
			return
		}
		events := make([]saga.Event, 0, len(m.Stored)+len(m.Events))
		for _, s := range m.Stored {
			e, err := saga.Decode(s)
			if err != nil {
				t.Fatal(err)
			}
			events = append(events, e)
		}
		for i, e := range m.Events { // as a journal numbers them
			e.Seq = int64(len(m.Stored) + i + 1)
			events = append(events, e)
		}
		r, err := saga.Fold(events)
		if err != nil {
			t.Fatalf("what was restored cannot be read: %v", err)
		}
		if (m.Finished != "") != r.State.Finished() {
			t.Errorf("finished %q, and the task is %s", m.Finished, r.State)
		}
	})
}
