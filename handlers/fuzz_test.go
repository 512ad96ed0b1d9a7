package handlers

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"github.com/osp-platform/osp/saga"
)

// Whatever comes in: nothing panics, and what is accepted is what was said.
func FuzzStartRequest(f *testing.F) {
	for _, s := range []string{
		demo, with(`"id":"a","priority":"low"`), with(`"process_at":"2026-11-23T14:00:00Z"`), `{"type":"a","type":"b"}`,
		`[]`, `null`, `{}`, `{"a":{"b":[{"c":1,"c":2}]}}`, `{"type":"demo","input":1e999}`, "{\"type\":\"\xff\"}", `{"\u0000":1}`,
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		if len(strings.TrimSpace(string(data))) == 0 || wellFormed(data) != nil {
			return
		}
		o, err := newObject(data)
		if err != nil {
			return
		}
		r, err := startRequest(o, anonymous)
		if err != nil {
			return
		}
		if r.ID != "" && !validID(r.ID) || r.Type == "" || !json.Valid(r.Input) || !validUUID(r.Owner) {
			t.Errorf("accepted %+v", r)
		}
		var plain struct{ Type string }
		if err := json.Unmarshal(data, &plain); err != nil || plain.Type != r.Type && !strings.Contains(strings.ToLower(string(data)), `\u`) {
			t.Errorf("accepted %q as %q, %v", plain.Type, r.Type, err)
		}
	})
}

func FuzzBodies(f *testing.F) {
	f.Add("/v1/tasks", `{"type":"demo","input":{}}`)
	f.Add("/v1/tasks/batch", `{"tasks":[{"type":"demo","input":{}}, 7]}`)
	f.Add("/v1/tasks/a/cancel", `{"reason":"r"}`)
	f.Add("/v1/tasks/a/resolve", `{"step":"s","action":"skip","reason":"r"}`)
	f.Add("/v1/tasks/a/signals/s", `[1]`)
	f.Fuzz(func(t *testing.T, path, body string) {
		if !strings.HasPrefix(path, "/v1/") || strings.ContainsFunc(path, func(r rune) bool { return r <= ' ' || r > '~' || r == '?' || r == '#' || r == '%' }) {
			return
		}
		if strings.Contains(body, "broken") {
			return // the fake panics on that type
		}
		w := newWorld(t)
		if a := w.call("POST "+path, body); a.Code >= 500 && a.Code != 503 {
			t.Errorf("%d %s", a.Code, a.Body)
		}
	})
}

func FuzzListQuery(f *testing.F) {
	for _, s := range []string{"", "limit=5&cursor=abc", "status=running&type=a", "limit=%30", "user_id=" + alice, "a=%zz;b", "cursor=%ff"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, raw string) {
		q, err := listQuery(raw, Principal{})
		if err != nil {
			return
		}
		if q.Limit < 1 || q.Limit > maxLimit || len(q.Cursor) > maxCursor || q.Owner != "" && !validUUID(q.Owner) ||
			strings.ContainsFunc(q.Cursor, unprintable) {
			t.Errorf("accepted %+v", q)
		}
	})
}

func FuzzHeaders(f *testing.F) {
	for _, s := range []string{"", "wait=5", `"k"`, "7", "7-end", "respond-async, wait=\"3\";x", "-1", "9223372036854775808", "Bearer osp_x"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, value string) {
		h := http.Header{"Prefer": {value}, "Idempotency-Key": {value}, "Last-Event-Id": {value}}
		if n := preferredWait(h); n < 0 || n > maxWait {
			t.Errorf("waits %d", n)
		}
		if key, err := idempotencyKey(h); err == nil {
			if key == "" || len(key) > maxKey || !saga.ValidID(keyedID(alice, key, "")) {
				t.Errorf("accepted key %q", key)
			}
		}
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "/v1/tasks/a/events", nil)
		if err != nil {
			t.Fatal(err)
		}
		r.Header = h
		if p, err := placeOf(r); err == nil && p.after < 0 {
			t.Errorf("goes on after %d", p.after)
		}
		bearer(value)
	})
}

func FuzzParseKeys(f *testing.F) {
	f.Add("a:reader:" + hashOf("x"))
	f.Add("a:reader:osp_x, b:c")
	f.Fuzz(func(t *testing.T, s string) {
		keys, err := ParseKeys(s)
		if (err == nil) != (len(keys) > 0) {
			t.Errorf("%v, %v", keys, err)
		}
		for _, k := range keys {
			if k.Name == "" || k.Role == 0 {
				t.Errorf("accepted %+v", k)
			}
		}
	})
}
