package saga

import (
	"fmt"
	"testing"
	"time"
)

// answered is a journal in which n waits have been ended by signals of these names: each at once, or all at the end.
func answered(n, names int, atOnce bool) []Event {
	events := []Event{{Seq: 1, Kind: KindCreated, Created: &Created{ID: "t"}}}
	add := func(e Event) {
		e.Seq, e.At = int64(len(events)+1), time.UnixMicro(1)
		events = append(events, e)
	}
	done := func(i, ref int) {
		path := fmt.Sprintf("l[%d]/h", i)
		add(Event{Kind: KindStepStarted, Path: path, StepKind: KindSignalled})
		add(Event{Kind: KindStepDone, Path: path, Ref: int64(ref)})
	}
	for i := range n {
		add(Event{Kind: KindSignal, Name: fmt.Sprintf("l[%d]/human.h", i%names)})
		if atOnce {
			done(i, len(events))
		}
	}
	for i := 0; i < n && !atOnce; i++ {
		done(i, i+2)
	}
	return events
}

// What is consumed is gone, so that the next one is not looked for among all that were.
func TestNothingIsLeftOfSignalsThatWereConsumed(t *testing.T) {
	for _, names := range []int{1, 7, 100} {
		for _, atOnce := range []bool{true, false} {
			events := answered(100, names, atOnce)
			r, err := Fold(events)
			if err != nil || len(r.Steps) != 100 || len(r.signals) != 0 || len(r.names) != 0 {
				t.Errorf("%d names, at once %t: %d names and %d signals are left, %v", names, atOnce, len(r.signals), len(r.names), err)
			}
			r, err = Fold(events[:len(events)-1])
			if err != nil || len(r.signals) != 1 || len(r.names) != 1 {
				t.Errorf("%d names, at once %t, before the last: %v, %v", names, atOnce, r.signals, err)
			}
		}
	}
}

func TestASignalIsConsumedFromAmongOthersOfItsName(t *testing.T) {
	for taken, want := range map[int64]string{2: "[3 4]", 3: "[2 4]", 4: "[2 3]", 1: "[2 3 4]", 9: "[2 3 4]"} {
		r := newRecord()
		for seq := range int64(3) {
			r.fold(Event{Seq: seq + 2, Kind: KindSignal, Name: "go"})
		}
		before := r.signals["go"]
		for range 2 {
			r.consume(taken)
		}
		var left []int64
		for _, s := range r.signals["go"] {
			left = append(left, s.seq)
		}
		if got := fmt.Sprint(left); got != want || fmt.Sprint(before) != "[{2 []} {3 []} {4 []}]" {
			t.Errorf("without %d: %s, want %s; what was read before is %v", taken, got, want, before)
		}
	}
}

// BenchmarkFoldOfHumanTasks should take as long for each task of many as for each of few, whatever their signals are called.
func BenchmarkFoldOfHumanTasks(b *testing.B) {
	for _, c := range []struct{ n, names int }{{100, 100}, {10_000, 1}, {10_000, 10_000}} {
		for _, atOnce := range []bool{true, false} {
			events := answered(c.n, c.names, atOnce)
			b.Run(fmt.Sprintf("%d tasks/%d names/at once %t", c.n, c.names, atOnce), func(b *testing.B) {
				for b.Loop() {
					if _, err := Fold(events); err != nil {
						b.Fatal(err)
					}
				}
				b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*c.n), "ns/task")
			})
		}
	}
}
