package tasks

import (
	"bytes"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

func TestWhatAsynqRepeatsIsToldOnceAMinute(t *testing.T) {
	const refused = "dial tcp 127.0.0.1:6379: connection refused"
	every := func(pause time.Duration, times int, say func(i int)) {
		for i := range times {
			say(i)
			time.Sleep(pause)
		}
	}
	for _, c := range []struct {
		name string
		say  func(l *asynqLog)
		want string // each line as "second level message", and how often it came
	}{
		{"what comes once is told once", func(l *asynqLog) { l.Warn("odd") }, "0 WARN odd"},
		{
			"what is repeated is told at once, then once a minute with its number",
			func(l *asynqLog) { every(time.Second/4, 4*150, func(int) { l.Error(refused) }) },
			"0 ERROR " + refused + ", 60 ERROR " + refused + " times=240, 120 ERROR " + refused + " times=240",
		},
		{
			"a port in it makes it no other message",
			func(l *asynqLog) { every(time.Second, 60, func(i int) { l.Error("read from port ", 40000+i) }) },
			"0 ERROR read from port 40000",
		},
		{
			"messages do not keep each other back",
			func(l *asynqLog) { every(time.Second, 10, func(i int) { l.Warn([]string{"one", "two"}[i%2]) }) },
			"0 WARN one, 1 WARN two",
		},
		{
			"after a quiet minute it is told at once again",
			func(l *asynqLog) {
				every(10*time.Second, 3, func(int) { l.Warn("away") })
				time.Sleep(time.Minute)
				every(10*time.Second, 3, func(int) { l.Warn("away") })
			},
			"0 WARN away, 90 WARN away",
		},
		{"what asynq dies of is an error", func(l *asynqLog) { l.Fatal("no ", "more") }, "0 ERROR no more"},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var out bytes.Buffer
				began := time.Now()
				log := slog.New(slog.NewTextHandler(&out, &slog.HandlerOptions{ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr {
					switch {
					case a.Key == slog.TimeKey:
						return slog.String("at", fmt.Sprint(time.Since(began).Seconds()))
					case a.Key == "component" && a.Value.String() == "asynq":
						return slog.Attr{}
					}
					return a
				}}))
				c.say(newAsynqLog(log, time.Now))
				got := strings.NewReplacer("at=", "", "level=", "", "msg=", "", `"`, "", "\n", ", ").Replace(out.String())
				if got = strings.TrimSuffix(got, ", "); got != c.want {
					t.Errorf("got  %s\nwant %s", got, c.want)
				}
			})
		})
	}
}

func TestWhatAsynqNoLongerSaysIsForgotten(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newAsynqLog(slog.New(slog.DiscardHandler), time.Now)
		for i := range 26 {
			l.Warn("task ", string(rune('a'+i)))
			time.Sleep(10 * time.Second)
		}
		if n := len(l.said); n > 7 {
			t.Errorf("%d messages are remembered", n)
		}
	})
}
