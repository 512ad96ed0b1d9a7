package tasks

import (
	"context"
	"encoding/base64"

	"github.com/osp-platform/osp/saga"
)

// DeadLetters returns one page of the rows that the result store has refused for good.
func (d *Dispatcher) DeadLetters(ctx context.Context, cursor string, limit int) (saga.DeadLetters, error) {
	after, err := base64.RawURLEncoding.DecodeString(cursor)
	if err != nil || cursor != "" && !saga.ValidID(string(after)) {
		return saga.DeadLetters{}, saga.Invalid("/cursor", "This is no cursor of a list: use the one that came with a page.")
	}
	letters, err := d.Journal.DeadLetters(ctx, string(after), limit+1)
	if err != nil {
		return saga.DeadLetters{}, err
	}
	page := saga.DeadLetters{Letters: letters}
	if len(letters) > limit {
		page.Letters = letters[:limit]
		page.Next = base64.RawURLEncoding.EncodeToString([]byte(letters[limit-1].ID))
	}
	return page, nil
}

// Resend has rows written again that were refused. It tells of how many of the ids there was a dead letter.
func (d *Dispatcher) Resend(ctx context.Context, ids []string) (int, error) {
	n, err := d.Journal.Resend(ctx, ids)
	if n > 0 {
		d.Changed()
	}
	return n, err
}

// ResendAll is Resend for every dead letter that there is at this moment. One that is refused again is not sent twice.
func (d *Dispatcher) ResendAll(ctx context.Context) (int, error) {
	const atOnce = 200
	resent, after := 0, ""
	for {
		letters, err := d.Journal.DeadLetters(ctx, after, atOnce)
		if err != nil || len(letters) == 0 {
			return resent, err
		}
		ids := make([]string, len(letters))
		for i, l := range letters {
			ids[i], after = l.ID, l.ID
		}
		n, err := d.Resend(ctx, ids)
		if resent += n; err != nil {
			return resent, err
		}
	}
}
