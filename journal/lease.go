package journal

import (
	"context"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/osp-platform/osp/saga"
)

// calls numbers the claims of this process, so that one that the client sends again is known from a new one.
var calls atomic.Uint64

// Claim implements [saga.Journal].
func (r *Redis) Claim(ctx context.Context, id, nonce string) (saga.Claim, error) {
	return r.claim(ctx, id, nonce, saga.Opening{}, "", "")
}

// Open implements [saga.Journal]. The script puts the due time into the event, for only it knows the time.
func (r *Redis) Open(ctx context.Context, id, nonce string, o saga.Opening) (saga.Claim, error) {
	o.Start.Due = placeholder
	body, err := saga.Encode(o.Start)
	if err != nil {
		return saga.Claim{}, sentence("claim task", id, err)
	}
	before, after, _ := strings.Cut(string(body), strconv.Itoa(placeholder))
	return r.claim(ctx, id, nonce, o, before, after)
}

// placeholder is a due time that no event has.
const placeholder = 123456789123456789

// claim is claim.lua. An empty tree means that there is no opening; else its event is what stands before and after the due
// time.
func (r *Redis) claim(ctx context.Context, id, nonce string, o saga.Opening, before, after string) (saga.Claim, error) {
	p := r.of(id)
	answer, confirmed, err := r.operate(ctx, p, o.Confirm, false, append(operation(p, opClaim, id, 8),
		id, nonce, r.o.LeaseTTL.Microseconds(), "c"+strconv.FormatUint(calls.Add(1), 36), o.TreeHash, before, o.Timeout.Microseconds(), after))
	if err != nil {
		return saga.Claim{}, fail(ctx, "claim task", id, err)
	}
	switch answer.int(0) {
	case 0:
		return saga.Claim{}, sentence("claim task", id, saga.ErrNotFound)
	case 1:
		return saga.Claim{}, sentence("claim task", id, saga.ErrFinished)
	case 2:
		busy := &saga.BusyError{For: time.Duration(answer.int(1)) * time.Microsecond}
		return saga.Claim{}, sentence("claim task", id, busy)
	}
	c := saga.Claim{
		Lease: saga.Lease{ID: id, Epoch: answer.int(1), Nonce: nonce},
		Now:   moment(answer.int(2)), For: r.o.LeaseTTL, Bytes: answer.int(3), Opened: answer.int(5) == 1,
		Unconfirmed: !confirmed,
	}
	if c.Events, err = decode(answer.list(4)); err != nil {
		return c, sentence("claim task", id, err)
	}
	return c, nil
}

// Renew implements [saga.Journal].
func (r *Redis) Renew(ctx context.Context, l saga.Lease) (saga.Renewed, error) {
	p := r.of(l.ID)
	answer, err := r.run(ctx, renewScript, []string{p.journal(l.ID), p.meta(l.ID), p.open},
		l.ID, l.Nonce, r.o.LeaseTTL.Microseconds(), l.Epoch)
	if err != nil {
		return saga.Renewed{}, fail(ctx, "renew the lease on task", l.ID, err)
	}
	if answer.int(0) == 0 {
		return saga.Renewed{}, sentence("renew the lease on task", l.ID, saga.ErrOvertaken)
	}
	return saga.Renewed{Length: answer.int(1), For: r.o.LeaseTTL, Now: moment(answer.int(2))}, nil
}

// Release implements [saga.Journal].
func (r *Redis) Release(ctx context.Context, l saga.Lease, due time.Time, wake bool) error {
	p := r.of(l.ID)
	err := releaseScript.Run(ctx, r.client, []string{p.journal(l.ID), p.meta(l.ID), p.open, p.wake},
		l.ID, l.Nonce, l.Epoch, look(due), int64(saga.MicrosOf(due)), wake).Err()
	if err != nil {
		return fail(ctx, "release task", l.ID, err)
	}
	return nil
}

// look is when to look at a parked task again if nothing else happens.
func look(due time.Time) int64 {
	if due.IsZero() {
		return farFuture
	}
	return min(int64(saga.MicrosOf(due))+dueSlack, farFuture)
}
