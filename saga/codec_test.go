package saga_test

import (
	"bytes"
	"encoding/json"
	"reflect"
	"strings"
	"testing"

	"github.com/osp-platform/osp/saga"
)

// reflected is what encoding/json makes of an event, and Encode is to make.
func reflected(t testing.TB, e saga.Event) (string, error) {
	t.Helper()
	var out bytes.Buffer
	enc := json.NewEncoder(&out)
	enc.SetEscapeHTML(false)
	err := enc.Encode(e)
	return strings.TrimSuffix(out.String(), "\n"), err
}

// fill gives every field that is stored a value of its own, by their kinds.
func fill(t *testing.T, v reflect.Value, text string) {
	t.Helper()
	for i := range v.NumField() {
		f := v.Field(i)
		if v.Type().Field(i).Tag.Get("json") == "-" {
			continue
		}
		switch f.Kind() {
		case reflect.String:
			f.SetString(text + v.Type().Field(i).Name)
		case reflect.Bool:
			f.SetBool(true)
		case reflect.Int, reflect.Int64:
			f.SetInt(int64(i + 3))
		case reflect.Uint8:
			f.SetUint(7)
		case reflect.Slice:
			if f.Type() == reflect.TypeFor[json.RawMessage]() {
				f.SetBytes([]byte(`{"a":["}",",",{}],"b":"\""}`))
			} else {
				f.Set(reflect.ValueOf([]string{text, "b"}))
			}
		case reflect.Pointer:
			f.Set(reflect.New(f.Type().Elem()))
			fill(t, f.Elem(), text)
		default:
			t.Fatalf("%s: the codec does not know a %s", v.Type().Field(i).Name, f.Kind())
		}
	}
}

// A field that Event, Created or TaskWebhook gets has to be in the codec, too.
func TestEveryFieldIsStored(t *testing.T) {
	for _, text := range []string{"", "x", "<é>\"\\\u2028\x01", "\xff"} {
		var e saga.Event
		fill(t, reflect.ValueOf(&e).Elem(), text)
		for _, without := range []func(){func() {}, func() { e.Created.Webhook = nil }, func() { e.Paths = nil }, func() { e.Created = nil }} {
			without()
			checkCodec(t, e)
		}
	}
	checkCodec(t, saga.Event{})
	checkCodec(t, saga.Event{Kind: saga.KindCreated, Created: &saga.Created{}})
}

// checkCodec compares Encode and Decode with encoding/json.
func checkCodec(t *testing.T, e saga.Event) {
	t.Helper()
	body, err := saga.Encode(e)
	want, wantErr := reflected(t, e)
	if (err != nil) != (wantErr != nil) || err == nil && string(body) != want {
		t.Fatalf("encoded\n%s, %v\nwant\n%s, %v", body, err, want, wantErr)
	}
	if err == nil {
		checkDecode(t, string(body))
	}
}

func checkDecode(t *testing.T, body string) {
	t.Helper()
	var want saga.Event
	wantErr := json.Unmarshal([]byte(body), &want)
	got, err := saga.Decode("1:5:6:" + body)
	if (err != nil) != (wantErr != nil) {
		t.Fatalf("%q: got %v, encoding/json says %v", body, err, wantErr)
	}
	if want.Seq, want.At = got.Seq, got.At; err == nil && !reflect.DeepEqual(got, want) {
		t.Fatalf("%q: got %+v, encoding/json says %+v", body, got, want)
	}
}

// FuzzCodec gives a decoder of our own anything at all: it reads what encoding/json reads, and an event is encoded as it would be.
func FuzzCodec(f *testing.F) {
	for _, body := range []string{
		`{"k":"created","c":{"id":"a","type":"order","input":{"x":[1,2.5,null]},"version":3,"process_at":-5}}`,
		`{"k":"step_started","p":"loop[3]/ship","n":2,"d":1795401089298918,"t":"activity","o":null}`,
		`{"k":"a","k":"b"}`, `{"c":{"id":"a"},"c":{"type":"b"}}`, `{"K":"x"}`, `{"n":01}`, `{"n":-}`, `{"n":1e3}`, `{"f":256}`, `{"u":false}`,
		`{"o":[1,2}`, `{"o":"a\"b"}`, `{"o":,"p":"x"}`, `{"o":1 }`, `{"p":"\u0041"}`, `{"p":null}`, `{"c":{}}`, `{"p":"` + "\xff" + `"}`, `{}`,
		`{"o":"x"}}`, `{"o":tru}`, `{"n":123456789012345678901}`, `{"k":"a",}`, `{"k":"a"`, ` {"k":"a"}`, `{"l":[]}`, `{"o":1,"o":2}`,
		`{"o":[}]}`, `{"n":9223372036854775807}`, `{"c":null}`, `{"c":{"webhook":{"url":"a"}}}`, `{"o":{"a":"\\"}}`,
	} {
		f.Add(body)
	}
	f.Fuzz(func(t *testing.T, body string) {
		checkDecode(t, body)
		if e, err := saga.Decode("1:5:6:" + body); err == nil {
			checkCodec(t, e)
		}
	})
}
