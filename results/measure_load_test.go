//go:build long

package results_test

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// sustain starts tasks at a rate whatever becomes of them, until all have ended and all rows are written, and tells what came
// of it: rates to the last end and the last row, the age of rows, and whose CPU it took.
func (p *plant) sustain(l *load) {
	p.Helper()
	before, cpu := p.started, cpuOf()
	begun := time.Now()
	p.load(l.Asked, time.Duration(l.Seconds)*time.Second)
	ended := time.Since(begun)
	p.eventually(5*time.Minute, "all rows are written", func() bool { return p.dirty() == 0 })
	written := time.Since(begun)
	n := p.started - before
	if rows := p.rows(); rows != p.started {
		p.Errorf("%d rows of %d tasks", rows, p.started)
	}
	l.TasksPerS, l.RowsPerS = tenths(float64(n)/ended.Seconds()), tenths(float64(n)/written.Seconds())
	l.AgeP50, l.AgeP99 = p.age(n)
	l.AgeP50, l.AgeP99 = tenths(l.AgeP50), tenths(l.AgeP99)
	l.CPU = map[string]float64{}
	for name, now := range cpuOf() {
		l.CPU[name] = tenths((now-cpu[name])/written.Seconds()*10) / 10
	}
	p.Logf("asked for %d tasks/s over %d s: %+v", l.Asked, l.Seconds, *l)
}

// cpuOf is what the programs have used, in seconds, by /proc. Those of other tests count too.
func cpuOf() map[string]float64 {
	const ticks = 100 // a second, on Linux
	used := map[string]float64{}
	files, _ := filepath.Glob("/proc/[0-9]*/stat")
	self := strconv.Itoa(os.Getpid())
	for _, file := range files {
		raw, err := os.ReadFile(file)
		if err != nil {
			continue // it has ended
		}
		begin, end := strings.Index(string(raw), "("), strings.LastIndex(string(raw), ")")
		name := string(raw[begin+1 : end])
		if filepath.Base(filepath.Dir(file)) == self {
			name = "osp"
		} else if name != "postgres" && name != "postgrest" && name != "redis-server" {
			continue
		}
		for _, field := range strings.Fields(string(raw[end+1:]))[11:15] { // utime, stime, and the same of children that ended
			n, _ := strconv.ParseFloat(field, 64)
			used[name] += n / ticks
		}
	}
	return used
}
