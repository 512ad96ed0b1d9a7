package telemetry

import (
	"context"
	"errors"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/osp-platform/osp/saga"
)

// engine is what becomes of tasks and their steps.
type engine struct {
	started, ended, runs, takeovers, leasesLost *prometheus.CounterVec
	attempts, compensations, compensated        *prometheus.CounterVec
	repairs                                     *prometheus.CounterVec
	taskTime, stepTime                          *prometheus.HistogramVec
}

var (
	stepBuckets = []float64{.005, .025, .1, .5, 1, 2.5, 5, 10, 30, 60, 120, 300}
	taskBuckets = []float64{.05, .25, 1, 5, 15, 60, 300, 900, 3600, 21600, 86400}
)

func newEngine() engine {
	return engine{
		started: counter("osp_tasks_started_total", "Tasks that this process has accepted, children among them.", "type", "queue"),
		ended:   counter("osp_tasks_ended_total", "Tasks whose end this process has recorded, by the state that they ended in.", "type", "state"),
		taskTime: histogram("osp_task_duration_seconds", "From a task's creation, or the time that it was put off to, to its end.",
			taskBuckets, "type", "state"),
		runs: counter("osp_runs_total", "Runs: what began with a claim, by how it was left. A task that waits has one for each time "+
			"that it goes on.", "type", "outcome"),
		takeovers:  counter("osp_takeovers_total", "Tasks whose last runner had died, when this process claimed them.", "type"),
		leasesLost: counter("osp_leases_lost_total", "Runs that stopped because their lease was over or another had it.", "type"),
		attempts: counter("osp_step_attempts_total", "Calls of a do or an undo. retry failed and is tried again; failed did so for "+
			"good; interrupted does not count as an attempt.", "type", "kind", "direction", "outcome"),
		stepTime: histogram("osp_step_duration_seconds", "How long one call of a do or an undo took.", stepBuckets,
			"type", "kind", "direction"),
		compensations: counter("osp_compensations_started_total", "Tasks that began to be undone.", "type"),
		compensated: counter("osp_compensations_ended_total", "Compensations that came to failed or cancelled, which are ends, or "+
			"to stuck, which an operator resolves.", "type", "outcome"),
		repairs: counter("osp_sweeper_repairs_total", "What the sweeper found: woken by a mark, overdue, or a child's end of which "+
			"the parent was told.", "repair"),
	}
}

func (e *engine) all() []prometheus.Collector {
	return []prometheus.Collector{
		e.started, e.ended, e.taskTime, e.runs, e.takeovers, e.leasesLost, e.attempts, e.stepTime, e.compensations, e.compensated,
		e.repairs,
	}
}

// Started counts a task that was accepted.
func (m *Metrics) Started(c *saga.Created) {
	m.started.WithLabelValues(m.types.of(c.Type), c.Queue).Inc()
}

// Repaired counts what the sweeper found.
func (m *Metrics) Repaired(repair string) { m.repairs.WithLabelValues(repair).Inc() }

// RunBegan implements [saga.Observer].
func (m *Metrics) RunBegan(ctx context.Context, r saga.RunView) context.Context {
	if r.TookOver {
		m.takeovers.WithLabelValues(m.types.of(r.Record.Created.Type)).Inc()
	}
	return ctx
}

// Parks implements [saga.Observer].
func (m *Metrics) Parks(context.Context) string { return "" }

// RunEnded implements [saga.Observer].
func (m *Metrics) RunEnded(_ context.Context, r *saga.Record, err error) {
	typeName := m.types.of(r.Created.Type)
	m.runs.WithLabelValues(typeName, runOutcome(err)).Inc()
	if errors.Is(err, saga.ErrOvertaken) {
		m.leasesLost.WithLabelValues(typeName).Inc()
	}
}

// runOutcome is how a run was left.
func runOutcome(err error) string {
	parked, ok := errors.AsType[*saga.ParkedError](err)
	switch {
	case !ok:
		return "ended"
	case errors.Is(err, saga.ErrOvertaken):
		return "overtaken"
	case parked.Cause != nil:
		return "left_alone"
	case parked.Now:
		return "handed_over"
	}
	return "parked"
}

// CallBegan implements [saga.Observer].
func (m *Metrics) CallBegan(ctx context.Context, _ saga.CallView) context.Context { return ctx }

// CallEnded implements [saga.Observer].
func (m *Metrics) CallEnded(_ context.Context, c saga.CallView, e *saga.Event, took time.Duration) {
	typeName := m.types.of(c.Task.Type)
	m.attempts.WithLabelValues(typeName, string(c.Kind), c.Direction(), callOutcome(e)).Inc()
	m.stepTime.WithLabelValues(typeName, string(c.Kind), c.Direction()).Observe(took.Seconds())
}

// callOutcome is what came of a call.
func callOutcome(e *saga.Event) string {
	switch {
	case e.Kind != saga.KindAttemptFailed:
		return "done"
	case e.Flags&saga.Interrupted != 0:
		return "interrupted"
	case e.Flags&saga.Final != 0:
		return "failed"
	}
	return "retry"
}

// Decided implements [saga.Observer].
func (m *Metrics) Decided(_ context.Context, r *saga.Record, decisions []saga.Event) {
	for i := range decisions {
		switch e := &decisions[i]; e.Kind {
		case saga.KindCompensationStarted:
			m.compensations.WithLabelValues(m.types.of(r.Created.Type)).Inc()
		case saga.KindStuck:
			m.compensated.WithLabelValues(m.types.of(r.Created.Type), string(saga.Stuck)).Inc()
		case saga.KindCompleted, saga.KindFailed, saga.KindCancelled:
			m.end(r, e)
		default:
		}
	}
}

func (m *Metrics) end(r *saga.Record, e *saga.Event) {
	typeName, state := m.types.of(r.Created.Type), string(r.State)
	m.ended.WithLabelValues(typeName, state).Inc()
	if e.Kind != saga.KindCompleted {
		m.compensated.WithLabelValues(typeName, state).Inc()
	}
	from := r.CreatedAt
	if due := r.Created.ProcessAt.Time(); due.After(from) {
		from = due
	}
	m.taskTime.WithLabelValues(typeName, state).Observe(max(0, e.At.Sub(from)).Seconds())
}
