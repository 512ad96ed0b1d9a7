package journal

import (
	"cmp"
	"context"
	"slices"
	"strings"

	"github.com/redis/go-redis/v9"

	"github.com/osp-platform/osp/saga"
)

// Bury implements [saga.Journal].
func (r *Redis) Bury(ctx context.Context, id string, version int64, reason string) (bool, error) {
	p := r.of(id)
	fresh, err := buryScript.Run(ctx, r.client, []string{p.dirty, p.dead, p.meta(id)}, id, version, saga.Reason(reason)).Bool()
	if err != nil {
		return false, fail(ctx, "bury the row of task", id, err)
	}
	return fresh, nil
}

// DeadLetters implements [saga.Journal].
func (r *Redis) DeadLetters(ctx context.Context, after string, limit int) ([]saga.DeadLetter, error) {
	var letters []saga.DeadLetter
	for _, p := range r.partitions {
		list, err := r.letters(ctx, p, after, limit)
		if err != nil {
			return nil, fail(ctx, "list dead letters", "", err)
		}
		letters = append(letters, list...)
	}
	slices.SortFunc(letters, func(a, b saga.DeadLetter) int { return cmp.Compare(a.ID, b.ID) })
	return letters[:min(max(limit, 0), len(letters))], nil
}

// letters reads up to limit letters of one partition. Members whose letter is gone are passed over, and removed.
func (r *Redis) letters(ctx context.Context, p *partition, after string, limit int) ([]saga.DeadLetter, error) {
	var letters []saga.DeadLetter
	for len(letters) < limit {
		least := "-"
		if after != "" {
			least = "(" + after
		}
		count := min(limit-len(letters), atOnce)
		ids, err := r.client.ZRangeByLex(ctx, p.dead, &redis.ZRangeBy{Min: least, Max: "+", Count: int64(count)}).Result()
		if err != nil || len(ids) == 0 {
			return letters, err
		}
		answers, err := r.run(ctx, lettersScript, deadKeys(p.dead, p, ids), list(ids)...)
		if err != nil {
			return nil, err
		}
		for i, id := range ids {
			if answer := answers.list(i); len(answer) > 0 {
				letters = append(letters, letter(id, answer.text(0), answer.text(1)))
			}
		}
		after = ids[len(ids)-1]
	}
	return letters, nil
}

// letter reads what bury.lua wrote: version, moment and reason.
func letter(id, typeName, stored string) saga.DeadLetter {
	parts := append(strings.SplitN(stored, " ", 3), "", "")
	return saga.DeadLetter{ID: id, Type: typeName, Version: number(parts[0]), At: moment(number(parts[1])), Error: parts[2]}
}

// Resend implements [saga.Journal].
func (r *Redis) Resend(ctx context.Context, ids []string) (int, error) {
	parts := map[*partition][]string{}
	for _, id := range ids {
		parts[r.of(id)] = append(parts[r.of(id)], id)
	}
	resent := 0
	for p, ids := range parts {
		for chunk := range slices.Chunk(ids, atOnce) {
			n, err := resendScript.Run(ctx, r.client, append([]string{p.dirty}, deadKeys(p.dead, p, chunk)...), list(chunk)...).Int()
			if err != nil {
				return resent, fail(ctx, "send rows again", "", err)
			}
			resent += n
		}
	}
	return resent, nil
}

// deadKeys are the index and the metas of tasks.
func deadKeys(index string, p *partition, ids []string) []string {
	keys := append(make([]string, 0, 1+len(ids)), index)
	for _, id := range ids {
		keys = append(keys, p.meta(id))
	}
	return keys
}

func list(ids []string) []any {
	args := make([]any, len(ids))
	for i, id := range ids {
		args[i] = id
	}
	return args
}
