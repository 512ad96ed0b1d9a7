package saga

// State is where a task stands, in full.
type State string

// The states of a task.
const (
	Pending      State = "pending"
	Running      State = "running"
	Waiting      State = "waiting"
	Compensating State = "compensating"
	Stuck        State = "stuck"
	Completed    State = "completed"
	Failed       State = "failed"
	Cancelled    State = "cancelled"
)

// States lists every state in the order of a task's life.
var States = []State{Pending, Running, Waiting, Compensating, Stuck, Completed, Failed, Cancelled}

// Finished tells whether the task has ended.
func (s State) Finished() bool { return s == Completed || s == Failed || s == Cancelled }

// Status is the coarse view of a state: the five values that OSP's workflow_executions table knows.
type Status string

// The statuses of a task.
const (
	StatusPending   Status = "pending"
	StatusRunning   Status = "running"
	StatusCompleted Status = "completed"
	StatusFailed    Status = "failed"
	StatusCancelled Status = "cancelled"
)

// Status folds the state into one of OSP's five: waiting, compensating and stuck count as running.
func (s State) Status() Status {
	switch s {
	case Pending:
		return StatusPending
	case Completed:
		return StatusCompleted
	case Failed:
		return StatusFailed
	case Cancelled:
		return StatusCancelled
	case Running, Waiting, Compensating, Stuck, active:
	}
	return StatusRunning
}

// Phase tells in which direction a task moves.
type Phase string

// The phases of a task.
const (
	Forward Phase = "forward"
	Undo    Phase = "undo"
)

// active stands, in the table, for the state of a task that moves: running forwards, compensating in the undo phase.
const active State = "active"

// transitions says which event moves a task from which state to which. What is not in it cannot happen.
//
// Events from outside (signal, cancel, child_finished, recovered) leave the state as it is: they only say that there is something
// to look at.
var transitions = map[State]map[EventKind]State{
	Pending: {
		KindStepStarted: Running, KindDecided: Running, KindWaiting: Waiting, KindCompensationStarted: Compensating,
		KindCompleted: Completed, KindSignal: Pending, KindCancel: Pending, KindResolved: Pending,
		KindRecovered: Pending,
	},
	Running: {
		KindStepStarted: active, KindStepDone: active, KindAttemptFailed: active, KindDecided: Running,
		KindChildStarted: active, KindWaiting: Waiting, KindCompensationStarted: Compensating, KindCompleted: Completed,
		KindSignal: Running, KindCancel: Running, KindChildFinished: Running, KindResolved: Running,
		KindRecovered: Running,
	},
	Waiting: {
		KindStepStarted: active, KindStepDone: active, KindAttemptFailed: active, KindDecided: Running,
		KindChildStarted: active, KindWaiting: Waiting, KindCompensationStarted: Compensating, KindCompleted: Completed,
		KindFailed: Failed, KindCancelled: Cancelled, KindStuck: Stuck,
		KindSignal: Waiting, KindCancel: Waiting, KindChildFinished: Waiting, KindResolved: Waiting,
		KindRecovered: Waiting,
	},
	Compensating: {
		KindStepStarted: active, KindStepDone: active, KindAttemptFailed: active, KindChildStarted: active,
		KindWaiting: Waiting, KindFailed: Failed, KindCancelled: Cancelled, KindStuck: Stuck,
		KindSignal: Compensating, KindCancel: Compensating, KindChildFinished: Compensating, KindResolved: Compensating,
		KindRecovered: Compensating,
	},
	Stuck: {
		KindResolved: Compensating, KindSignal: Stuck, KindCancel: Stuck, KindChildFinished: Stuck,
		KindStepDone: Stuck, KindAttemptFailed: Stuck, KindRecovered: Stuck,
	},
	Completed: {KindUndoRequested: Compensating},
	Failed:    {},
	Cancelled: {},
}

// next returns the state after an event, and whether the event may happen at all.
func next(from State, phase Phase, kind EventKind) (State, bool) {
	to, ok := transitions[from][kind]
	if ok && to == active {
		if phase == Undo {
			return Compensating, true
		}
		return Running, true
	}
	return to, ok
}
