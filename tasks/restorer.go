package tasks

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"

	"github.com/osp-platform/osp/saga"
)

// Keeper has what journals are made of again. The result stores are.
type Keeper interface {
	Kept(ctx context.Context, id string) (saga.Kept, error)
	Effects(ctx context.Context, task string) ([]saga.Effect, error)
	AllKept(ctx context.Context, after string, limit int) ([]saga.Kept, error)
}

// RestorerJournal is what a [Restorer] uses of a journal.
type RestorerJournal interface {
	Read(ctx context.Context, id string) (saga.Snapshot, error)
	Restore(ctx context.Context, r saga.Restoration) (saga.Restored, error)
	Life(ctx context.Context) (string, error)
	CallWhole(ctx context.Context, life string) (bool, error)
	Whole(ctx context.Context) (bool, error)
}

// Restorer makes journals again that Redis has lost, and has their tasks delivered. Any number of them may work at once,
// beside everything else.
type Restorer struct {
	Journal RestorerJournal
	Store   Keeper
	Queue   Waker
	Log     *slog.Logger
	// Changed is called when a journal was made: its row is to be written.
	Changed func()
	// Nudge is called when a wake-up may have missed its task, and when a parent is to be told of a child's end.
	Nudge func()
}

// Restore implements [saga.Restorer].
func (r *Restorer) Restore(ctx context.Context, id string) error {
	kept, err := r.Store.Kept(ctx, id)
	if err != nil {
		return fmt.Errorf("restore task %s: %w", id, err)
	}
	_, err = r.restore(ctx, kept)
	return err
}

// RestoreChild makes sure that a child has a journal that knows what it did before it was lost, if it was: what is kept
// of it, or else what fences tell.
func (r *Restorer) RestoreChild(ctx context.Context, c saga.Created) error {
	_, err := r.Journal.Read(ctx, c.ID)
	if errors.Is(err, saga.ErrNotFound) {
		err = r.Restore(ctx, c.ID)
	}
	if !errors.Is(err, saga.ErrNotFound) {
		return err // it is there, or nobody knows at the moment
	}
	effects, err := r.Store.Effects(ctx, c.ID)
	if err != nil {
		return fmt.Errorf("restore task %s: %w", c.ID, err)
	}
	restoration, err := saga.RestoreChild(c, effects)
	if err != nil {
		return fmt.Errorf("restore task %s: %w", c.ID, err)
	}
	_, err = r.make(ctx, restoration)
	return err
}

func (r *Restorer) restore(ctx context.Context, kept saga.Kept) (saga.Restored, error) {
	restoration, err := saga.Restore(kept)
	if err != nil {
		r.Log.ErrorContext(ctx, "a lost task cannot be restored: left alone", "task", kept.ID, "error", err)
		return saga.Restored{}, fmt.Errorf("restore task %s: %w", kept.ID, err)
	}
	return r.make(ctx, restoration)
}

// make makes a journal, if it is missing, and has its task delivered.
func (r *Restorer) make(ctx context.Context, m saga.Restoration) (saga.Restored, error) {
	restored, err := r.Journal.Restore(ctx, m)
	if err != nil || !restored.New {
		return restored, err
	}
	r.Log.WarnContext(ctx, "task restored: Redis had lost its journal", "task", m.Created.ID, "type", m.Created.Type,
		"kept", len(m.Stored), "added", len(m.Events))
	r.Changed()
	r.deliver(ctx, restored)
	return restored, nil
}

// deliver has a restored task looked at: when it is due, or now. What it misses, the sweeper finds.
func (r *Restorer) deliver(ctx context.Context, restored saga.Restored) {
	wake := r.Queue.Wake
	switch {
	case restored.Finished:
		r.Nudge() // its parent is to be told
		return
	case !restored.Ref.Due.IsZero():
		wake = r.Queue.Enqueue
	}
	if err := wake(ctx, restored.Ref); err != nil {
		r.Log.DebugContext(ctx, "restored task not woken, or on its way already", "task", restored.Ref.ID, "error", err)
		r.Nudge()
	}
}

// Recovery tells what became of the tasks that the result store keeps.
type Recovery struct {
	Restored int // or, in a dry run, would be
	There    int // their journals were not lost
	Ended    int // they have ended, though the store does not know it yet
	Failed   []Failure
}

// Failure is a task that could not be restored.
type Failure struct {
	ID  string
	Err error
}

// Seen is how many tasks it was about.
func (r Recovery) Seen() int { return r.Restored + r.There + r.Ended + len(r.Failed) }

const (
	recoverPage   = 100 // tasks read at once
	recoverAtOnce = 8   // and restored side by side
)

// errLostAgain is the end of a recovery during which Redis came back empty once more.
var errLostAgain = errors.New("the journals were lost once more meanwhile")

// RecoverAll restores every task that the store keeps and whose journal is missing, and calls the journal whole if none
// is left alone. A dry run changes nothing. Progress, if any, is told after each page. The error is of the store or of
// Redis; tasks that are left alone are in the answer.
func (r *Restorer) RecoverAll(ctx context.Context, dry bool, progress func(Recovery)) (Recovery, error) {
	if dry {
		return r.all(ctx, r.look, progress)
	}
	life, err := r.Journal.Life(ctx)
	if err != nil {
		return Recovery{}, err
	}
	all, err := r.all(ctx, r.restore, progress)
	if err != nil || len(all.Failed) > 0 {
		return all, err
	}
	whole, err := r.Journal.CallWhole(ctx, life)
	if err == nil && !whole {
		err = errLostAgain
	}
	return all, err
}

// all does one thing with every task that the store keeps.
func (r *Restorer) all(
	ctx context.Context, one func(context.Context, saga.Kept) (saga.Restored, error), progress func(Recovery),
) (all Recovery, err error) {
	for after := ""; ; {
		page, err := r.Store.AllKept(ctx, after, recoverPage)
		if err != nil {
			return all, fmt.Errorf("read what is kept after task %q: %w", after, err)
		}
		if len(page) == 0 {
			return all, nil
		}
		if err := all.add(ctx, page, one); err != nil {
			return all, err
		}
		after = page[len(page)-1].ID
		if progress != nil {
			progress(all)
		}
	}
}

// Complete tells whether there is nothing to recover, as far as that is known without looking at each task: the journal
// was called whole, or it may be called so because nothing is kept.
func (r *Restorer) Complete(ctx context.Context) (bool, error) {
	whole, err := r.Journal.Whole(ctx)
	if whole || err != nil {
		return whole, err
	}
	life, err := r.Journal.Life(ctx)
	if err != nil {
		return false, err
	}
	page, err := r.Store.AllKept(ctx, "", 1)
	if err != nil || len(page) > 0 {
		return false, err
	}
	return r.Journal.CallWhole(ctx, life)
}

// add restores a page of tasks. It ends early when Redis cannot be reached.
func (r *Recovery) add(ctx context.Context, page []saga.Kept, one func(context.Context, saga.Kept) (saga.Restored, error)) error {
	var group sync.WaitGroup
	var mu sync.Mutex
	var away error
	room := make(chan struct{}, recoverAtOnce)
	for _, kept := range page {
		room <- struct{}{}
		group.Go(func() {
			defer func() { <-room }()
			restored, err := one(ctx, kept)
			mu.Lock()
			defer mu.Unlock()
			switch {
			case errors.Is(err, saga.ErrUnavailable) || err != nil && ctx.Err() != nil:
				away = err
			case err != nil:
				r.Failed = append(r.Failed, Failure{kept.ID, err})
			case restored.New:
				r.Restored++
			case restored.Finished:
				r.Ended++
			default:
				r.There++
			}
		})
	}
	group.Wait()
	return away
}

// look tells what restore would do.
func (r *Restorer) look(ctx context.Context, kept saga.Kept) (saga.Restored, error) {
	snapshot, err := r.Journal.Read(ctx, kept.ID)
	switch {
	case errors.Is(err, saga.ErrNotFound):
		_, err = saga.Restore(kept)
		return saga.Restored{New: true}, err
	case errors.Is(err, saga.ErrUnknownEvent):
		return saga.Restored{}, nil // it is there, for a program that knows it
	}
	return saga.Restored{Finished: snapshot.Finished}, err
}
