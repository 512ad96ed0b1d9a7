package server

import (
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/osp-platform/osp/internal/testenv"
	"github.com/osp-platform/osp/saga"
)

// TestMailAndTextsGoWhereTheConfigurationSays has a text sent, and mail refused by a server whose certificate is not trusted.
func TestMailAndTextsGoWhereTheConfigurationSays(t *testing.T) {
	var told string
	gateway := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		told = r.URL.Path + " " + r.Header.Get("Authorization") + " " + string(body)
	}))
	defer gateway.Close()
	s := &Server{log: slog.New(slog.DiscardHandler), config: config(t, RoleDev, vars{
		"HOME": t.TempDir(), "OSP_SMS_URL": gateway.URL + "/send", "OSP_SMS_AUTHORIZATION": "Bearer abc", "OSP_SMS_FROM": "Max",
		"OSP_SMTP_URL": "smtp://" + testenv.SMTP(t, testenv.MailOptions{}).Addr, "OSP_SMTP_FROM": "a@example.com",
	})}
	s.calls = s.newHTTP()
	defer s.close()
	made, err := s.newActivities(nil)
	if err != nil {
		t.Fatal(err)
	}
	do := func(name, params string) error {
		action, err := made.Action(name)
		if err != nil {
			t.Fatal(err)
		}
		_, err = action.Do(t.Context(), saga.Call{Key: "t/s/do/0"}, json.RawMessage(params))
		return err
	}
	if err := do("send_sms", `{"to":"+49 1","text":"hi"}`); err != nil || told != `/send Bearer abc {"from":"Max","text":"hi","to":"+491"}` {
		t.Errorf("%v; the gateway was told %s", err, told)
	}
	if err := do("send_email", `{"to":"b@example.com","subject":"s","text":"t"}`); err == nil || !strings.Contains(err.Error(), "certificate") {
		t.Errorf("mail: %v", err)
	}
	if err := do("call_api", `{"url":"https://x.example/","headers":{"X-A":"${secrets.OSP_SMS_AUTHORIZATION}"}}`); err == nil ||
		!strings.Contains(err.Error(), "the secret OSP_SMS_AUTHORIZATION is not known") {
		t.Errorf("a step that names the gateway's credential: %v", err)
	}
}

func TestSettingsOfMailAndTexts(t *testing.T) {
	for _, c := range []struct {
		name  string
		given vars
		blame string // empty: it is right
	}{
		{"nothing", vars{}, ""},
		{"mail", vars{"OSP_SMTP_URL": "smtp://u:p@mail.example.com", "OSP_SMTP_FROM": "Max <a@example.com>"}, ""},
		{"a URL without a sender", vars{"OSP_SMTP_URL": "smtp://mail.example.com"}, "OSP_SMTP_FROM"},
		{"a sender without a URL", vars{"OSP_SMTP_FROM": "a@example.com"}, "OSP_SMTP_URL"},
		{"a sender that is none", vars{"OSP_SMTP_URL": "smtp://mail.example.com", "OSP_SMTP_FROM": "Max"}, "OSP_SMTP_FROM"},
		{"a URL that is none", vars{"OSP_SMTP_URL": "mail.example.com", "OSP_SMTP_FROM": "a@example.com"}, "OSP_SMTP_URL"},
		{"a password in the open", vars{"OSP_SMTP_URL": "smtp://u:sesame@x?tls=off", "OSP_SMTP_FROM": "a@example.com"}, "OSP_SMTP_URL"},
		{"texts", vars{"OSP_SMS_URL": "https://sms.example.com/${to}", "OSP_SMS_BODY": "Text=${text}", "OSP_SMS_FROM": "Max"}, ""},
		{"a gateway that is none", vars{"OSP_SMS_URL": "sms.example.com"}, "OSP_SMS_URL"},
		{"a body with another name", vars{"OSP_SMS_URL": "https://sms.example.com/", "OSP_SMS_BODY": "x=${message}"}, "OSP_SMS_BODY"},
		{"a body without a gateway", vars{"OSP_SMS_BODY": "x"}, "OSP_SMS_BODY"},
		{"a sender without a gateway", vars{"OSP_SMS_FROM": "Max"}, "OSP_SMS_FROM"},
		{"stand-ins", vars{"OSP_STRIPE_URL": "http://localhost:12111/", "OSP_OPENAI_URL": "https://llm.example.com/openai"}, ""},
		{"a stand-in that is none", vars{"OSP_STRIPE_URL": "localhost:12111"}, "OSP_STRIPE_URL"},
		{"a stand-in with a password", vars{"OSP_OPENAI_URL": "https://u:sesame@llm.example.com"}, "OSP_OPENAI_URL"},
		{"a credential of two lines", vars{"OSP_SMS_URL": "https://sms.example.com/", "OSP_SMS_AUTHORIZATION": "a\nb"}, "OSP_SMS_AUTHORIZATION"},
	} {
		_, err := Load("", with(enough, c.given).env())
		named := blamed(err)
		if c.blame == "" && err != nil || c.blame != "" && (err == nil || !strings.Contains(err.Error(), c.blame) || len(named) != 1) {
			t.Errorf("%s: %v", c.name, err)
		}
		if err != nil && strings.Contains(err.Error(), "sesame") {
			t.Errorf("%s: the error tells the password: %v", c.name, err)
		}
	}
}
