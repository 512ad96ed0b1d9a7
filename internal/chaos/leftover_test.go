package main

import (
	"testing"
	"time"
)

func TestWhatShouldNotBeLeftInRedis(t *testing.T) {
	for _, test := range []struct {
		key     string
		expires time.Duration
		left    bool
	}{
		{"osp:{00}:open", forever, true},
		{"osp:{15}:dead", forever, true},
		{"osp:{00}:j:a", forever, true},
		{"osp:{00}:m:a", time.Hour, false},
		{"osp:{00}:t:a", time.Hour, false},
		{"osp:{00}:life", forever, false},
		{"osp:partitions", forever, false},
		{"asynq:{default}:active", forever, true},
		{"asynq:{default}:t:a~17", forever, true},
		{"asynq:{low}:archived", forever, true},
		{"asynq:{default}:processed:2026-11-25", time.Hour, false},
		{"asynq:queues", forever, false},
		{"asynq:servers", forever, false},
	} {
		if got := leftover(test.key, test.expires); got != test.left {
			t.Errorf("%s: %v", test.key, got)
		}
	}
}
