package smtp_test

import (
	"context"
	"fmt"
	"net/mail"
	"strings"
	"testing"
	"time"

	"github.com/osp-platform/osp/internal/testenv"
	"github.com/osp-platform/osp/saga"
	"github.com/osp-platform/osp/tasks/activities"
	"github.com/osp-platform/osp/tasks/smtp"
)

func TestMain(m *testing.M) { testenv.Main(m) }

var sentAt = time.Date(2026, 11, 25, 9, 0, 0, 0, time.UTC)

func relay(t *testing.T, s *testenv.MailServer, url string) *smtp.Relay {
	t.Helper()
	settings, err := smtp.ParseURL(strings.ReplaceAll(url, "HOST", s.Addr))
	if err != nil {
		t.Fatal(err)
	}
	if settings.From, err = smtp.ParseFrom("Chez Max <no-reply@chezmax.example>"); err != nil {
		t.Fatal(err)
	}
	return smtp.New(settings, s.Trust, func() time.Time { return sentAt })
}

func letter() activities.Mail {
	return activities.Mail{
		ID: "osp.1", To: []*mail.Address{{Name: "Zoë", Address: "zoe@example.com"}}, Bcc: []*mail.Address{{Address: "archive@example.com"}},
		ReplyTo: &mail.Address{Address: "max@example.com"},
		Subject: "Your table, Zoë", Text: "Hello\n.\nBye", HTML: "<p>Hello</p>",
	}
}

func TestMailArrives(t *testing.T) {
	for _, c := range []struct {
		name, url string
		server    testenv.MailOptions
		user      string
		tls       bool
	}{
		{"by STARTTLS", "smtp://ann:p%40ss@HOST", testenv.MailOptions{Login: "ann:p@ss"}, "ann", true},
		{"by TLS", "smtps://ann:p%40ss@HOST", testenv.MailOptions{Login: "ann:p@ss", Implicit: true}, "ann", true},
		{"in the open", "smtp://HOST?tls=off", testenv.MailOptions{Plain: true}, "", false},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := testenv.SMTP(t, c.server)
			id, err := relay(t, s, c.url).Send(t.Context(), letter())
			if err != nil || id != "<osp.1@chezmax.example>" {
				t.Fatalf("%s, %v", id, err)
			}
			got := s.Mails()
			if len(got) != 1 || got[0].User != c.user || got[0].TLS != c.tls || got[0].From != "no-reply@chezmax.example" ||
				fmt.Sprint(got[0].To) != "[zoe@example.com archive@example.com]" {
				t.Fatalf("it has %+v", got)
			}
			read, err := mail.ReadMessage(strings.NewReader(got[0].Data))
			if err != nil {
				t.Fatal(err)
			}
			for name, want := range map[string]string{
				"Message-Id": id, "From": `"Chez Max" <no-reply@chezmax.example>`, "Reply-To": "<max@example.com>", "Bcc": "",
				"Subject": "=?UTF-8?q?Your_table,_Zo=C3=AB?=", "Date": "Wed, 25 Nov 2026 09:00:00 +0000",
			} {
				if read.Header.Get(name) != want {
					t.Errorf("%s: %q, want %q", name, read.Header.Get(name), want)
				}
			}
			if !strings.Contains(got[0].Data, "Hello\r\n.\r\nBye") || !strings.Contains(got[0].Data, "<p>Hello</p>") {
				t.Errorf("the mail is\n%s", got[0].Data)
			}
		})
	}
}

func TestWhatAMailServerSaysMeans(t *testing.T) {
	for _, c := range []struct {
		name    string
		answers map[string]string
		login   string
		want    string
	}{
		{"it is asked by a stranger", nil, "somebody:else", "again, without effect"},
		{"it is overloaded", map[string]string{"EHLO": "421 later", "HELO": "421 later"}, "", "again, without effect"},
		{"it hangs up before the mail", map[string]string{"MAIL": ""}, "", "again, without effect"},
		{"it refuses the sender", map[string]string{"MAIL": "550 not you"}, "", "for good, without effect"},
		{"it refuses the recipient", map[string]string{"RCPT": "550 no such user"}, "", "for good, without effect"},
		{"it greylists", map[string]string{"RCPT": "451 try later"}, "", "again, without effect"},
		{"it refuses the mail", map[string]string{"END": "554 spam"}, "", "for good, without effect"},
		{"it has no room", map[string]string{"END": "452 full"}, "", "again, without effect"},
		{"it hangs up after the mail", map[string]string{"END": ""}, "", "again"},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := testenv.SMTP(t, testenv.MailOptions{Answers: c.answers, Login: c.login})
			url := "smtp://HOST"
			if c.login != "" {
				url = "smtp://ann:p%40ss@HOST"
			}
			_, err := relay(t, s, url).Send(t.Context(), letter())
			if got := verdict(err); err == nil || got != c.want {
				t.Errorf("%v: %s, want %s", err, got, c.want)
			}
			if strings.Contains(fmt.Sprint(err), "p@ss") || len(s.Mails()) > 0 {
				t.Errorf("%v; it has %v", err, s.Mails())
			}
		})
	}
}

func verdict(err error) string {
	said := "again"
	if saga.IsPermanent(err) {
		said = "for good"
	}
	if saga.IsDefinite(err) {
		said += ", without effect"
	}
	return said
}

func TestMailIsNotSentInTheOpenUnlessItMay(t *testing.T) {
	s := testenv.SMTP(t, testenv.MailOptions{Plain: true})
	if _, err := relay(t, s, "smtp://HOST").Send(t.Context(), letter()); err == nil || !strings.Contains(err.Error(), "STARTTLS") || len(s.Mails()) > 0 {
		t.Errorf("%v; it has %v", err, s.Mails())
	}
	untrusted := testenv.SMTP(t, testenv.MailOptions{})
	settings, err := smtp.ParseURL("smtp://" + untrusted.Addr)
	if err != nil {
		t.Fatal(err)
	}
	settings.From = &mail.Address{Address: "a@example.com"}
	if _, err := smtp.New(settings, nil, time.Now).Send(t.Context(), letter()); err == nil || !strings.Contains(err.Error(), "certificate") {
		t.Errorf("%v", err)
	}
}

func TestAServerThatSaysNothing(t *testing.T) {
	s := testenv.SMTP(t, testenv.MailOptions{Answers: map[string]string{"EHLO": ""}})
	ctx, cancel := context.WithDeadline(t.Context(), time.Now().Add(30*time.Second))
	defer cancel()
	if _, err := relay(t, s, "smtp://HOST").Send(ctx, letter()); err == nil || verdict(err) != "again, without effect" {
		t.Errorf("%v: %s", err, verdict(err))
	}
	if _, err := relay(t, &testenv.MailServer{Addr: "127.0.0.1:1", Trust: s.Trust}, "smtp://HOST").Send(ctx, letter()); verdict(err) != "again, without effect" {
		t.Errorf("%v: %s", err, verdict(err))
	}
}

func TestURLsOfMailServers(t *testing.T) {
	for _, c := range []struct{ url, want string }{
		{"smtp://mail.example.com", "mail.example.com:587 false false"},
		{"smtps://mail.example.com", "mail.example.com:465 true false"},
		{"smtp://localhost:25?tls=off", "localhost:25 false true"},
		{"smtp://u:p@[::1]:2525/", "::1:2525 false false"},
		{"", "write it like"},
		{"mail.example.com:587", "write it like"},
		{"http://mail.example.com", "write it like"},
		{"smtp://mail.example.com/x", "write it like"},
		{"smtp://mail.example.com?tls=maybe", "write it like"},
		{"smtp://mail.example.com:99999", "write it like"},
		{"smtp://u:secr%zzet@mail.example.com", "write it like"},
		{"smtps://mail.example.com?tls=off", "contradict"},
		{"smtp://u:p@mail.example.com?tls=off", "the password could be read"},
		{"smtp://u@mail.example.com", "a user or a password, but not both"},
	} {
		s, err := smtp.ParseURL(c.url)
		got := fmt.Sprintf("%s:%d %t %t", s.Host, s.Port, s.Implicit, s.Plain)
		if err != nil {
			got = err.Error()
		}
		if !strings.Contains(got, c.want) || strings.Contains(got, "secr") {
			t.Errorf("%s: %s, want %s", c.url, got, c.want)
		}
	}
}

func FuzzParseURL(f *testing.F) {
	f.Add("smtp://user:password@mail.example.com:587")
	f.Add("smtps://mail.example.com?tls=off")
	f.Fuzz(func(t *testing.T, url string) {
		if s, err := smtp.ParseURL(url); err == nil && (s.Host == "" || s.Port < 1 || s.Port > 65535 || s.Plain && s.Password != "") {
			t.Errorf("%q is %+v", url, s)
		}
	})
}
