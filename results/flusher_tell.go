package results

import (
	"context"
	"slices"

	"github.com/osp-platform/osp/saga"
)

// telling picks the events that webhooks may ask for.
func telling(events []saga.Event) (list []saga.Event) {
	for i := range events {
		if events[i].Tells() != "" {
			list = append(list, events[i])
		}
	}
	return list
}

// tell has webhooks told of what has happened to tasks. Their marks are still there: whatever dies from here on, it is done
// again. It returns the rows of which all is told; the others stay dirty, and are taken again in about 10 s.
func (f *Flusher) tell(ctx context.Context, batch []dirtyRow) []dirtyRow {
	if f.Teller == nil {
		return batch
	}
	var news []saga.News
	for _, r := range batch {
		if len(r.news.Events) > 0 {
			news = append(news, r.news)
		}
	}
	if len(news) == 0 {
		return batch
	}
	left := f.Teller.Tell(ctx, news)
	if len(left) == 0 {
		return batch
	}
	return slices.DeleteFunc(slices.Clone(batch), func(r dirtyRow) bool { return slices.Contains(left, r.Task.ID) })
}
