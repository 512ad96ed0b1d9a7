package activities

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/mail"
	"strings"
	"unicode"

	"github.com/osp-platform/osp/internal/sentence"
	"github.com/osp-platform/osp/saga"
)

// Mail is a message to be sent. ID is the same for each attempt to send it.
type Mail struct {
	ID          string // what stands before the @ of the Message-ID
	To, Cc, Bcc []*mail.Address
	ReplyTo     *mail.Address // nil: the sender
	Subject     string
	Text, HTML  string // one may be empty
}

// Mailer sends mail, and returns the Message-ID. Errors are marked with what they mean for further attempts.
type Mailer interface {
	Send(ctx context.Context, m Mail) (messageID string, err error)
}

// emailParams are the params of send_email.
type emailParams struct {
	To      addresses `json:"to"`
	Cc      addresses `json:"cc"`
	Bcc     addresses `json:"bcc"`
	ReplyTo string    `json:"reply_to"`
	Subject string    `json:"subject"`
	Text    string    `json:"text"`
	HTML    string    `json:"html"`
}

// addresses are one address, or a list.
type addresses []string

// UnmarshalJSON takes a text for a list of one.
func (a *addresses) UnmarshalJSON(raw []byte) error {
	var one string
	if json.Unmarshal(raw, &one) == nil {
		*a = nil
		if one != "" {
			*a = addresses{one}
		}
		return nil
	}
	return json.Unmarshal(raw, (*[]string)(a))
}

// Bounds of one mail.
const (
	maxRecipients = 50
	maxSubject    = 500
	maxAddress    = 320
)

// sendEmail sends a mail. Its output is {"message_id"}.
func (a *Activities) sendEmail(ctx context.Context, c saga.Call, params json.RawMessage) (json.RawMessage, error) {
	if a.Mailer == nil {
		return nil, refuse("", "no mail can be sent: set OSP_SMTP_URL and OSP_SMTP_FROM on the workers")
	}
	given, err := decode[emailParams](params)
	if err != nil {
		return nil, err
	}
	m, err := given.mail()
	if err != nil {
		return nil, err
	}
	m.ID = messageID(c.Key)
	id, err := a.Mailer.Send(ctx, m)
	if err != nil {
		return nil, err
	}
	return encode(map[string]string{"message_id": id})
}

// messageID follows from the idempotency key: a mail that is sent twice, because an answer was lost, is known as the same.
func messageID(key string) string {
	sum := sha256.Sum256([]byte(key))
	return "osp." + hex.EncodeToString(sum[:16])
}

// mail reads the params: no value may begin another header, or smuggle in another recipient.
func (p *emailParams) mail() (m Mail, err error) {
	if m.To, err = p.To.parse("/to"); err != nil {
		return m, err
	}
	if m.Cc, err = p.Cc.parse("/cc"); err != nil {
		return m, err
	}
	if m.Bcc, err = p.Bcc.parse("/bcc"); err != nil {
		return m, err
	}
	if p.ReplyTo != "" {
		if m.ReplyTo, err = parseAddress("/reply_to", p.ReplyTo); err != nil {
			return m, err
		}
	}
	m.Subject, m.Text, m.HTML = p.Subject, p.Text, p.HTML
	switch n := len(m.To) + len(m.Cc) + len(m.Bcc); {
	case len(m.To) == 0:
		return m, refuse("/to", "this is missing: give an address, or a list of them")
	case n > maxRecipients:
		return m, refuse("/to", "there are %d recipients: at most %d are allowed", n, maxRecipients)
	case p.Subject == "":
		return m, refuse("/subject", "this is missing: add it")
	case strings.ContainsFunc(p.Subject, unicode.IsControl):
		return m, refuse("/subject", "a subject is one line: a value in it has a line break or another control character")
	case len(p.Subject) > maxSubject:
		return m, refuse("/subject", "it has %d bytes: at most %d are allowed", len(p.Subject), maxSubject)
	case p.Text == "" && p.HTML == "":
		return m, refuse("/text", "this is missing: give text, html or both")
	}
	return m, nil
}

func (a addresses) parse(at string) ([]*mail.Address, error) {
	list := make([]*mail.Address, 0, len(a))
	for i, given := range a {
		place := at
		if len(a) > 1 {
			place = fmt.Sprintf("%s/%d", at, i)
		}
		one, err := parseAddress(place, given)
		if err != nil {
			return nil, err
		}
		list = append(list, one)
	}
	return list, nil
}

// parseAddress reads one address, such as ada@example.com or Ada <ada@example.com>.
func parseAddress(at, given string) (*mail.Address, error) {
	address, err := mail.ParseAddress(given)
	if err != nil || strings.ContainsFunc(given, unicode.IsControl) || len(given) > maxAddress {
		return nil, refuse(at, "%q is not one address, such as ada@example.com", sentence.Shorten(given, 80))
	}
	return address, nil
}
