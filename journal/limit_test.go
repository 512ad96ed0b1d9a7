package journal_test

import (
	"fmt"
	"maps"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/osp-platform/osp/internal/testenv"
	"github.com/osp-platform/osp/journal"
	"github.com/osp-platform/osp/saga"
)

// patient has those who have room keep it, however slow the machine is.
var patient = journal.Options{LeaseTTL: time.Hour}

// two is a limit of two at once.
var two = saga.Limit{Name: "type/key", Concurrency: 2}

// entered tells what came of asking for room.
func entered(t *testing.T, j *journal.Redis, l saga.Limit, id string) string {
	t.Helper()
	turn, err := j.Enter(t.Context(), l, id, true)
	must(t, err)
	return fmt.Sprint(turn.Room, turn.Next)
}

func left(t *testing.T, j *journal.Redis, id string) string {
	t.Helper()
	next, err := j.Leave(t.Context(), two, id)
	must(t, err)
	return fmt.Sprint(next)
}

func TestRoomIsGivenInTheOrderOfAsking(t *testing.T) {
	j := journal.New(server(t), patient)
	for _, c := range []struct{ what, got, want string }{
		{"the first", entered(t, j, two, "a"), "true []"},
		{"the second", entered(t, j, two, "b"), "true []"},
		{"the third waits", entered(t, j, two, "c"), "false []"},
		{"so does the fourth", entered(t, j, two, "d"), "false []"},
		{"one that asks again keeps its place", entered(t, j, two, "c"), "false []"},
		{"who has room has it still", entered(t, j, two, "a"), "true []"},
		{"who waited longest is next", left(t, j, "a"), "[c]"},
		{"the room is kept for it", entered(t, j, two, "e"), "false []"},
		{"and it comes", entered(t, j, two, "c"), "true []"},
		{"another limit is another matter", entered(t, j, saga.Limit{Name: "type/other", Concurrency: 1}, "x"), "true []"},
		{"who waits may leave the line", left(t, j, "d"), "[]"},
		{"then the one behind is next", left(t, j, "b"), "[e]"},
		{"nobody waits", left(t, j, "c"), "[]"},
		{"who was given room may leave it", left(t, j, "e"), "[]"},
	} {
		if c.got != c.want {
			t.Errorf("%s: %s, want %s", c.what, c.got, c.want)
		}
	}
	crowded, err := j.Crowded(t.Context())
	if must(t, err); len(crowded) > 0 {
		t.Errorf("left behind: %v", crowded)
	}
}

// Whoever dies with room, or does not come for it, loses it with the lease.
func TestRoomIsLostWithTheLease(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		client, _ := testenv.Bubble(t)
		j := journal.New(client, journal.Options{})
		give := func() string {
			next, err := j.Give(t.Context(), two)
			must(t, err)
			return fmt.Sprint(next)
		}
		for _, id := range []string{"a", "b", "c", "d"} {
			entered(t, j, two, id)
		}
		time.Sleep(4 * time.Second)
		must(t, j.Stay(t.Context(), two, "a"))
		if got := give(); got != "[]" {
			t.Errorf("after 4 s: %s", got)
		}
		time.Sleep(2 * time.Second)            // b has died
		must(t, j.Stay(t.Context(), two, "a")) // gives its room to nobody: who would wake them?
		crowded, err := j.Crowded(t.Context())
		if must(t, err); !slices.Equal(crowded, []saga.Limit{two}) {
			t.Errorf("crowded: %v", crowded)
		}
		if got := give(); got != "[c]" {
			t.Errorf("after b's death: %s", got)
		}
		time.Sleep(5*time.Second + time.Millisecond) // a has died, c has not come
		if got := give(); got != "[d c]" {
			t.Errorf("after a's death: %s", got)
		}
	})
}

// Where the queue takes longer than a lease, nobody comes in time for the room that was given to it.
func TestRoomIsTakenByThoseWhoAreThere(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		client, _ := testenv.Bubble(t)
		j := journal.New(client, journal.Options{})
		one := saga.Limit{Name: "one", Concurrency: 1}
		const late, runs, sweep = 8 * time.Second, time.Second, 5 * time.Second
		at := map[string]time.Time{} // when each is at the door
		wake := func(ids []string) {
			for _, id := range ids {
				at[id] = time.Now().Add(late)
			}
		}
		for n := range 6 {
			at[fmt.Sprint("t", n)] = time.Now()
		}
		var ran []string
		busy, most := map[string]time.Time{}, 0
		for start := time.Now(); time.Since(start) < 10*time.Minute; time.Sleep(100 * time.Millisecond) {
			for id, end := range busy {
				if !time.Now().Before(end) {
					delete(busy, id)
					next, err := j.Leave(t.Context(), one, id)
					must(t, err)
					wake(next)
				}
			}
			for _, id := range slices.Sorted(maps.Keys(at)) {
				if time.Now().Before(at[id]) {
					continue
				}
				delete(at, id)
				turn, err := j.Enter(t.Context(), one, id, true)
				must(t, err)
				wake(turn.Next)
				if turn.Room {
					ran, busy[id] = append(ran, id), time.Now().Add(runs)
				}
			}
			most = max(most, len(busy))
			if time.Since(start)%sweep == 0 {
				next, err := j.Give(t.Context(), one)
				must(t, err)
				wake(next)
			}
		}
		slices.Sort(ran)
		if got := fmt.Sprint(ran, most); got != "[t0 t1 t2 t3 t4 t5] 1" {
			t.Errorf("ran, and how many at once: %s", got)
		}
	})
}

func TestRoomOfOneWhoHasNotComeIsTaken(t *testing.T) {
	j := journal.New(server(t), patient)
	for _, c := range []struct{ what, got, want string }{
		{"the first", entered(t, j, two, "a"), "true []"},
		{"the second", entered(t, j, two, "b"), "true []"},
		{"the third waits", entered(t, j, two, "c"), "false []"},
		{"so does the fourth", entered(t, j, two, "d"), "false []"},
		{"who waited longest is next", left(t, j, "a"), "[c]"},
		{"a new one stands in line", entered(t, j, two, "e"), "false []"},
		{"who stood there is there first", entered(t, j, two, "d"), "true []"},
		{"nobody is late any longer", entered(t, j, two, "e"), "false []"},
		{"then it is the other's turn again", left(t, j, "d"), "[c]"},
		{"and it comes", entered(t, j, two, "c"), "true []"},
	} {
		if c.got != c.want {
			t.Errorf("%s: %s, want %s", c.what, c.got, c.want)
		}
	}
}

func TestTurnsAreAsFarApartAsTheLimitSays(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		client, _ := testenv.Bubble(t)
		j := journal.New(client, journal.Options{})
		slow := saga.Limit{Name: "slow", Every: time.Second}
		start := time.Now()
		at := func(id string, begins bool) string {
			turn, err := j.Enter(t.Context(), slow, id, begins)
			if must(t, err); turn.Room {
				return "now"
			}
			return turn.Due.Sub(start).String()
		}
		for _, c := range []struct{ what, got, want string }{
			{"the first", at("a", true), "now"},
			{"the second", at("b", true), "1s"},
			{"the third", at("c", true), "2s"},
			{"a turn stays", at("b", true), "1s"},
			{"who has begun needs none", at("d", false), "now"},
		} {
			if c.got != c.want {
				t.Errorf("%s: %s, want %s", c.what, c.got, c.want)
			}
		}
		time.Sleep(time.Second)
		if got := at("b", true) + " " + at("e", true); got != "now 3s" {
			t.Errorf("a second later: %s", got)
		}
		time.Sleep(time.Hour)
		if got := at("c", true) + " " + at("f", true); got != "now now" {
			t.Errorf("an hour later: %s", got)
		}
	})
}

func TestATaskThatHasBegunStandsBeforeThoseThatHaveNot(t *testing.T) {
	j := journal.New(server(t), patient)
	for _, id := range []string{"a", "b", "new", "newer"} {
		entered(t, j, two, id)
	}
	for _, id := range []string{"begun", "begun later"} {
		if turn, err := j.Enter(t.Context(), two, id, false); err != nil || turn.Room {
			t.Fatalf("%s: %+v, %v", id, turn, err)
		}
	}
	if got := left(t, j, "a") + left(t, j, "b"); got != "[begun][begun later]" {
		t.Errorf("room was given to %s", got)
	}
	for _, id := range []string{"begun", "begun later"} {
		if turn, err := j.Enter(t.Context(), two, id, false); err != nil || !turn.Room {
			t.Errorf("%s: %+v, %v", id, turn, err)
		}
	}
	if got := left(t, j, "begun"); got != "[new]" {
		t.Errorf("then to %s", got)
	}
}

// Moments that were given at one rate are not waited for at another.
func TestAnotherRateHasTurnsOfItsOwn(t *testing.T) {
	j := journal.New(server(t), journal.Options{})
	slow, fast := saga.Limit{Name: "one", Every: time.Hour}, saga.Limit{Name: "one", Every: time.Microsecond}
	for _, c := range []struct{ what, got, want string }{
		{"the first", entered(t, j, slow, "a"), "true []"},
		{"the second waits an hour", entered(t, j, slow, "b"), "false []"},
		{"or begins at the new rate", entered(t, j, fast, "b"), "true []"},
		{"so does a new one", entered(t, j, fast, "c"), "true []"},
	} {
		if c.got != c.want {
			t.Errorf("%s: %s, want %s", c.what, c.got, c.want)
		}
	}
}

// A cluster refuses scripts whose keys are in several slots.
func TestLimitsOnACluster(t *testing.T) {
	client, _ := cluster(t)
	j := journal.New(client, journal.Options{Partitions: 16})
	for n := range 20 {
		l := saga.Limit{Name: fmt.Sprint("type/", n), Concurrency: 1, Every: time.Microsecond}
		if got := entered(t, j, l, fmt.Sprint("order-", n)); got != "true []" {
			t.Errorf("limit %d: %s", n, got)
		}
	}
}

func TestOnlyATaskThatGoesOnIsMarked(t *testing.T) {
	client := server(t)
	j := journal.New(client, journal.Options{})
	if _, err := j.Mark(t.Context(), "nobody"); err == nil {
		t.Error("a task that is not there is marked")
	}
	id := waitingOrder(t, j, 1)
	marks := func() int64 { return client.ZCard(t.Context(), "osp:{00}:wake").Val() }
	ref, err := j.Mark(t.Context(), id)
	if must(t, err); ref.ID != id || ref.Type == "" || ref.Queue == "" || marks() != 1 {
		t.Errorf("%+v, %d marks", ref, marks())
	}
}
