package telemetry

import (
	"context"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// State is what Redis knows: every process says the same.
type State struct {
	Queues    map[string]Queue
	Desired   int // workers that the backlog needs
	Workers   int // that take deliveries
	Open      int // tasks that have not ended
	Dead      int // dead letters
	Unwritten int // rows that are older than their journals
	Oldest    time.Duration
	InLine    map[string]int // tasks that wait for room, by type
	Memory    int64          // that Redis uses, in bytes; 0: it does not tell
	MaxMemory int64          // that it may use; 0: it has no bound, or does not tell
}

// Queue is one queue.
type Queue struct {
	Backlog int // deliveries that are due, waiting for a worker or with one
	Tasks   map[string]int
	Oldest  time.Duration // how long the one waits that waits the longest
}

// Cached says how often the state is asked for at most: many scrapers cost no more than one.
const (
	Cached      = 5 * time.Second
	CachedStuck = 30 * time.Second
)

// Observe has scrapes tell what redis and the store say. Redis away: nothing is told, for a zero would have workers taken away
// while Redis is. Stuck counts the tasks that are; nil: nobody knows.
func (m *Metrics) Observe(state func(context.Context) (State, error), stuck func(context.Context) (int, error)) {
	m.registry.MustRegister(&stateCollector{
		state: cache[State]{read: state, lasts: Cached, now: m.now}, types: &m.types,
	})
	if stuck != nil {
		m.registry.MustRegister(&stuckCollector{cache[int]{read: stuck, lasts: CachedStuck, now: m.now}})
	}
}

// cache keeps what was read for a while. Those who ask at the same time wait for one answer.
type cache[T any] struct {
	read  func(context.Context) (T, error)
	lasts time.Duration
	now   func() time.Time

	mu    sync.Mutex
	at    time.Time
	value T
	err   error
}

// readPatience is less than what a scrape has.
const readPatience = 5 * time.Second

func (c *cache[T]) get() (T, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if now := c.now(); c.at.IsZero() || now.Sub(c.at) >= c.lasts {
		ctx, cancel := context.WithTimeout(context.Background(), readPatience)
		defer cancel()
		c.value, c.err = c.read(ctx)
		c.at = c.now()
	}
	return c.value, c.err
}

func desc(name, help string, labels ...string) *prometheus.Desc {
	return prometheus.NewDesc(name, help, labels, nil)
}

var (
	redisUp = desc("osp_redis_up", "1: Redis answers. 0: it does not, and what only Redis knows is not told.")
	backlog = desc("osp_queue_backlog", "Deliveries that are due: waiting for their turn or a worker, or with one. Every process says the "+
		"same: take the maximum, not the sum.", "queue")
	queued = desc("osp_queue_tasks", "Deliveries by where they stand in their queue, or held back from it (held), as Redis has it.",
		"queue", "state")
	oldestWaiting = desc("osp_queue_oldest_seconds", "How long the delivery waits for a worker that waits the longest; 0: none does.", "queue")
	desired       = desc("osp_workers_desired", "Workers that the backlog needs, as GET /v1/scale says.")
	workers       = desc("osp_workers", "Workers that take deliveries.")
	openTasks     = desc("osp_tasks_open", "Tasks that have not ended.")
	stuckTasks    = desc("osp_tasks_stuck", "Tasks that wait for an operator, by the result store.")
	deadLetters   = desc("osp_dead_letters", "Rows that the result store has refused for good.")
	unwritten     = desc("osp_rows_unwritten", "Tasks whose rows are older than their journals.")
	lag           = desc("osp_rows_unwritten_oldest_seconds", "How long the row waits that waits the longest, of some hundred looked at.")
	inLine        = desc("osp_limit_waiting", "Tasks that wait for room under the limit of their type.", "type")
	memory        = desc("osp_redis_memory_bytes", "Memory that Redis uses, where it tells.")
	maxMemory     = desc("osp_redis_memory_max_bytes", "Memory that Redis may use, where it tells and has a bound.")
)

// stateCollector tells a state.
type stateCollector struct {
	state cache[State]
	types *typeNames
}

// Describe implements prometheus.Collector.
func (s *stateCollector) Describe(ch chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{
		redisUp, backlog, queued, oldestWaiting, desired, workers, openTasks, deadLetters, unwritten, lag, inLine, memory, maxMemory,
	} {
		ch <- d
	}
}

// Collect implements prometheus.Collector.
func (s *stateCollector) Collect(ch chan<- prometheus.Metric) {
	gauge := func(d *prometheus.Desc, v float64, labels ...string) {
		ch <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, v, labels...)
	}
	st, err := s.state.get()
	if err != nil {
		gauge(redisUp, 0)
		return
	}
	gauge(redisUp, 1)
	for name, q := range st.Queues {
		gauge(backlog, float64(q.Backlog), name)
		gauge(oldestWaiting, q.Oldest.Seconds(), name)
		for state, n := range q.Tasks {
			gauge(queued, float64(n), name, state)
		}
	}
	for d, n := range map[*prometheus.Desc]int{
		desired: st.Desired, workers: st.Workers, openTasks: st.Open, deadLetters: st.Dead, unwritten: st.Unwritten,
	} {
		gauge(d, float64(n))
	}
	gauge(lag, st.Oldest.Seconds())
	waiting := map[string]int{}
	for typeName, n := range st.InLine {
		waiting[s.types.of(typeName)] += n
	}
	for typeName, n := range waiting {
		gauge(inLine, float64(n), typeName)
	}
	if st.Memory > 0 {
		gauge(memory, float64(st.Memory))
	}
	if st.MaxMemory > 0 {
		gauge(maxMemory, float64(st.MaxMemory))
	}
}

// stuckCollector tells how many tasks are stuck.
type stuckCollector struct{ stuck cache[int] }

// Describe implements prometheus.Collector.
func (s *stuckCollector) Describe(ch chan<- *prometheus.Desc) { ch <- stuckTasks }

// Collect implements prometheus.Collector.
func (s *stuckCollector) Collect(ch chan<- prometheus.Metric) {
	if n, err := s.stuck.get(); err == nil {
		ch <- prometheus.MustNewConstMetric(stuckTasks, prometheus.GaugeValue, float64(n))
	}
}
