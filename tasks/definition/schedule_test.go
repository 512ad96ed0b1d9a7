package definition_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/osp-platform/osp/tasks/definition"
)

// scheduled is the schedule of a definition.
func scheduled(t *testing.T, trigger string) *definition.Schedule {
	t.Helper()
	s := parsed(t, "id: w\ntrigger: {type: schedule, "+trigger+"}\nsteps:"+step("a")).Schedule()
	if s == nil {
		t.Fatalf("%s gives no schedule", trigger)
	}
	return s
}

// at is a moment in Vienna.
func at(t *testing.T, moment string) time.Time {
	t.Helper()
	zone, err := time.LoadLocation("Europe/Vienna")
	if err != nil {
		t.Fatal(err)
	}
	when, err := time.ParseInLocation("2006-01-02 15:04:05", moment, zone)
	if err != nil {
		t.Fatal(err)
	}
	return when
}

// ticks are n ticks after a moment, as the clocks in Vienna show them, with what they call their time.
func ticks(t *testing.T, s *definition.Schedule, after string, n int) string {
	t.Helper()
	from := at(t, after)
	list := make([]string, n)
	for i, next := 0, from; i < n; i++ {
		if next = s.Next(next); next.Location() != time.UTC || !s.Has(next) || s.Has(next.Add(time.Second)) {
			t.Errorf("%v is not a tick by itself", next)
		}
		list[i] = next.In(from.Location()).Format("02T15:04 MST")
	}
	return strings.Join(list, ", ")
}

func TestTicksWhereTheClocksChange(t *testing.T) {
	for _, c := range []struct{ name, cron, after, want string }{
		{"working days at eight", "0 8 * * 1-5", "2026-12-24 12:00:00", "25T08:00 CET, 28T08:00 CET, 29T08:00 CET"},
		{"by name", "@daily", "2026-12-24 12:00:00", "25T00:00 CET, 26T00:00 CET"},
		{"spring: an hour that does not come has no tick", "30 2 * * *", "2027-03-27 12:00:00", "29T02:30 CEST, 30T02:30 CEST"},
		{"spring: the hours around it do", "30 1,3 * * *", "2027-03-28 00:00:00", "28T01:30 CET, 28T03:30 CEST, 29T01:30 CEST"},
		{"spring: every half hour goes on", "*/30 * * * *", "2027-03-28 01:00:00", "28T01:30 CET, 28T03:00 CEST, 28T03:30 CEST"},
		{"spring: eight is eight", "0 8 * * *", "2027-03-27 00:00:00", "27T08:00 CET, 28T08:00 CEST, 29T08:00 CEST"},
		{"autumn: an hour that comes twice has two", "30 2 * * *", "2027-10-30 12:00:00", "31T02:30 CEST, 31T02:30 CET, 01T02:30 CET"},
		{"autumn: every hour is every hour", "0 * * * *", "2027-10-31 01:30:00", "31T02:00 CEST, 31T02:00 CET, 31T03:00 CET"},
		{"autumn: eight is eight", "0 8 * * *", "2027-10-30 00:00:00", "30T08:00 CEST, 31T08:00 CET, 01T08:00 CET"},
		{"a leap day", "0 0 29 2 *", "2026-01-01 00:00:00", "29T00:00 CET, 29T00:00 CET"},
	} {
		s := scheduled(t, fmt.Sprintf("cron: %q, time_zone: Europe/Vienna", c.cron))
		if got := ticks(t, s, c.after, 1+strings.Count(c.want, ",")); got != c.want {
			t.Errorf("%s:\n got %s\nwant %s", c.name, got, c.want)
		}
	}
	if got := ticks(t, scheduled(t, `cron: "0 8 * * *"`), "2027-07-01 00:00:00", 1); got != "01T10:00 CEST" {
		t.Errorf("without a zone it is UTC: %s", got)
	}
}

func TestWhatIsMadeUpFor(t *testing.T) {
	const now = "2027-07-01 12:00:30"
	for _, c := range []struct{ name, missed, after, want string }{
		{"nothing was missed", "skip", "2027-07-01 11:59:00", "12:00"},
		{"a tick is a minute late", "skip", "2027-07-01 11:58:00", "12:00; some left out"},
		{"skip, after a year", "skip", "2026-07-01 12:00:00", "12:00; some left out"},
		{"last", "last", "2027-07-01 11:57:00", "12:00; some left out"},
		{"last, after a year", "last", "2026-07-01 12:00:00", "12:00; some left out"},
		{"last, of one", "last", "2027-07-01 11:59:00", "12:00"},
		{"all", "all", "2027-07-01 11:57:00", "11:58 11:59 12:00"},
		{"all, after a year", "all", "2026-07-01 12:00:00", "the newest 100; some left out"},
		{"none", "all", "2027-07-01 12:00:00", ""},
		{"a mark of the future", "all", "2027-07-01 12:10:00", ""},
	} {
		due, left := scheduled(t, `time_zone: Europe/Vienna, cron: "* * * * *", missed: `+c.missed).Due(at(t, c.after), at(t, now))
		got := make([]string, len(due))
		for i, tick := range due {
			got[i] = tick.In(at(t, now).Location()).Format("15:04")
		}
		text := strings.Join(got, " ")
		if len(due) == definition.MostTicks && got[0] == "10:21" && got[99] == "12:00" {
			text = "the newest 100"
		}
		if left {
			text += "; some left out"
		}
		if text != c.want {
			t.Errorf("%s: got %q, want %q", c.name, text, c.want)
		}
	}
	// What comes rarely is found, however far back.
	yearly := scheduled(t, `cron: "@yearly", missed: last`)
	if due, left := yearly.Due(at(t, "2020-06-01 00:00:00"), at(t, now)); len(due) != 1 || due[0].Year() != 2027 || !left {
		t.Errorf("yearly: %v, %v", due, left)
	}
	if due, _ := yearly.Due(at(t, "2027-06-01 00:00:00"), at(t, now)); len(due) != 0 {
		t.Errorf("yearly: %v", due)
	}
	if due, _ := yearly.Due(time.Time{}, at(t, now)); len(due) != 1 {
		t.Errorf("since ever: %v", due)
	}
}

// FuzzSchedules has expressions that must be refused or have ticks, and neither panic nor take long.
func FuzzSchedules(f *testing.F) {
	for _, cron := range []string{
		"0 8 * * 1-5", "@daily", "TZ=0", "CRON_TZ=UTC", "TZ=Europe/Vienna * * * * *", "@every 1s", "*-5 * * * *", ", * * * *",
		"*/99999999999999999999 * * * *", "*/9223372036854775807 * * * *", "0 0 30 2 *", "0 0 1 1 0", "? ? ? ? ?", "5/7 * * JAN sun",
	} {
		f.Add(cron, "Europe/Vienna")
	}
	f.Add("0 0 * * *", "America/Sao_Paulo")
	f.Add("0 0 * * *", "../../etc/passwd")
	f.Add("0 0 * * *", "Local")
	f.Fuzz(func(t *testing.T, cron, zone string) {
		d, problems := definition.Parse(fmt.Appendf(nil, `{"id": "w", "trigger": {"type": "schedule", "cron": %q, "time_zone": %q},
			"steps": [{"id": "a", "type": "activity", "activity": {"type": "log_event"}}]}`, cron, zone))
		if d == nil {
			if len(problems) == 0 {
				t.Error("refused without a word")
			}
			return
		}
		from := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
		for range 20 {
			next := d.Schedule().Next(from)
			if next.IsZero() {
				break // a leap day that is too far away
			}
			if !next.After(from) || !d.Schedule().Has(next) {
				t.Fatalf("%q in %q: after %v comes %v", cron, zone, from, next)
			}
			from = next
		}
	})
}

// TestEveryMinuteOfOddZonesIsATickOrIsNot goes through all minutes around changes at midnight, by half an hour, and a day that
// never was.
func TestEveryMinuteOfOddZonesIsATickOrIsNot(t *testing.T) {
	crons := map[string]func(time.Time) bool{
		"0 0 * * *": func(l time.Time) bool { return l.Hour() == 0 && l.Minute() == 0 },
		"30 0,23 * * 0": func(l time.Time) bool {
			return (l.Hour() == 0 || l.Hour() == 23) && l.Minute() == 30 && l.Weekday() == time.Sunday
		},
		"15 1 1 * 6": func(l time.Time) bool {
			return l.Hour() == 1 && l.Minute() == 15 && (l.Day() == 1 || l.Weekday() == time.Saturday)
		},
	}
	for _, c := range []struct{ zone, from string }{
		{"America/Goose_Bay", "2005-10-15"},
		{"America/Goose_Bay", "2006-03-20"},
		{"Australia/Lord_Howe", "2027-03-20"},
		{"Australia/Lord_Howe", "2027-09-20"},
		{"Asia/Beirut", "2023-03-10"},
		{"America/Havana", "2026-02-25"},
		{"Pacific/Apia", "2011-12-20"},
	} {
		zone, err := time.LoadLocation(c.zone)
		if err != nil {
			t.Fatal(err)
		}
		from, _ := time.Parse(time.DateOnly, c.from)
		for cron, fits := range crons {
			s := scheduled(t, fmt.Sprintf("cron: %q, time_zone: %s", cron, c.zone))
			next := s.Next(from)
			for at, end := from.Add(time.Minute), from.AddDate(0, 0, 40); at.Before(end); at = at.Add(time.Minute) {
				if want := fits(at.In(zone)); want != next.Equal(at) || want != s.Has(at) {
					t.Errorf("%s in %s: %v is a tick: %v; the next one is %v", cron, c.zone, at.In(zone), want, next.In(zone))
					break
				}
				if next.Equal(at) {
					next = s.Next(at)
				}
			}
		}
	}
}
