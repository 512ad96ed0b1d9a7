package journal

import (
	"context"
	"strings"
)

// Life implements [saga.Journal]. Each partition has a life of its own, for a node of a cluster may come back alone.
func (r *Redis) Life(ctx context.Context) (string, error) {
	lives := make([]string, len(r.partitions))
	for i, p := range r.partitions {
		answer, err := r.run(ctx, lifeScript, []string{p.life})
		if err != nil {
			return "", fail(ctx, "name the journal's life", "", err)
		}
		lives[i] = answer.text(0)
	}
	return strings.Join(lives, ","), nil
}

// CallWhole implements [saga.Journal]. The partitions that are still in that life are called whole.
func (r *Redis) CallWhole(ctx context.Context, life string) (bool, error) {
	same := true
	lives := strings.Split(life, ",")
	for i, p := range r.partitions {
		if i >= len(lives) {
			return false, nil
		}
		answer, err := r.run(ctx, wholeScript, []string{p.life, p.whole}, lives[i])
		if err != nil {
			return false, fail(ctx, "call the journal whole", "", err)
		}
		same = same && answer.int(0) == 1
	}
	return same, nil
}

// Whole implements [saga.Journal].
func (r *Redis) Whole(ctx context.Context) (bool, error) {
	for _, p := range r.partitions {
		n, err := r.client.Exists(ctx, p.whole).Result()
		if err != nil {
			return false, fail(ctx, "ask whether the journal is whole", "", err)
		}
		if n == 0 {
			return false, nil
		}
	}
	return true, nil
}
