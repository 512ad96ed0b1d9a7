package server

import (
	"net/url"
	"strings"

	"github.com/osp-platform/osp/tasks/activities"
	"github.com/osp-platform/osp/tasks/smtp"
)

// SMS says how texts are sent: through which gateway. Empty URL: they are not.
type SMS struct {
	URL, Body, From string
	Authorization   string // the header's value: a secret
}

// mail reads how mail is sent; nil: it is not.
func (l *loader) mail() *smtp.Settings {
	address, from := l.text("OSP_SMTP_URL"), l.text("OSP_SMTP_FROM")
	switch {
	case address == "" && from == "":
		return nil
	case address == "":
		l.wrong("OSP_SMTP_FROM", "is set, but OSP_SMTP_URL is not: set that too, such as smtp://user:password@mail.example.com:587, or neither")
		return nil
	}
	s, err := smtp.ParseURL(address)
	if err != nil {
		l.wrong("OSP_SMTP_URL", "is wrong: %v", err)
	}
	if from == "" {
		l.wrong("OSP_SMTP_FROM", "is not set: say whom mail is from, such as Restaurant <no-reply@example.com>")
		return nil
	}
	if s.From, err = smtp.ParseFrom(from); err != nil {
		l.wrong("OSP_SMTP_FROM", "is %q: %v", from, err)
	}
	return &s
}

// sms reads how texts are sent.
func (l *loader) sms() SMS {
	s := SMS{
		URL: l.text("OSP_SMS_URL"), Body: l.text("OSP_SMS_BODY"), From: l.text("OSP_SMS_FROM"),
		Authorization: l.text("OSP_SMS_AUTHORIZATION"),
	}
	if s.URL == "" {
		for name, value := range map[string]string{"OSP_SMS_BODY": s.Body, "OSP_SMS_FROM": s.From, "OSP_SMS_AUTHORIZATION": s.Authorization} {
			if value != "" {
				l.wrong(name, "is set, but OSP_SMS_URL is not: set that too, such as https://sms.example.com/send, or neither")
			}
		}
		return s
	}
	if strings.ContainsAny(s.Authorization, "\r\n") {
		l.wrong("OSP_SMS_AUTHORIZATION", "has a line break in it: write the header's value, such as Bearer abc, in one line")
	}
	if _, err := activities.NewGateway(activities.GatewayOptions{URL: s.URL, Body: s.Body}); err != nil {
		variable, reason, _ := strings.Cut(err.Error(), ": ")
		l.wrong(map[string]string{"url": "OSP_SMS_URL", "body": "OSP_SMS_BODY"}[variable], "is wrong: %s", reason)
	}
	return s
}

// base reads the URL that paths are added to.
func (l *loader) base(name string) string {
	given := l.text(name)
	if given == "" {
		return ""
	}
	u, err := url.Parse(given)
	if err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Host == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "" {
		l.wrong(name, "is no URL that paths can be added to: write it like https://api.example.com")
	}
	return strings.TrimSuffix(given, "/")
}
