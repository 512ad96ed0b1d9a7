package handlers

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/osp-platform/osp/saga"
)

const (
	hookSecret = "whsec_bm90IGEgc2VjcmV0IGF0IGFsbCwgb25seSBhIHRlc3Q="
	oldSecret  = "the secret that was there before"
	paidRow    = `{"type":"UPDATE","table":"orders","schema":"shop","record":{"id":"o1","total":12.50,"big":12345678901234567890},"old_record":{"id":"o1"}}`
	hook       = "POST /v1/hooks/entities"
)

func hooked(t *testing.T) *world {
	return newWorld(t, func(c *Config) {
		c.HookSecrets = []string{hookSecret, oldSecret}
		c.Auth = Keys{} // nobody has a key
	})
}

// signature are the headers of a signed body.
func signature(at time.Time, body string) []string {
	key, _ := base64.StdEncoding.DecodeString(strings.TrimPrefix(hookSecret, "whsec_"))
	mac := hmac.New(sha256.New, key)
	seconds := strconv.FormatInt(at.Unix(), 10)
	_, _ = mac.Write([]byte("msg_1." + seconds + "." + body))
	return []string{
		"Webhook-Id: msg_1", "Webhook-Timestamp: " + seconds,
		"Webhook-Signature: v1,b3RoZXI= v1," + base64.StdEncoding.EncodeToString(mac.Sum(nil)),
	}
}

func TestWhoMayTellOfRows(t *testing.T) {
	w := hooked(t)
	for _, c := range []struct {
		name    string
		headers []string
		want    string
	}{
		{"the secret", []string{"Authorization: Bearer " + hookSecret}, "207"},
		{"the old one", []string{"Authorization: Bearer " + oldSecret}, "207"},
		{"in a header of its own", []string{hookHeader + ": " + hookSecret}, "207"},
		{"signed", signature(time.Now(), paidRow), "207"},
		{"nothing", nil, "401 bad-hook"},
		{"somebody else's token, and the secret in our own header", []string{"Authorization: Bearer anon", "X-OSP-Hook-Secret: " + hookSecret}, "207"},
		{"an empty secret", []string{"Authorization: Bearer "}, "401 bad-hook"},
		{"another secret", []string{"Authorization: Bearer " + hookSecret + "="}, "401 bad-hook"},
		{"another in a header of its own", []string{hookHeader + ": x"}, "401 bad-hook"},
		{"signed long ago", signature(time.Now().Add(-hookSkew-time.Minute), paidRow), "401 bad-hook"},
		{"signed in the future", signature(time.Now().Add(hookSkew+time.Minute), paidRow), "401 bad-hook"},
		{"another body signed", signature(time.Now(), paidRow+" "), "401 bad-hook"},
		{"half a signature", signature(time.Now(), paidRow)[:2], "401 bad-hook"},
		{"no time", append(signature(time.Now(), paidRow), "Webhook-Timestamp: now"), "401 bad-hook"},
	} {
		a := w.call(hook, paidRow, c.headers...)
		got := fmt.Sprint(a.Code)
		if a.Code != 207 {
			got += " " + a.slug()
		}
		if got != c.want {
			t.Errorf("%s: %s, want %s: %s", c.name, got, c.want, a.Body)
		}
	}
	if n := len(w.fake.happened); n != 5 {
		t.Errorf("%d were listened to", n)
	}
	if log := w.log.String(); strings.Contains(log, "bm90IGEg") || strings.Contains(log, oldSecret) {
		t.Errorf("the log has the secret: %s", log)
	}
	if a := newWorld(t).must(501, hook, paidRow, "Authorization: Bearer "); a.slug() != "hooks-off" || !strings.Contains(a.json("detail"), "OSP_HOOK_SECRET") {
		t.Errorf("without a secret: %s", a.Body)
	}
}

func TestWhatADatabaseTells(t *testing.T) {
	w := hooked(t)
	tell := func(status int, body string) answer {
		t.Helper()
		return w.must(status, hook, body, "Authorization: Bearer "+hookSecret)
	}
	a := tell(207, paidRow)
	if a.json("accepted") != "1" || a.json("items.0.workflow") != "demo" || a.json("items.0.status") != "202" ||
		a.json("items.0.location") != "/v1/tasks/"+a.json("items.0.id") {
		t.Errorf("the answer: %s", a.Body)
	}
	got := w.fake.happened[0]
	const told = `{"old_record":{"id":"o1"},"record":{"big":12345678901234567890,"id":"o1","total":12.50},"schema":"shop","table":"orders","type":"UPDATE"}`
	if got.service != "shop" || got.by != "entity hook" || got.Trigger != saga.TriggerEntityUpdate || got.Subject != "orders" || string(got.Told) != told {
		t.Errorf("it was told %+v: %s", got, got.Told)
	}
	again := tell(207, `{"schema": "shop", "old_record": {"id": "o1"}, "new": true, "table": "orders", "type": "UPDATE",
		"record": {"total": 12.50, "id": "o1", "big": 12345678901234567890}}`)
	if again.json("existing") != "1" || again.json("items.0.status") != "200" || again.json("items.0.id") != a.json("items.0.id") {
		t.Errorf("the same once more: %s", again.Body)
	}
	for name, other := range map[string]string{
		"another row":     strings.ReplaceAll(paidRow, "o1", "o2"),
		"another version": strings.Replace(paidRow, "12.50", "13.50", 1),
		"another change":  strings.Replace(paidRow, "UPDATE", "INSERT", 1),
		"another table":   strings.Replace(paidRow, "orders", "refunds", 1),
		"what it was":     strings.Replace(paidRow, `"old_record":{"id":"o1"}`, `"old_record":null`, 1),
	} {
		if a := tell(207, other); a.json("accepted") != "1" {
			t.Errorf("%s: %s", name, a.Body)
		}
	}
	tell(207, `{"type":"DELETE","table":"unheard","schema":"shop","record":null,"old_record":{"id":"o1"}}`)
	if a := tell(207, strings.Replace(paidRow, "orders", "picky", 1)); a.json("refused") != "1" || a.json("items.1.status") != "422" ||
		a.json("items.1.problem.errors.0.pointer") != "/input/n" {
		t.Errorf("a workflow that does not take it: %s", a.Body)
	}
	for body, where := range map[string]string{
		`{"type":"TRUNCATE","table":"orders","schema":"shop","record":{}}`:                 "pointer /type",
		`{"type":"INSERT","table":"orders","record":{}}`:                                   "pointer /schema",
		`{"type":"INSERT","schema":"shop","record":{}}`:                                    "pointer /table",
		`{"type":"INSERT","table":"orders","schema":"shop","record":null,"old_record":{}}`: "pointer /record",
		`{"type":"DELETE","table":"orders","schema":"shop","record":{}}`:                   "pointer /old_record",
		`{"type":"INSERT","table":"orders","schema":"shop","record":[1]}`:                  "pointer /record, pointer /record",
		`{"type":"INSERT","table":"orders","schema":"a b","record":{}}`:                    "pointer /schema",
		`[]`: "pointer ",
	} {
		if a := tell(422, body); a.faults() != where {
			t.Errorf("%s: %s, want %s", body, a.faults(), where)
		}
	}
	w.fake.fail = saga.ErrUnavailable
	if a := tell(503, paidRow); a.slug() != "unavailable" {
		t.Errorf("away: %s", a.Body)
	}
}
