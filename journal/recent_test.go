package journal_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/redis/go-redis/v9"

	"github.com/osp-platform/osp/journal"
	"github.com/osp-platform/osp/saga"
)

// remembered has the journal remember a task otherwise than it reads, so that one sees which it was.
func remembered(t *testing.T, j *journal.Redis, id string, c saga.Created, mark string) {
	t.Helper()
	s, err := j.Read(t.Context(), id)
	must(t, err)
	s.Events = []saga.Event{{Seq: 1, Kind: saga.KindCreated, Created: &c, Data: json.RawMessage(mark)}}
	j.Remember(s)
}

// written is the mark of the only dirty task; "read" is one that was not remembered.
func written(t *testing.T, j *journal.Redis) string {
	t.Helper()
	list, err := j.Dirty(t.Context(), 10)
	must(t, err)
	switch {
	case len(list) == 0:
		return "none"
	case len(list) > 1 || len(list[0].Events) == 0:
		t.Fatalf("%+v", list)
	case list[0].Events[0].Data == nil:
		return "read"
	}
	return string(list[0].Events[0].Data)
}

func TestARowIsWrittenFromWhatIsRememberedWhileNothingHasChanged(t *testing.T) {
	for name, c := range map[string]struct {
		created saga.Created
		mark    string
		then    func(client *redis.Client, j *journal.Redis, id string) error
		want    string
	}{
		"it is as it was": {mark: "1", want: "1"},
		"an event came": {mark: "1", want: "read", then: func(_ *redis.Client, j *journal.Redis, id string) error {
			_, err := j.Post(t.Context(), id, saga.Message{Event: saga.Event{Kind: saga.KindSignal, Name: "go"}})
			return err
		}},
		"it is lost": {mark: "1", want: "none", then: func(client *redis.Client, _ *journal.Redis, id string) error {
			return client.Del(t.Context(), "osp:{00}:j:"+id, "osp:{00}:m:"+id).Err()
		}},
		"it is a child, whose events are kept as they are stored": {mark: "1", created: saga.Created{Parent: "p"}, want: "read"},
		"it is large": {mark: strings.Repeat("1", 1<<15), want: "read"},
	} {
		t.Run(name, func(t *testing.T) {
			client := server(t)
			j := journal.New(client, journal.Options{})
			id := waitingOrder(t, j, 1)
			remembered(t, j, id, c.created, c.mark)
			if c.then != nil {
				must(t, c.then(client, j, id))
			}
			if got := written(t, j); got != c.want {
				t.Errorf("%s, want %s", got, c.want)
			}
		})
	}
}

func TestWhatIsRememberedIsForgottenInTime(t *testing.T) {
	client := server(t)
	j, other := journal.New(client, journal.Options{}), journal.New(client, journal.Options{})
	id := waitingOrder(t, j, 1)
	remembered(t, j, id, saga.Created{}, "1")
	for i := range 1023 { // whose rows others have written
		j.Remember(saga.Snapshot{Ref: saga.Ref{ID: fmt.Sprint(i)}, Version: 1, Events: []saga.Event{{Created: &saga.Created{}}}})
	}
	if n := j.Remembered(); n != 1024 {
		t.Errorf("%d tasks are remembered", n)
	}
	if got := written(t, j); got != "1" {
		t.Errorf("%s, want what was remembered", got)
	}
	if n := j.Remembered(); n != 1023 {
		t.Errorf("%d tasks are remembered still", n)
	}
	id = waitingOrder(t, other, 2)
	remembered(t, j, id, saga.Created{}, "1")
	for i := range 1024 {
		j.Remember(saga.Snapshot{Ref: saga.Ref{ID: fmt.Sprint(i)}, Version: 1, Events: []saga.Event{{Created: &saga.Created{}}}})
	}
	if got := written(t, j); got != "read" {
		t.Errorf("%s, though a thousand came since", got)
	}
}
