package journal

import (
	"context"
	"errors"
	"fmt"
	"hash/maphash"
	"strconv"

	"github.com/osp-platform/osp/saga"
)

// Append implements [saga.Journal].
func (r *Redis) Append(ctx context.Context, l saga.Lease, b saga.Batch) (saga.Appended, error) {
	p := r.of(l.ID)
	args, err := batchArgs(operation(p, opAppend, l.ID, fixedArgs+len(b.Facts)+len(b.Decisions)), l, b)
	if err != nil {
		return saga.Appended{}, sentence("append to task", l.ID, err)
	}
	answer, confirmed, err := r.operate(ctx, p, b.Confirm, false, args)
	if err != nil {
		return saga.Appended{}, fail(ctx, "append to task", l.ID, err)
	}
	switch answer.int(0) {
	case 0:
		return saga.Appended{}, sentence("append to task", l.ID, saga.ErrOvertaken)
	case 2:
		now := answer.int(1)
		return saga.Appended{Decided: true, Facts: b.Read + 1, Now: moment(now), Version: now, Unconfirmed: !confirmed}, nil
	}
	a := saga.Appended{Decided: answer.int(1) == 1, Facts: answer.int(2), Now: moment(answer.int(3)), Version: answer.int(5), Unconfirmed: !confirmed}
	if a.Between, err = decode(answer.list(4)); err != nil {
		return saga.Appended{}, sentence("append to task", l.ID, err)
	}
	return a, nil
}

// words of append.lua for what becomes of the lease.
var words = map[saga.Then]string{saga.Continue: "", saga.Park: "park", saga.Finish: "finish"}

const fixedArgs = 12 // before the bodies

// batchArgs adds the arguments of append.lua.
func batchArgs(args []any, l saga.Lease, b saga.Batch) ([]any, error) {
	if err := check(b); err != nil {
		return nil, err
	}
	end, child := "", false
	if b.Then == saga.Finish {
		end = string(b.Decisions[len(b.Decisions)-1].Kind)
	}
	fixed := len(args)
	args = append(args, make([]any, fixedArgs)...)
	bodies := len(args)
	for _, list := range [][]saga.Event{b.Facts, b.Decisions} {
		for i := range list {
			body, err := saga.Encode(list[i])
			if err != nil {
				return nil, err
			}
			args = append(args, body)
		}
	}
	for i := range b.Facts {
		child = child || b.Facts[i].Kind == saga.KindChildStarted
	}
	copy(args[fixed:], []any{
		l.ID, l.Nonce, fingerprint(b, args[bodies:]), l.Epoch, b.Read, int64(b.ReadAt), len(b.Facts),
		words[b.Then], look(b.Due), int64(saga.MicrosOf(b.Due)), end, child,
	})
	return args, nil
}

// check refuses batches that no runner should send.
func check(b saga.Batch) error {
	last := len(b.Decisions) - 1
	if b.Then == saga.Finish && last < 0 {
		return errors.New("finish without a terminal event")
	}
	for i := range b.Decisions {
		if kind := b.Decisions[i].Kind; kind.Terminal() != (i == last && b.Then == saga.Finish) {
			return fmt.Errorf("decision %q as number %d of %d and then %d", kind, i+1, last+1, b.Then)
		}
	}
	return nil
}

var seed = maphash.MakeSeed()

// fingerprint knows a batch that is sent again from one that is new. Only the process that holds the lease compares.
func fingerprint(b saga.Batch, bodies []any) string {
	var h maphash.Hash
	h.SetSeed(seed)
	maphash.WriteComparable(&h, [4]int64{b.Read, int64(len(b.Facts)), int64(b.Then), int64(saga.MicrosOf(b.Due))})
	for _, body := range bodies {
		_, _ = h.Write(body.([]byte))
		_ = h.WriteByte(0)
	}
	return strconv.FormatUint(h.Sum64(), 36)
}

// Post implements [saga.Journal]. A message without Dedupe may be appended twice when the network loses an answer.
func (r *Redis) Post(ctx context.Context, id string, m saga.Message) (saga.Posted, error) {
	doing := "post " + string(m.Event.Kind) + " to task"
	if len(m.Event.Data)+len(m.Event.Error) > saga.MaxOutput {
		return saga.Posted{}, sentence(doing, id, saga.ErrTooLarge)
	}
	body, err := saga.Encode(m.Told())
	if err != nil {
		return saga.Posted{}, sentence(doing, id, err)
	}
	p := r.of(id)
	answer, err := r.accept(ctx, p, !m.Confirm, postScript,
		[]string{p.journal(id), p.meta(id), p.tombstone(id), p.open, p.wake, p.dirty},
		id, body, dedupeField(m.Dedupe), m.Reopen, limit(m.Event.Kind), dueSlack)
	if err != nil {
		return saga.Posted{}, fail(ctx, doing, id, err)
	}
	switch answer.int(0) {
	case 0:
		return saga.Posted{}, sentence(doing, id, saga.ErrNotFound)
	case 1:
		seq := answer.int(1)
		return saga.Posted{Ref: saga.Ref{ID: id}, Seq: seq, Duplicate: seq > 0}, sentence(doing, id, saga.ErrFinished)
	case 2:
		return saga.Posted{}, sentence(doing, id, saga.ErrTooLarge)
	case 3:
		return saga.Posted{}, sentence(doing, id, saga.ErrConflict)
	}
	ref := saga.Ref{ID: id, Type: answer.text(3), Queue: answer.text(4), Epoch: number(answer.text(5))}
	return saga.Posted{Ref: ref, Seq: answer.int(1), Duplicate: answer.int(2) == 1}, nil
}

// limit is how large a journal may get by an event of this kind; 0 is any size. What lets a task end is never refused.
func limit(k saga.EventKind) int64 {
	switch k { //nolint:exhaustive // the others come from outside only by mistake
	case saga.KindCancel, saga.KindResolved, saga.KindChildFinished, saga.KindUndoRequested:
		return 0
	}
	return saga.SoftJournal
}
