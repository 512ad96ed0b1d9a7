package saga_test

import (
	"encoding/json"
	"errors"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/osp-platform/osp/saga"
)

// FuzzDecode feeds anything at all: it is refused, or it is an event that survives being stored again.
func FuzzDecode(f *testing.F) {
	for _, seed := range []string{
		`1:1:1795400969298521:{"k":"created","c":{"id":"a","type":"order","input":{"x":[1,2.5,null]}}}`,
		`1:2:1795400969299310:{"k":"step_started","p":"loop[3]/ship","n":2,"d":1795401089298918,"t":"activity"}`,
		`1:3:1:{"k":"attempt_failed","e":"\u0000\ud800 :{}","f":7,"l":["a","b"],"u":true}`,
		`1:9223372036854775807:-1:{}`, `2:1:1:{}`, `1:1:1:`, `1:1`, `:::`, ``, `1:-0:+5:{"o":"x"}`, `1:1:1:null`,
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, stored string) {
		e, err := saga.Decode(stored)
		if err != nil {
			if !errors.Is(err, saga.ErrUnknownEvent) {
				t.Fatalf("got %v, want an unknown event", err)
			}
			return
		}
		body, err := saga.Encode(e)
		if err != nil {
			t.Fatalf("%q decoded but did not encode: %v", stored, err)
		}
		again, err := saga.Decode(saga.Header(e.Seq, e.At) + string(body))
		if err != nil {
			t.Fatalf("%q did not decode: %v", body, err)
		}
		if !same(t, e, again) {
			t.Fatalf("%q became %+v, then %+v", stored, e, again)
		}
	})
}

// same compares events as they are stored: raw JSON may lose its spaces, and an empty list is none.
func same(t *testing.T, a, b saga.Event) bool {
	t.Helper()
	if a.Seq != b.Seq || !a.At.Equal(b.At) {
		return false
	}
	first, err1 := saga.Encode(a)
	second, err2 := saga.Encode(b)
	return err1 == nil && err2 == nil && string(first) == string(second)
}

// FuzzEncode stores events made of anything: what comes back is what was stored.
func FuzzEncode(f *testing.F) {
	f.Add(int64(1), int64(0), "signal", "a/b[1]", "boom", "go", "me", []byte(`{"a":1}`), int64(5), uint8(3), true)
	f.Add(int64(7), int64(1e15), "", "\x00:\xff", ":::", "é\u2028", "", []byte(`"x"`), int64(-1), uint8(255), false)
	f.Fuzz(func(t *testing.T, seq, at int64, kind, path, failure, name, by string, data []byte, due int64, flags uint8, undo bool) {
		if !json.Valid(data) {
			data = nil
		}
		e := saga.Event{
			Seq: seq, At: time.UnixMicro(at).UTC(), Kind: saga.EventKind(kind), Path: path, Undo: undo,
			Due: saga.Micros(due), Error: failure, Flags: saga.Flags(flags), Name: name, By: by, Data: data,
		}
		body, err := saga.Encode(e)
		if err != nil {
			t.Fatal(err)
		}
		got, err := saga.Decode(saga.Header(e.Seq, e.At) + string(body))
		if err != nil {
			t.Fatal(err)
		}
		if got.Seq != e.Seq || !got.At.Equal(e.At) || got.Due != e.Due || got.Flags != e.Flags || got.Undo != e.Undo {
			t.Fatalf("got %+v, want %+v", got, e)
		}
		for _, pair := range [][2]string{
			{string(got.Kind), kind},
			{got.Path, path},
			{got.Error, failure},
			{got.Name, name},
			{got.By, by},
		} {
			if pair[0] != strings.ToValidUTF8(pair[1], "\ufffd") && !strings.ContainsRune(pair[0], '\ufffd') {
				t.Fatalf("got %q, want %q", pair[0], pair[1])
			}
		}
		if !reflect.DeepEqual(value(t, got.Data), value(t, data)) {
			t.Fatalf("got %s, want %s", got.Data, data)
		}
	})
}

// value is raw JSON as a value; none is null.
func value(t *testing.T, raw []byte) (v any) {
	t.Helper()
	if len(raw) == 0 {
		return nil
	}
	d := json.NewDecoder(strings.NewReader(string(raw)))
	d.UseNumber()
	if err := d.Decode(&v); err != nil {
		t.Fatal(err)
	}
	return v
}

func TestDecodeRefusesWhatItDoesNotKnow(t *testing.T) {
	for _, stored := range []string{
		"", "1", "1:", "1:1:", "1:1:1", "1:1:1:", "2:1:1:{}", "12:1:1:{}", "1:x:1:{}", "1:1:x:{}", "1:1:1:[]", "1:1:1:{", "x",
	} {
		if _, err := saga.Decode(stored); !errors.Is(err, saga.ErrUnknownEvent) {
			t.Errorf("%q: got %v, want an unknown event", stored, err)
		}
	}
}

func TestEventsAreStoredAsLargeAsTheyAre(t *testing.T) {
	data, err := json.Marshal("é ☃ 𝄞")
	if err != nil {
		t.Fatal(err)
	}
	for _, data := range []string{string(data), `"<a href=\"?x&y\">"`, `"` + strings.Repeat("<", 1000) + `"`} {
		body, err := saga.Encode(saga.Event{Kind: saga.KindStepDone, Path: "a", Data: json.RawMessage(data)})
		if err != nil {
			t.Fatal(err)
		}
		if more := len(body) - len(data); more > 40 {
			t.Errorf("%.40s takes %d bytes more than it has", data, more)
		}
	}
}
