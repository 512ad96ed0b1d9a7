package journal_test

import (
	"fmt"
	"testing"

	"github.com/redis/go-redis/v9"

	"github.com/osp-platform/osp/journal"
	"github.com/osp-platform/osp/saga"
)

func TestEveryRowIsWrittenAgain(t *testing.T) {
	one := server(t)
	many, _ := cluster(t)
	for name, c := range map[string]struct {
		client redis.UniversalClient
		o      journal.Options
	}{
		"one partition": {one, journal.Options{}},
		"several":       {one, journal.Options{Partitions: 3, Prefix: "a*b"}},
		"a cluster":     {many, journal.Options{Partitions: 16}},
	} {
		t.Run(name, func(t *testing.T) {
			j := journal.New(c.client, c.o)
			defer func() { _ = j.Close() }()
			const tasks = 1500 // more than one answer of a scan
			for i := range tasks {
				_, err := j.Start(t.Context(), saga.Start{Created: saga.Created{ID: fmt.Sprintf("t%04d", i), Type: "x", Queue: "default"}})
				must(t, err)
			}
			clean := func() (n int) {
				t.Helper()
				for {
					list, err := j.Dirty(t.Context(), 200)
					must(t, err)
					if len(list) == 0 {
						return n
					}
					n += len(list)
					for _, s := range list {
						clean(t, j, saga.Flushed{ID: s.Ref.ID, Version: s.Version, Stored: s.Version})
					}
				}
			}
			if n := clean(); n != tasks {
				t.Fatalf("%d rows were written", n)
			}
			if n, err := j.MarkAllDirty(t.Context()); n != tasks || err != nil {
				t.Errorf("%d marked, %v", n, err)
			}
			if n := clean(); n != tasks {
				t.Errorf("%d rows were written again", n)
			}
		})
	}
}
