package handlers

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"unicode/utf8"

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
		r, err := startRequest(o)
		if err != nil {
			return
		}
		if r.ID != "" && !validID(r.ID) || r.Type == "" || !json.Valid(r.Input) || r.Owner != "" && !saga.ValidUUID(r.Owner) {
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
	f.Add("/v1/tasks/bulk/cancel", `{"filter":{"type":"demo","search":"%_"},"reason":"r","limit":3}`)
	f.Add("/v1/tasks/bulk/retry", `{"all":true,"dry_run":true,"cursor":"0.a"}`)
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

// A bulk that is accepted names something, and never more than one request may.
func FuzzBulk(f *testing.F) {
	for _, s := range []string{
		`{"filter":{"type":"demo"}}`, `{"all":true,"limit":1}`, `{"filter":{}}`, `{"filter":{"type":null}}`, `{"filter":null}`, `{"filter":7}`,
		`{"filter":{"search":"\u0000"}}`, `{"filter":{"status":"failed"},"cursor":"1.a"}`, `{"all":true,"cursor":"-1.a"}`, `{"limit":1e3}`,
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
		b := readBulk(o, bulkKind{statuses: []saga.Status{saga.StatusPending, saga.StatusRunning}})
		if o.end() != nil {
			return
		}
		if b.query == (saga.Query{}) && string(o.members["all"]) != "true" || b.limit < 1 || b.limit > maxBulk || b.pass < 0 || b.pass >= len(b.queries()) {
			t.Errorf("accepted %s as %+v", data, b)
		}
	})
}

func FuzzListQuery(f *testing.F) {
	for _, s := range []string{
		"", "limit=5&cursor=abc", "status=running&type=a", "limit=%30", "user_id=" + alice, "a=%zz;b", "cursor=%ff",
		"search=%25_%2A%2C%28%29.%22%27%5C&created_after=2026-11-24T08:00:00Z", "search=%00", "from=1&created_after=1",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, raw string) {
		q, err := listQuery(raw, Principal{})
		if err != nil {
			return
		}
		if q.Limit < 1 || q.Limit > maxLimit || len(q.Cursor) > maxCursor || q.Owner != "" && !saga.ValidUUID(q.Owner) ||
			strings.ContainsFunc(q.Cursor, unprintable) || strings.ContainsRune(q.Search, 0) || !utf8.ValidString(q.Search) ||
			len(q.Search) > maxSearch || !q.Until.IsZero() && !q.Until.After(q.From) {
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
	f.Add("a:starter:" + hashOf("x") + ":shop_1")
	f.Fuzz(func(t *testing.T, s string) {
		keys, err := ParseKeys(s)
		if (err == nil) != (len(keys) > 0) {
			t.Errorf("%v, %v", keys, err)
		}
		for _, k := range keys {
			if k.Name == "" || k.Role == 0 || k.Service != "" && (k.Role == RoleOperator || !validService(k.Service)) {
				t.Errorf("accepted %+v", k)
			}
		}
	})
}

// A batch is taken with all its items, or something in it is named.
func FuzzBatch(f *testing.F) {
	f.Add(`{"tasks":[`+demo+`]}`, `"k"`)
	f.Add(`{"tasks":[1,null,{}],"tasks":[]}`, "")
	f.Add(`{"tasks":{}}`, "é")
	f.Add(`[`, "k")
	f.Fuzz(func(t *testing.T, body, key string) {
		if strings.Contains(body, "broken") {
			return // the fake panics on that type
		}
		w := newWorld(t)
		r := request(t, "POST /v1/tasks/batch", body)
		r.Header["Idempotency-Key"] = []string{key}
		a := answer{httptest.NewRecorder(), t}
		w.api.ServeHTTP(a, r)
		switch {
		case a.Code == http.StatusMultiStatus:
			var sent struct{ Tasks []json.RawMessage }
			var got batchAnswer
			if json.Unmarshal([]byte(body), &sent) != nil || json.Unmarshal(a.Body.Bytes(), &got) != nil {
				t.Fatalf("%s was answered with %s", body, a.Body)
			}
			if len(got.Items) == 0 || got.Accepted+got.Existing+got.Refused != len(got.Items) || len(sent.Tasks) > 0 && len(sent.Tasks) != len(got.Items) {
				t.Errorf("%d items were answered with %s", len(sent.Tasks), a.Body)
			}
		case a.Code >= 500 && a.Code != http.StatusServiceUnavailable, a.Code < 400:
			t.Errorf("%d %s", a.Code, a.Body)
		}
	})
}

// Whoever calls with whatever credentials: only the right key gets in, and nothing of them is in the answer.
func FuzzAuthorization(f *testing.F) {
	for _, s := range []string{"Bearer osp_one", "bearer  osp_one ", "Basic eDpvc3Bfb25l", "Bearer", "Bearer osp_two", "Bearer a.b.c", "\x00"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, header string) {
		w := newWorld(t, func(c *Config) { c.Auth = Keys{keyOf(t, "one", "reader")} })
		r := request(t, "GET /v1/types", "")
		r.Header["Authorization"] = []string{header}
		a := answer{httptest.NewRecorder(), t}
		w.api.ServeHTTP(a, r)
		token, ok := bearer(header)
		switch {
		case (a.Code == http.StatusOK) != (ok && token == "osp_one"):
			t.Errorf("%q: %d", header, a.Code)
		case a.Code != http.StatusOK && a.Code != http.StatusUnauthorized:
			t.Errorf("%q: %d %s", header, a.Code, a.Body)
		case a.Code != http.StatusOK && len(token) > 8 && strings.Contains(a.Body.String()+w.log.String(), token):
			t.Errorf("%q is repeated: %s", header, a.Body)
		}
	})
}

// Headers that say what a body or a request is.
func FuzzMediaAndRequestID(f *testing.F) {
	for _, s := range []string{"application/json", "application/json; charset=utf-8", "text/plain", "a/b+json;;", "\x00", "req-7"} {
		f.Add(s, s)
	}
	f.Fuzz(func(t *testing.T, media, id string) {
		w := newWorld(t)
		r := request(t, "POST /v1/tasks", demo)
		r.Header["Content-Type"], r.Header["X-Request-Id"] = []string{media}, []string{id}
		a := answer{httptest.NewRecorder(), t}
		w.api.ServeHTTP(a, r)
		if a.Code != http.StatusAccepted && a.Code != http.StatusUnsupportedMediaType {
			t.Errorf("%q: %d %s", media, a.Code, a.Body)
		}
		if got := a.Header().Get("X-Request-Id"); got != id && got != "req-1" || !validRequestID(got) {
			t.Errorf("the request %q has the id %q", id, got)
		}
	})
}
