package cli

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"
)

func TestTextsAreHarmless(t *testing.T) {
	cases := []struct{ name, text, want string }{
		{"words", "two  words,\n one line", "two words, one line"},
		{"an escape sequence", "a\x1b[2Jb", `a\x1b[2Jb`},
		{"a title of the window", "\x1b]0;mine\x07", `\x1b]0;mine\x07`},
		{"a sequence in one character", "a\u009b2J", `a\u009b2J`},
		{"writing from right to left", "a\u202eb\u2066c", `a\u202eb\u2066c`},
		{"what has no width", "a\u200bb\ufeffc", `a\u200bb\ufeffc`},
		{"what is no text", "a\xffb", `a\xffb`},
		{"a character that stands for what is no text", "a\ufffdb", "a\ufffdb"},
		{"a blank that does not break", "a\u00a0b", "a b"},
		{"other languages", "日本 العربية ñ", "日本 العربية ñ"},
		{"a family", "👩\u200d👧", "👩\u200d👧"},
	}
	for _, c := range cases {
		if got := plain(c.text); got != c.want {
			t.Errorf("%s: %q, want %q", c.name, got, c.want)
		}
	}
	if got := lines("one\x1b\r\n\ttwo\n"); strings.Join(got, "|") != `one\x1b|    two` {
		t.Errorf("lines: %q", got)
	}
}

func TestJSONIsHarmlessAndTheSame(t *testing.T) {
	const raw = `{"a":"b` + "\u009b2J\u202e\x7f日本" + `"}`
	var b strings.Builder
	if err := writeJSON(&b, []byte(raw)); err != nil {
		t.Fatal(err)
	}
	if got, want := b.String(), `{"a":"b\u009b2J\u202e\u007f日本"}`+"\n"; got != want {
		t.Errorf("written as %q, want %q", got, want)
	}
	var before, after map[string]string
	if err := errors.Join(json.Unmarshal([]byte(raw), &before), json.Unmarshal([]byte(b.String()), &after)); err != nil || before["a"] != after["a"] {
		t.Errorf("%q has become %q: %v", before, after, err)
	}
}

func FuzzPlain(f *testing.F) {
	f.Add("a\x1b[31m\u202e\u009b\xff")
	f.Fuzz(func(t *testing.T, s string) {
		p := plain(s)
		for _, r := range p {
			if r < ' ' || escaped(r) {
				t.Fatalf("%q leaves %q", s, p)
			}
		}
		for w := range 12 {
			if got := width(clip(p, w)); got > w {
				t.Fatalf("%q in %d columns takes %d", p, w, got)
			}
		}
		if joined := strings.Join(wrap(p, 7), ""); strings.ReplaceAll(joined, " ", "") != strings.ReplaceAll(p, " ", "") {
			t.Fatalf("%q is wrapped to %q", p, joined)
		}
	})
}

func TestTimesInWords(t *testing.T) {
	for d, want := range map[time.Duration]string{
		-time.Second: "0 s", 12 * time.Microsecond: "1 ms", 45 * time.Millisecond: "45 ms", 2540 * time.Millisecond: "2.5 s",
		59 * time.Second: "59 s", time.Minute: "1 min", 125 * time.Second: "2 min 5 s", 3*time.Hour + 4*time.Minute: "3 h 4 min",
		50 * time.Hour: "2 d 2 h",
	} {
		if got := lasting(d); got != want {
			t.Errorf("%v is %q, want %q", d, got, want)
		}
	}
	for d, want := range map[time.Duration]string{
		-time.Minute: "now", 3 * time.Second: "3 s ago", 90 * time.Minute: "1 h ago", 47 * time.Hour: "47 h ago", 72 * time.Hour: "3 d ago",
	} {
		if got := ago(d); got != want {
			t.Errorf("%v ago is %q, want %q", d, got, want)
		}
	}
}

func TestTimesOfFlags(t *testing.T) {
	now := time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)
	for _, c := range []struct {
		value     string
		direction int
		want      string
	}{
		{"90m", 1, "2026-11-24T13:30:00Z"},
		{"+2d", 1, "2026-11-26T12:00:00Z"},
		{"2d", -1, "2026-11-22T12:00:00Z"},
		{"2026-12-24T18:00:00+01:00", 1, "2026-12-24T17:00:00Z"},
		{"", 1, ""},
	} {
		if got, err := moment(now, "--at", c.value, c.direction); got != c.want || err != nil {
			t.Errorf("%q is %q, want %q: %v", c.value, got, c.want, err)
		}
	}
	for _, wrong := range []string{"soon", "-2h", "d", "2026-13-01"} {
		if got, err := moment(now, "--at", wrong, 1); err == nil {
			t.Errorf("%q is %q", wrong, got)
		}
	}
}

func TestPointersInWords(t *testing.T) {
	for pointer, want := range map[string]string{
		"": "", "/input": "input", "/input/lines/3/name": "input.lines[3].name", "/a~1b/c~0d": "a/b.c~d", "/0": "[0]",
	} {
		if got := dotted(pointer); got != want {
			t.Errorf("%q is %q, want %q", pointer, got, want)
		}
	}
}
