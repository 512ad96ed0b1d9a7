package activities_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/osp-platform/osp/internal/testenv"
	"github.com/osp-platform/osp/saga"
	"github.com/osp-platform/osp/tasks"
	"github.com/osp-platform/osp/tasks/activities"
	"github.com/osp-platform/osp/tasks/smtp"
)

// mailed has the world send its mail to a server.
func mailed(w *world, o testenv.MailOptions) *testenv.MailServer {
	w.t.Helper()
	server := testenv.SMTP(w.t, o)
	settings, err := smtp.ParseURL("smtp://" + server.Addr)
	if err != nil {
		w.t.Fatal(err)
	}
	if settings.From, err = smtp.ParseFrom("no-reply@chezmax.example"); err != nil {
		w.t.Fatal(err)
	}
	w.options.Mailer = smtp.New(settings, server.Trust, time.Now)
	return server
}

func TestSendEmail(t *testing.T) {
	w := newWorld(t)
	server := mailed(w, testenv.MailOptions{})
	got := w.output("send_email", `
        to: ["${input.email}", "Max <max@example.com>"]
        cc: cc@example.com
        bcc: bcc@example.com
        reply_to: max@example.com
        subject: Order ${input.id} is on its way
        text: "Hello\n.\nBcc: nobody@example.com"
        html: <p>Hello</p>`, `{"email": "zoe@example.com", "id": 7}`)
	mails := server.Mails()
	if len(mails) != 1 || fmt.Sprint(mails[0].To) != "[zoe@example.com max@example.com cc@example.com bcc@example.com]" {
		t.Fatalf("it has %+v", mails)
	}
	id, _, _ := strings.Cut(mails[0].Data[strings.Index(mails[0].Data, "Message-ID: ")+len("Message-ID: "):], "\r\n")
	w.same("output", got, `{"message_id":"`+id+`"}`)
	if !strings.Contains(mails[0].Data, "Subject: Order 7 is on its way\r\n") || strings.Contains(mails[0].Data, "Bcc: bcc") {
		t.Errorf("the mail is\n%s", mails[0].Data)
	}
}

// TestAMailWhoseAnswerIsLostIsSentAgainAsTheSame has a server hang up after it has read a mail.
func TestAMailWhoseAnswerIsLostIsSentAgainAsTheSame(t *testing.T) {
	w := newWorld(t)
	w.options.Mailer = lossy{ids: map[string]int{}}
	r := w.run(strings.Replace(one("send_email", `{to: a@example.com, subject: s, text: t}`), "max_attempts: 1", "max_attempts: 3", 1), `{}`)
	w.ended(r, saga.Completed, "")
	if ids := w.options.Mailer.(lossy).ids; len(ids) != 1 {
		t.Errorf("it was sent as %v", ids)
	}
}

func TestMailThatIsWrong(t *testing.T) {
	w := newWorld(t)
	w.fails("send_email", `{to: a@example.com, subject: s, text: t}`, `{}`, "no mail can be sent: set OSP_SMTP_URL and OSP_SMTP_FROM on the workers")
	server := mailed(w, testenv.MailOptions{Answers: map[string]string{"RCPT": "550 no such user"}})
	for _, c := range []struct{ params, value, want string }{
		{`{subject: s, text: t}`, `""`, `send_email needs the param "to"`},
		{`{to: "${input.v}", subject: s, text: t}`, `null`, "/params/to: this is missing"},
		{`{to: "${input.v}", subject: s, text: t}`, `7`, "/params/to: it is a number"},
		{`{to: "${input.v}", subject: s, text: t}`, `"a@example.com, b@example.com"`, "is not one address"},
		{`{to: "${input.v}", subject: s, text: t}`, `"a@example.com\r\nBcc: b@example.com"`, "is not one address"},
		{`{to: "${input.v}", subject: s, text: t}`, `"\"a\nb\" <a@example.com>"`, "is not one address"},
		{`{to: [a@example.com, "${input.v}"], subject: s, text: t}`, `"nobody"`, `/params/to/1: "nobody" is not one address`},
		{`{to: a@example.com, reply_to: "${input.v}", subject: s, text: t}`, `"x"`, "/params/reply_to: "},
		{`{to: a@example.com, subject: "${input.v}", text: t}`, `"s\r\nBcc: b@example.com"`, "/params/subject: a subject is one line"},
		{`{to: a@example.com, subject: "${input.v}", text: t}`, `""`, "/params/subject: this is missing"},
		{`{to: a@example.com, subject: s, text: "${input.v}"}`, `""`, "/params/text: this is missing"},
		{`{to: a@example.com, subject: s, text: t, from: x@example.com}`, `""`, "/params/from: send_email has no such param"},
		{`{to: a@example.com, subject: s, text: "${secrets.KEY}"}`, `""`, "send_email takes no secrets"},
		{`{to: a@example.com, subject: s, text: t}`, `""`, `550 "no such user"`},
	} {
		w.n += 1000
		w.fails("send_email", c.params, `{"v": `+c.value+`}`, c.want)
	}
	w.n += 1000
	many := `["` + strings.Repeat(`a@example.com","`, 50) + `a@example.com"]`
	w.fails("send_email", `{to: "${input.v}", subject: s, text: t}`, `{"v": `+many+`}`, "there are 51 recipients: at most 50 are allowed")
	if got := server.Mails(); len(got) > 0 {
		t.Errorf("it was sent: %v", got)
	}
}

// gateway has the world send its texts to an endpoint.
func gateway(w *world, e *endpoint, o activities.GatewayOptions) {
	w.t.Helper()
	h := tasks.NewHTTP(tasks.HTTPOptions{AllowPrivate: true, Secrets: secrets{"AUTH": "Basic dXNlcjpwYXNz"}})
	w.t.Cleanup(h.Close)
	o.URL, o.HTTP, o.Authorization = e.URL+o.URL, h, "AUTH"
	var err error
	if w.options.SMS, err = activities.NewGateway(o); err != nil {
		w.t.Fatal(err)
	}
}

func TestSendSMS(t *testing.T) {
	for _, c := range []struct {
		name, want, contentType string
		options                 activities.GatewayOptions
	}{
		{
			"as JSON", `POST /send {"text":"It's \"ready\" & warm + more\n${to}","to":"+4930901820"}`, "application/json",
			activities.GatewayOptions{URL: "/send"},
		},
		{
			"with a sender", `POST /send {"from":"Max \"M\"","text":"It's \"ready\" & warm + more\n${to}","to":"+4930901820"}`, "application/json",
			activities.GatewayOptions{URL: "/send", From: `Max "M"`},
		},
		{
			"as a form", "POST /send To=%2B4930901820&Body=It%27s+%22ready%22+%26+warm+%2B+more%0A%24%7Bto%7D&From=Max", "application/x-www-form-urlencoded",
			activities.GatewayOptions{URL: "/send", From: "Max", Body: "To=${to}&Body=${text}&From=${from}"},
		},
		{
			"in the URL", `POST /to/%2B4930901820?text=It%27s%20%22ready%22%20%26%20warm%20%2B%20more%0A%24%7Bto%7D {}`, "application/json",
			activities.GatewayOptions{URL: "/to/${to}?text=${text}", Body: "{}"},
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld(t)
			e := newEndpoint(w, says(201, `{"sid":"SM1"}`))
			gateway(w, e, c.options)
			got := w.output("send_sms", `{to: "+49 (30) 90-1820", text: "${input.text}"}`, `{"text": "It's \"ready\" & warm + more\n${to}"}`)
			w.same("output", got, `{"status":201,"headers":{"content-type":"application/json"},"body":{"sid":"SM1"}}`)
			header := e.calls[0].Header
			if e.told(0) != c.want || header.Get("Content-Type") != c.contentType || header.Get("Authorization") != "Basic dXNlcjpwYXNz" ||
				!strings.HasSuffix(header.Get("Idempotency-Key"), "/s/do/0") {
				t.Errorf("it was told %s, %v", e.told(0), header)
			}
		})
	}
}

func TestTextsThatAreWrong(t *testing.T) {
	w := newWorld(t)
	w.fails("send_sms", `{to: "+49 1", text: t}`, `{}`, "no text can be sent: set OSP_SMS_URL on the workers")
	e := newEndpoint(w, says(401, `{"error":"Basic dXNlcjpwYXNz is not known"}`))
	gateway(w, e, activities.GatewayOptions{URL: "/send"})
	for _, c := range []struct{ params, want string }{
		{`{to: "${input.v}", text: t}`, `/params/to: "12\r\nX: y" is not a phone number`},
		{`{text: t}`, `send_sms needs the param "to"`},
		{`{to: "+49 1"}`, `send_sms needs the param "text"`},
		{`{to: "+49 1", message: t}`, "/params/message: send_sms has no such param"},
		{`{to: "+49 1", text: "${secrets.AUTH}"}`, "send_sms takes no secrets"},
		{`{to: "+49 1", text: t}`, `401 Unauthorized: {"error":"[secret AUTH] is not known"}`},
	} {
		w.n += 1000
		w.fails("send_sms", c.params, `{"v": "12\r\nX: y"}`, c.want)
	}
	if len(e.calls) != 1 {
		t.Errorf("it was called %d times", len(e.calls))
	}
}

func TestGatewaysThatAreWrong(t *testing.T) {
	for _, c := range []struct{ url, body, want string }{
		{"", "", "url: it must be like"},
		{"ftp://sms.example.com/", "", "url: it must be like"},
		{"https://${to}/", "", "url: it must be like"},
		{"https://u:p@sms.example.com/", "", "url: it must be like"},
		{"https://sms.example.com/${phone}", "", `url: "${phone}" is not known: write ${to}, ${text} or ${from}`},
		{"https://sms.example.com/${to", "", `url: "${to" is not known`},
		{"https://sms.example.com/", "to=${too}", `body: "${too}" is not known`},
		{"https://sms.example.com/", `{"to": ${to}}`, "body: it begins with { and is not JSON"},
	} {
		_, err := activities.NewGateway(activities.GatewayOptions{URL: c.url, Body: c.body})
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s, %s: %v, want %s", c.url, c.body, err, c.want)
		}
	}
}
