package main

import (
	"errors"
	"testing"
)

func TestTheMemoryLimitIsTheContainers(t *testing.T) {
	for _, c := range []struct {
		name  string
		files map[string]string
		want  int64
	}{
		{"control groups 2", map[string]string{limits[0]: "67108864\n"}, 64 << 20},
		{"control groups 2 without a limit", map[string]string{limits[0]: "max\n"}, 0},
		{"control groups 1", map[string]string{limits[1]: "67108864\n"}, 64 << 20},
		{"control groups 1 without a limit", map[string]string{limits[1]: "9223372036854771712\n"}, 0},
		{"no container", nil, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := memoryLimit(func(path string) ([]byte, error) {
				if text, ok := c.files[path]; ok {
					return []byte(text), nil
				}
				return nil, errors.New("no such file")
			})
			if got != c.want {
				t.Errorf("%d, want %d", got, c.want)
			}
		})
	}
}
