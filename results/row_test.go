package results

import (
	"encoding/json"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/osp-platform/osp/saga"
)

func TestClean(t *testing.T) {
	for _, c := range []struct{ name, in, want string }{
		{"plain text stays", `{"a":"b"}`, `{"a":"b"}`},
		{"a NUL goes", `"a\u0000b"`, `"ab"`},
		{"an escaped backslash before u0000 is no NUL", `"a\\u0000b"`, `"a\\u0000b"`},
		{"after an escaped backslash it is", `"a\\\u0000b"`, `"a\\b"`},
		{"other escapes stay", `"\n\"\/\u00e9\t"`, `"\n\"\/\u00e9\t"`},
		{"a pair of surrogates stays", `"\uD83D\uDE00"`, `"\uD83D\uDE00"`},
		{"a lone high one is replaced", `"\ud83d"`, `"\ufffd"`},
		{"a high one before something else is replaced", `"\ud83d\u0041"`, `"\ufffd\u0041"`},
		{"a lone low one is replaced", `"\ude00x"`, `"\ufffdx"`},
		{"two in the wrong order are replaced", `"\ude00\ud83d"`, `"\ufffd\ufffd"`},
		{"broken UTF-8 is replaced", "\"a\xffb\"", `"a` + "\uFFFD" + `b"`},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := string(clean([]byte(c.in))); got != c.want {
				t.Errorf("%s became %s, want %s", c.in, got, c.want)
			}
		})
	}
}

func FuzzClean(f *testing.F) {
	for _, s := range []string{`"a\u0000b"`, `"\\\ud83d"`, `{"\ude00":"\ud83d\ude00"}`, `"\u"`, `\`} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, in []byte) {
		out := clean(append([]byte(nil), in...))
		if !utf8.Valid(out) {
			t.Fatalf("%q became %q, which is not UTF-8", in, out)
		}
		if !json.Valid(in) {
			return
		}
		var v any
		if err := json.Unmarshal(out, &v); err != nil {
			t.Fatalf("%q became %q: %v", in, out, err)
		}
		if again, err := json.Marshal(v); err != nil || strings.Contains(strings.ReplaceAll(string(again), `\\`, ""), `\u0000`) {
			t.Fatalf("%q became %q, which holds a NUL: %v", in, out, err)
		}
	})
}

func FuzzCursor(f *testing.F) {
	f.Add("MTIz")
	f.Add(saga.CursorAfter(saga.Task{ID: "a.b"}))
	f.Fuzz(func(t *testing.T, s string) {
		c, err := parseCursor(s)
		if err != nil || s == "" {
			return
		}
		again, err := parseCursor(saga.CursorAfter(saga.Task{ID: c.ID, CreatedAt: c.At}))
		if err != nil || again != c {
			t.Fatalf("%q: %v became %v, %v", s, c, again, err)
		}
	})
}

// A task that a store gives is read, or refused; what is read says the same when it is written again.
func FuzzDecodeTask(f *testing.F) {
	for _, seed := range []string{
		`{"id":"a","type":"t","steps":[{"path":"s"}],"output":null,"created_at":"2026-11-23T00:00:00+02:00"}`, `{}`, `null`, `[]`,
		`{"output":{"a":1e400},"waiting_until":"2026-11-23T00:00:00Z"}`, `{"version":"x"}`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		task, err := decodeTask(body)
		if err != nil {
			return
		}
		first, err := json.Marshal(task)
		if err != nil {
			return // a year that RFC 3339 cannot say
		}
		again, err := decodeTask(first)
		if err != nil {
			t.Fatalf("%s became %s: %v", body, first, err)
		}
		if second, err := json.Marshal(again); err != nil || string(second) != string(first) {
			t.Errorf("%s became %s, then %s: %v", body, first, second, err)
		}
	})
}
