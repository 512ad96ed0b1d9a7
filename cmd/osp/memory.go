package main

import (
	"runtime/debug"
	"strconv"
	"strings"

	"github.com/osp-platform/osp/server"
)

// limits are where the kernel tells a container how much memory it may take: version 2 of control groups, and version 1.
var limits = []string{"/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes"}

// gcPercent is how much garbage there may be, in percent of what is in use.
const gcPercent = 200

// unlimited is more memory than any container has: version 1 writes a number for "no limit", too.
const unlimited = 1 << 50

// fitMemory keeps Go's heap within the container: by itself Go lets garbage pile up until it has doubled, and the kernel
// kills. A fifth is left for what is not heap. Where it fits, garbage may take twice as much as what is in use: that is so
// little that to collect it more often took a tenth of a worker's CPU. GOMEMLIMIT and GOGC, which Go itself reads, win.
func fitMemory(env server.Environment) {
	if v, _ := env.Lookup("GOGC"); v == "" {
		debug.SetGCPercent(gcPercent)
	}
	if v, _ := env.Lookup("GOMEMLIMIT"); v != "" {
		return
	}
	if limit := memoryLimit(env.ReadFile); limit > 0 {
		debug.SetMemoryLimit(limit / 5 * 4)
	}
}

// giveBack returns the memory that the start has taken and needs no longer: an idle process collects its garbage every two
// minutes only.
func giveBack() { debug.FreeOSMemory() }

// memoryLimit is how many bytes the container may take; 0 when nothing limits it.
func memoryLimit(readFile func(string) ([]byte, error)) int64 {
	for _, path := range limits {
		raw, err := readFile(path)
		if err != nil {
			continue
		}
		n, err := strconv.ParseInt(strings.TrimSpace(string(raw)), 10, 64)
		if err == nil && n < unlimited {
			return n
		}
	}
	return 0
}
