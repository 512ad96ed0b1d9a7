package main

import (
	"os"
	"path/filepath"
	"testing"
)

func TestPercentile(t *testing.T) {
	list := []float64{5, 1, 4, 2, 3}
	for p, want := range map[int]float64{0: 1, 50: 3, 79: 4, 99: 5, 100: 5} {
		if got := percentile(list, p); got != want {
			t.Errorf("p%d is %v, want %v", p, got, want)
		}
	}
	if got := median(nil); got != 0 {
		t.Errorf("of nothing: %v", got)
	}
	if list[0] != 5 {
		t.Error("the list was sorted")
	}
}

// A run between two others is compared with what a run would have been at its time.
func TestCostOf(t *testing.T) {
	before, after := outcome{perS: 1000, process: 0.2, redis: 0.1}, outcome{perS: 500, process: 0.3, redis: 0.2}
	c := costOf(outcome{perS: 250, process: 0.5, redis: 0.3}, before, after)
	if got, want := c.cpu, 2.0; !near(got, want) {
		t.Errorf("CPU × %v, want %v", got, want)
	}
	if got, want := c.time, 4/1.5; !near(got, want) { // 4 ms a task; 1 and 2 ms
		t.Errorf("time × %v, want %v", got, want)
	}
	if got, want := c.throughput(), 0.375; !near(got, want) {
		t.Errorf("throughput × %v, want %v", got, want)
	}
	if got := c.inverse().inverse(); !near(got.cpu, c.cpu) || !near(got.time, c.time) {
		t.Errorf("the inverse's inverse of %v is %v", c, got)
	}
}

func near(a, b float64) bool { return a-b < 1e-9 && b-a < 1e-9 }

func TestSignificant(t *testing.T) {
	for x, want := range map[float64]float64{0: 0, 11304.417: 11300, 3024.96: 3025, 0.268378: 0.2684, -0.00123456: -0.001235, 1: 1} {
		if got := significant(x); !near(got, want) {
			t.Errorf("%v is cut to %v, want %v", x, got, want)
		}
	}
}

func TestWriteResults(t *testing.T) {
	r := &report{figures: map[string][]float64{}, texts: map[string]string{"go": "go1.2"}}
	r.addCPU("floor_", outcome{process: 0.25, redis: 0.5})
	for _, n := range []float64{30, 10, 20} {
		r.add("forward_per_s", n*1000+0.4)
	}
	file := filepath.Join(t.TempDir(), "results.json")
	if err := r.write(file); err != nil {
		t.Fatal(err)
	}
	got, _ := os.ReadFile(file)
	const want = `{
  "floor_cpu_s_per_1000": 0.75,
  "floor_process_cpu_s_per_1000": 0.25,
  "floor_redis_cpu_s_per_1000": 0.5,
  "forward_per_s": 20000,
  "go": "go1.2"
}
`
	if string(got) != want {
		t.Errorf("written:\n%s", got)
	}
}

func TestHeardOfBullMQ(t *testing.T) {
	o, times, err := heard([]byte(`{"seconds": 2, "cpu": 0.5, "times": [3, 1]}`), 500)
	if err != nil || o != (outcome{perS: 250, process: 1}) || len(times) != 2 {
		t.Errorf("heard %+v, %v, %v", o, times, err)
	}
	if _, _, err := heard([]byte("Error: no"), 500); err == nil {
		t.Error("what is no JSON was taken")
	}
}

func TestQueues(t *testing.T) {
	s := settings{queues: 10}
	names := s.queueNames()
	if len(names) != 10 {
		t.Errorf("queues: %v", names)
	}
	for i := range 25 {
		if names[s.queueOf(i)] != 1 {
			t.Errorf("task %d is for %q, which is no queue", i, s.queueOf(i))
		}
	}
	if one := (settings{}); len(one.queueNames()) != 1 || one.queueOf(7) != "default" {
		t.Error("without a number of queues there is not one")
	}
}
