package handlers

import (
	"crypto/hmac"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/osp-platform/osp/saga"
)

const (
	// hookHeader may carry the secret, for senders that use Authorization for something else.
	hookHeader = "X-OSP-Hook-Secret"
	// byHook is who starts what a database tells of.
	byHook = "entity hook"
	// maxRow is what a database tells of a change: a row as it is, and as it was.
	maxRow = 2*saga.MaxInput + 64<<10
	// hookSkew is how far a signature's time may be off.
	hookSkew = 5 * time.Minute
	// hookKeyPrefix begins a secret that can sign, as Standard Webhooks have it.
	hookKeyPrefix = "whsec_"
)

// rowTriggers are the triggers of what a database calls its changes.
var rowTriggers = map[string]string{
	"INSERT": saga.TriggerEntityInsert, "UPDATE": saga.TriggerEntityUpdate, "DELETE": saga.TriggerEntityDelete,
}

// entityHook takes what a database tells of a change: POST /v1/hooks/entities.
func (a *API) entityHook(c *gin.Context) {
	service, occasion, err := a.rowChange(c)
	if err != nil {
		a.problem(c, err)
		return
	}
	a.happen(c, service, occasion, byHook)
}

// rowChange reads a database webhook as Supabase sends it, once it is known to be one.
func (a *API) rowChange(c *gin.Context) (service string, o saga.Occasion, err error) {
	if len(a.hooks) == 0 {
		return "", o, refuse(hooksOff)
	}
	carried := a.carriesSecret(c.Request.Header)
	if !carried && !a.maySign(c.Request.Header) {
		return "", o, refuse(badHook)
	}
	data, err := body(c, maxRow)
	if err != nil {
		return "", o, err
	}
	if !carried && !a.signed(c.Request.Header, data) {
		return "", o, refuse(badHook)
	}
	return rowOccasion(data)
}

// carriesSecret tells whether a header has one of the secrets.
func (a *API) carriesSecret(h http.Header) bool {
	token, _ := bearer(h.Get("Authorization")) // which may be somebody else's
	found := 0
	for _, given := range []string{token, h.Get(hookHeader)} {
		digest := sha256.Sum256([]byte(given))
		for _, secret := range a.hooks {
			want := sha256.Sum256([]byte(secret))
			found |= subtle.ConstantTimeCompare(digest[:], want[:])
		}
	}
	return found == 1
}

// maySign tells, before the body is read, whether a signature could be one of ours.
func (a *API) maySign(h http.Header) bool {
	seconds, err := strconv.ParseInt(h.Get("Webhook-Timestamp"), 10, 64)
	return err == nil && h.Get("Webhook-Id") != "" && a.now().Sub(time.Unix(seconds, 0)).Abs() <= hookSkew &&
		h.Get("Webhook-Signature") != "" &&
		slices.ContainsFunc(a.hooks, func(secret string) bool { return strings.HasPrefix(secret, hookKeyPrefix) })
}

// signed tells whether a body is signed with one of the secrets, as Standard Webhooks (https://www.standardwebhooks.com) say.
func (a *API) signed(h http.Header, body []byte) bool {
	id, at := h.Get("Webhook-Id"), h.Get("Webhook-Timestamp")
	for _, secret := range a.hooks {
		key, signs := strings.CutPrefix(secret, hookKeyPrefix)
		decoded, err := base64.StdEncoding.DecodeString(key)
		if !signs || err != nil {
			continue
		}
		mac := hmac.New(sha256.New, decoded)
		_, _ = mac.Write([]byte(id + "." + at + ".")) // a hash takes everything
		_, _ = mac.Write(body)
		want := []byte("v1," + base64.StdEncoding.EncodeToString(mac.Sum(nil)))
		for given := range strings.FieldsSeq(h.Get("Webhook-Signature")) {
			if hmac.Equal([]byte(given), want) {
				return true
			}
		}
	}
	return false
}

// rowOccasion makes an occasion of a database webhook. What it tells besides is left out: others may add to it.
func rowOccasion(data []byte) (service string, o saga.Occasion, err error) {
	members, err := newObject(data)
	if err != nil {
		return "", o, err
	}
	operation := members.text("type", oneOf("INSERT", "UPDATE", "DELETE").mandatory())
	service, table := members.text("schema", nameRule.mandatory()), members.text("table", tableRule)
	told := map[string]any{"type": operation, "schema": service, "table": table}
	for _, name := range []string{"record", "old_record"} {
		told[name] = row(members, name)
	}
	if (operation == "DELETE" && told["old_record"] == nil) || (operation != "DELETE" && operation != "" && told["record"] == nil) {
		members.wrong(map[bool]string{true: "old_record", false: "record"}[operation == "DELETE"], "is missing: %s needs it", operation)
	}
	if len(members.faults) > 0 {
		return "", o, refuse(invalid, members.faults...)
	}
	o = saga.Occasion{Trigger: rowTriggers[operation], Subject: table}
	if o.Told, err = json.Marshal(told); err != nil {
		return "", o, err
	}
	// Its own content tells a change from others: it has the row's key, and its version, if there is one.
	sum := sha256.Sum256(o.Told)
	o.Key = hex.EncodeToString(sum[:])
	return service, o, nil
}

// row takes a row; nil when there is none.
func row(members *object, name string) any {
	raw := members.raw(name)
	if len(raw) == 0 || string(raw) == "null" {
		return nil
	}
	value, err := exact(raw)
	if _, ok := value.(map[string]any); err != nil || !ok {
		members.wrong(name, "must be an object, or null")
		return nil
	}
	return value
}

// exact reads JSON with its numbers as they are written, so that it is written in one way whatever the order of its members.
func exact(raw json.RawMessage) (value any, err error) {
	decoder := json.NewDecoder(strings.NewReader(string(raw)))
	decoder.UseNumber()
	err = decoder.Decode(&value)
	return value, err
}
