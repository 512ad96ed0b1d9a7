// Package smtp sends the mail of activities through an SMTP server.
package smtp

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	netmail "net/mail"
	"strings"
	"time"

	"github.com/wneessen/go-mail"

	"github.com/osp-platform/osp/saga"
	"github.com/osp-platform/osp/tasks/activities"
)

// Relay sends mail through a server. It keeps no connection between two mails, and is safe for concurrent use.
type Relay struct {
	settings Settings
	tls      *tls.Config
	now      func() time.Time
}

// New makes a relay. certificates is the configuration for TLS; nil: the system's certificates.
func New(s Settings, certificates *tls.Config, now func() time.Time) *Relay {
	if certificates == nil {
		certificates = &tls.Config{MinVersion: tls.VersionTLS12}
	}
	certificates = certificates.Clone()
	certificates.ServerName = s.Host
	return &Relay{settings: s, tls: certificates, now: now}
}

// patience is how long a server may take for one exchange.
const patience = 20 * time.Second

// Send implements [activities.Mailer].
func (r *Relay) Send(ctx context.Context, m activities.Mail) (string, error) {
	message, id, err := r.message(m)
	if err != nil {
		return "", saga.Permanent(saga.Definite(err))
	}
	l := &line{relay: r}
	defer l.close()
	c, err := mail.NewClient(r.settings.Host, append(r.options(ctx), mail.WithDialContextFunc(l.dial))...)
	if err != nil {
		return "", saga.Permanent(saga.Definite(fmt.Errorf("the mail server %s: %w", r.settings.address(), err)))
	}
	server, err := c.DialToSMTPClientWithContext(ctx)
	if err != nil {
		return "", saga.Definite(r.failure(err))
	}
	defer context.AfterFunc(ctx, l.close)()
	if err := c.SendWithSMTPClient(server, message); err != nil {
		return r.judge(id, err)
	}
	_ = server.Quit() // it has been taken: what is said in parting changes nothing
	return id, nil
}

// line is the connection for one mail. go-mail leaves it open when a server refuses to begin.
type line struct {
	relay *Relay
	conn  net.Conn
}

func (l *line) dial(ctx context.Context, network, address string) (conn net.Conn, err error) {
	if l.relay.settings.Implicit {
		conn, err = (&tls.Dialer{Config: l.relay.tls}).DialContext(ctx, network, address)
	} else {
		conn, err = (&net.Dialer{}).DialContext(ctx, network, address)
	}
	l.conn = conn
	return conn, err
}

func (l *line) close() {
	if l.conn != nil {
		_ = l.conn.Close() // after Quit there is nothing left to close
	}
}

func (r *Relay) options(ctx context.Context) []mail.Option {
	within := patience
	if deadline, ok := ctx.Deadline(); ok {
		within = max(time.Millisecond, min(within, deadline.Sub(r.now())))
	}
	list := []mail.Option{mail.WithPort(r.settings.Port), mail.WithTLSConfig(r.tls), mail.WithTimeout(within), mail.WithoutNoop()}
	switch {
	case r.settings.Implicit: // it is there already
		list = append(list, mail.WithTLSPolicy(mail.TLSOpportunistic))
	case r.settings.Plain:
		list = append(list, mail.WithTLSPolicy(mail.NoTLS))
	default:
		list = append(list, mail.WithTLSPolicy(mail.TLSMandatory))
	}
	if r.settings.User != "" {
		list = append(list, mail.WithSMTPAuth(mail.SMTPAuthAutoDiscover),
			mail.WithUsername(r.settings.User), mail.WithPassword(r.settings.Password))
	}
	return list
}

// message writes a mail down.
func (r *Relay) message(m activities.Mail) (*mail.Msg, string, error) {
	msg := mail.NewMsg()
	msg.FromMailAddress(r.settings.From)
	msg.ToMailAddress(m.To...)
	msg.CcMailAddress(m.Cc...)
	msg.BccMailAddress(m.Bcc...)
	if m.ReplyTo != nil {
		msg.ReplyToMailAddress(m.ReplyTo)
	}
	id := m.ID + "@" + domain(r.settings.From)
	msg.SetMessageIDWithValue(id)
	msg.SetDateWithValue(r.now())
	msg.Subject(m.Subject)
	if m.Text == "" {
		msg.SetBodyString(mail.TypeTextHTML, m.HTML)
	} else {
		msg.SetBodyString(mail.TypeTextPlain, m.Text)
		if m.HTML != "" {
			msg.AddAlternativeString(mail.TypeTextHTML, m.HTML)
		}
	}
	if _, err := msg.GetRecipients(); err != nil {
		return nil, "", err
	}
	return msg, "<" + id + ">", nil
}

func domain(a *netmail.Address) string { return a.Address[strings.LastIndexByte(a.Address, '@')+1:] }

// judge tells what a failure to send means. Until the last line of a message is sent a server throws it away; after that
// only its answer tells whether it has been taken.
func (r *Relay) judge(id string, err error) (string, error) {
	failed, ok := errors.AsType[*mail.SendError](err)
	if !ok {
		return "", r.failure(err)
	}
	told := r.failure(err)
	switch code := failed.ErrorCode(); {
	case failed.Reason == mail.ErrSMTPReset: // it has been taken before that
		return id, nil
	case code >= 500:
		return "", saga.Permanent(saga.Definite(told))
	case code >= 400 || failed.Reason != mail.ErrSMTPDataClose:
		return "", saga.Definite(told)
	}
	return "", told
}

// failure tells what went wrong, without a password: a server may repeat what it was sent.
func (r *Relay) failure(err error) error {
	text := err.Error()
	if failed, ok := errors.AsType[*mail.SendError](err); ok {
		text = strings.TrimSuffix(text, ", affected message ID: "+failed.MessageID())
	}
	if r.settings.Password != "" {
		text = strings.ReplaceAll(text, r.settings.Password, "[password]")
	}
	return fmt.Errorf("the mail server %s: %s", r.settings.address(), text)
}
