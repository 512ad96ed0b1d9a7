package crashpoints

import (
	"flag"
	"fmt"
	"sync"
	"testing"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// all is set by `make crashpoints`.
var all = flag.Bool("all", false, "try every fault and every pair, on Redis too, and write the table of docs/guarantees.md")

// TestCrashPoints tries the corpus: on a journal in memory, and on Redis, where pairs are tried of the thorough only.
func TestCrashPoints(t *testing.T) {
	memory, redis, step := depth{others: 4, pairs: 400}, depth{}, 11
	if *all {
		memory, redis, step = depth{others: 1, pairs: 1}, depth{others: 1}, 1
	}
	rows := make([]row, len(corpus))
	var mu sync.Mutex
	t.Run("corpus", func(t *testing.T) {
		for i, s := range corpus {
			rows[i] = row{name: s.name, wrongs: map[kind]int{}}
			run := func(name string, open opener, d depth, note func(*row, tally)) {
				t.Run(s.name+" "+name, func(t *testing.T) {
					t.Parallel()
					x := newExplorer(t, s, open)
					x.explore(d)
					if x.found != "" {
						t.Error(x.found)
					}
					mu.Lock()
					defer mu.Unlock()
					note(&rows[i], x.tally)
				})
			}
			run("in memory", inMemory, memory, (*row).inMemory)
			if i%step == 0 {
				d := redis
				if s.thorough {
					d.pairs = d.others
				}
				run("in Redis", inRedis, d, (*row).inRedis)
			}
		}
	})
	t.Logf("\n%s", table(rows))
	fmt.Println(summary(rows))
	if *all && !t.Failed() && whole(rows) {
		writeTable(t, rows)
	}
}
