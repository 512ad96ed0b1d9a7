package tasks_test

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/osp-platform/osp/saga"
	"github.com/osp-platform/osp/tasks"
)

// verdict tells what an error says of further attempts: "again", "for good", and "without effect" where that is certain.
func verdict(t *testing.T, err error) string {
	t.Helper()
	said := "again"
	if saga.IsPermanent(err) {
		said = "for good"
	}
	if saga.IsDefinite(err) {
		said += ", without effect"
	}
	return said
}

var oneCall = saga.Call{Task: saga.Created{ID: "t1"}, Path: "s", Key: "t1/s/do/0", Attempt: 1}

func newCaller(t *testing.T, s secrets) *tasks.HTTP {
	t.Helper()
	h := tasks.NewHTTP(tasks.HTTPOptions{Secrets: s, AllowPrivate: true})
	t.Cleanup(h.Close)
	return h
}

func TestACallTakesDataAsItIs(t *testing.T) {
	e := newEndpoint(t, nil)
	out, err := newCaller(t, secrets{"KEY": "s3cret"}).Call(t.Context(), oneCall, tasks.HTTPCall{
		Method: "POST", URL: e.URL + "/a?b=1",
		Headers: map[string]string{"Authorization": "Bearer ${secrets.KEY}", "X-Note": "${input.data.x} $${ costs $1"},
		Body:    json.RawMessage(`{"text":"${steps.a.status}","${x}":12.50,"key":"${secrets.KEY}"}`),
	})
	if err != nil {
		t.Fatal(err)
	}
	wantTold(t, e, `POST /a?b=1 {"${x}":12.50,"key":"s3cret","text":"${steps.a.status}"}`)
	header := e.calls[0].header
	if header.Get("Authorization") != "Bearer s3cret" || header.Get("X-Note") != "${input.data.x} $${ costs $1" || e.calls[0].key() != oneCall.Key {
		t.Errorf("headers %v", header)
	}
	same(t, "output", out, `{"status":200,"headers":{"content-type":"application/json"},"body":{"ok":true}}`)
}

func TestACallThatIsWrong(t *testing.T) {
	for _, c := range []struct {
		name string
		call tasks.HTTPCall
		want string
	}{
		{"its method", tasks.HTTPCall{Method: "BREW", URL: "https://x.example/"}, `/params/method: "BREW" is not one of`},
		{"its URL", tasks.HTTPCall{Method: "GET", URL: "ftp://x.example/"}, "/params/url: A URL begins with http:// or https://"},
		{"a password in its URL", tasks.HTTPCall{Method: "GET", URL: "https://a:b@x.example/"}, "/params/url: A URL may not hold a user"},
		{"a secret in its URL", tasks.HTTPCall{Method: "GET", URL: "https://x.example/${secrets.KEY}"}, "/params/url: Secrets may not stand in a URL"},
		{
			"a header within a header",
			tasks.HTTPCall{Method: "GET", URL: "https://x.example/", Headers: map[string]string{"X-A": "a\r\nX-B: b"}},
			"/params/headers/X-A: A header's value is one line",
		},
		{
			"a header that is not its own",
			tasks.HTTPCall{Method: "GET", URL: "https://x.example/", Headers: map[string]string{"Host": "y"}},
			"/params/headers/Host: Host is not for a step to set",
		},
		{
			"a secret that is none",
			tasks.HTTPCall{Method: "POST", URL: "https://x.example/", Body: json.RawMessage(`"${secrets.a b}"`)},
			`/params/body: The template "${secrets.a b}" is not the name of a secret`,
		},
		{
			"a secret that nobody knows",
			tasks.HTTPCall{Method: "POST", URL: "https://x.example/", Body: json.RawMessage(`"${secrets.ABC}"`)},
			"the secret ABC is not known to this worker: set OSP_SECRET_ABC",
		},
		{
			"a form of a list",
			tasks.HTTPCall{Method: "POST", URL: "https://x.example/", Body: json.RawMessage(`[1]`), Form: true},
			"/params/body: A form is made of an object: give one.",
		},
	} {
		_, err := newCaller(t, secrets{"KEY": "s3cret"}).Call(t.Context(), oneCall, c.call)
		if err == nil || !strings.Contains(err.Error(), c.want) || verdict(t, err) != "for good, without effect" {
			t.Errorf("%s: %v (%s)", c.name, err, verdict(t, err))
		}
	}
	if _, err := (*tasks.HTTP)(nil).Call(t.Context(), oneCall, tasks.HTTPCall{}); verdict(t, err) != "for good, without effect" {
		t.Error(err)
	}
}

func TestACallIsGuardedAndKeepsSecrets(t *testing.T) {
	e := newEndpoint(t, map[string]http.HandlerFunc{"/tell": func(w http.ResponseWriter, r *http.Request) {
		w.WriteHeader(http.StatusBadRequest)
		_, _ = fmt.Fprintf(w, "I was sent %s", r.Header.Get("Authorization"))
	}})
	h := tasks.NewHTTP(tasks.HTTPOptions{})
	t.Cleanup(h.Close)
	if _, err := h.Call(t.Context(), oneCall, tasks.HTTPCall{Method: "GET", URL: e.URL}); !strings.Contains(err.Error(), "is refused") || e.told() != "" {
		t.Errorf("%v after %s", err, e.told())
	}
	_, err := newCaller(t, secrets{"KEY": "s3cret"}).Call(t.Context(), oneCall, tasks.HTTPCall{
		Method: "POST", URL: e.URL + "/tell", Headers: map[string]string{"Authorization": "Bearer ${secrets.KEY}"},
	})
	if want := "400 Bad Request: I was sent Bearer [secret KEY]"; err == nil || !strings.HasSuffix(err.Error(), want) {
		t.Errorf("got %v, want %s", err, want)
	}
}

func TestAFormIsWrittenInOneWay(t *testing.T) {
	e := newEndpoint(t, nil)
	_, err := newCaller(t, nil).Call(t.Context(), oneCall, tasks.HTTPCall{
		Method: "POST", URL: e.URL, Form: true,
		Body: json.RawMessage(`{"z":true,"amount":12.50,"metadata":{"who":"Zoë & Co","none":null},"items":[{"price":"p1"},{"price":"p2"}]}`),
	})
	if err != nil {
		t.Fatal(err)
	}
	wantTold(t, e, "POST / amount=12.50&items%5B0%5D%5Bprice%5D=p1&items%5B1%5D%5Bprice%5D=p2&metadata%5Bwho%5D=Zo%C3%AB+%26+Co&z=true")
	if got := e.calls[0].header.Get("Content-Type"); got != "application/x-www-form-urlencoded" {
		t.Errorf("content type %s", got)
	}
}

// TestASignatureIsThatOfTheStandard recomputes it as a receiver would.
func TestASignatureIsThatOfTheStandard(t *testing.T) {
	e := newEndpoint(t, nil)
	key := []byte("twenty-four bytes or more")
	s := secrets{"HOOK": "whsec_" + base64.StdEncoding.EncodeToString(key)}
	send := func(at time.Time) {
		_, err := newCaller(t, s).Call(t.Context(), oneCall, tasks.HTTPCall{
			Method: "POST", URL: e.URL, Body: json.RawMessage(`{"type":"order.paid"}`), Sign: &tasks.Signature{Secret: "HOOK", At: at},
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	send(time.Unix(1_700_000_000, 0))
	send(time.Unix(1_700_000_060, 0))
	var ids []string
	for i, at := range []string{"1700000000", "1700000060"} {
		header := e.calls[i].header
		id := header.Get("Webhook-Id")
		mac := hmac.New(sha256.New, key)
		_, _ = fmt.Fprintf(mac, "%s.%s.%s", id, at, e.calls[i].body)
		want := "v1," + base64.StdEncoding.EncodeToString(mac.Sum(nil))
		if header.Get("Webhook-Timestamp") != at || header.Get("Webhook-Signature") != want || strings.Contains(id, ".") {
			t.Errorf("headers %v, want %s", header, want)
		}
		ids = append(ids, id)
	}
	if ids[0] != ids[1] || ids[0] == "" {
		t.Errorf("two attempts have the ids %v", ids)
	}
}

func TestASecretThatCannotSign(t *testing.T) {
	for name, value := range map[string]string{
		"no prefix": "dHdlbnR5LWZvdXIgYnl0ZXMgb3IgbW9yZQ==", "not base64": "whsec_?????", "too short": "whsec_c2hvcnQ=", "unknown": "",
	} {
		_, err := newCaller(t, secrets{"HOOK": value}).Call(t.Context(), oneCall, tasks.HTTPCall{
			Method: "POST", URL: "https://x.example/", Sign: &tasks.Signature{Secret: "HOOK"},
		})
		if err == nil || !strings.Contains(err.Error(), "HOOK") || value != "" && strings.Contains(err.Error(), value) ||
			verdict(t, err) != "for good, without effect" {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestWhatAnAnswerMeansForACall(t *testing.T) {
	for status, want := range map[int]string{
		400: "for good, without effect", 404: "for good, without effect", 409: "for good", 429: "again", 500: "again", 503: "again",
	} {
		e := newEndpoint(t, map[string]http.HandlerFunc{"/": reply(status, `{}`)})
		_, err := newCaller(t, nil).Call(t.Context(), oneCall, tasks.HTTPCall{Method: "POST", URL: e.URL + "/"})
		if err == nil || verdict(t, err) != want {
			t.Errorf("%d: %v, %s, want %s", status, err, verdict(t, err), want)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := newCaller(t, nil).Call(ctx, oneCall, tasks.HTTPCall{Method: "GET", URL: "http://127.0.0.1:1/"}); !errors.Is(err, context.Canceled) && verdict(t, err) != "again, without effect" {
		t.Errorf("%v", err)
	}
}

// FuzzCall has no text of a call panic, reach another host or give a secret away.
func FuzzCall(f *testing.F) {
	f.Add("https://x.example/a", "Bearer ${secrets.KEY}", `{"a":"${secrets.KEY}"}`)
	f.Add("https://x.example/${secrets.KEY}", "${secrets.", `"${secrets.a.b}"`)
	f.Add("https://${x}/", "a\nb", `[1,{"${secrets.X}":null}]`)
	f.Fuzz(func(t *testing.T, url, header, body string) {
		ctx, cancel := context.WithCancel(t.Context())
		cancel() // nothing is sent
		for _, form := range []bool{false, true} {
			_, err := newCaller(t, secrets{"KEY": "s3cret-value"}).Call(ctx, oneCall, tasks.HTTPCall{
				Method: "POST", URL: url, Headers: map[string]string{"X-A": header}, Body: json.RawMessage(body), Form: form,
			})
			if err == nil {
				t.Fatal("it was sent")
			}
			if strings.Contains(err.Error(), "s3cret-value") && !strings.Contains(url+header+body, "s3cret-value") {
				t.Errorf("the error tells the secret: %v", err)
			}
		}
	})
}
