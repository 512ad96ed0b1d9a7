package saga

import "time"

// QueueView is a queue as operators see it. Counts are of deliveries.
type QueueView struct {
	Name      string `json:"name"`
	Weight    int    `json:"weight"`
	Pending   int    `json:"pending"`   // wait for a worker, or for their service's turn
	Active    int    `json:"active"`    // are with one
	Scheduled int    `json:"scheduled"` // of tasks that are to begin later
	Retry     int    `json:"retry"`     // of tasks that wait for a moment, a signal, room or the end of a pause
	Paused    bool   `json:"paused"`
	// UndoPaused tells that asynq itself delivers nothing of the queue, what is to be undone included.
	UndoPaused bool `json:"undo_paused"`
	// Unserved tells that no worker serves it. One that was killed counts for some seconds more.
	Unserved bool `json:"unserved"`
	// OldestWaiting is for how long the first in line has waited for a worker.
	OldestWaiting float64 `json:"oldest_waiting_seconds"`
}

// WorkerView is a process that carries out tasks.
type WorkerView struct {
	ID          string    `json:"id"`
	Host        string    `json:"host"`
	Queues      []string  `json:"queues"`
	Concurrency int       `json:"concurrency"`
	Active      int       `json:"active"` // deliveries that it has
	StartedAt   time.Time `json:"started_at"`
}

// Minute is how many tasks began, and how many ended how, in the minute that begins at At.
type Minute struct {
	At        time.Time `json:"at"`
	Started   int       `json:"started"`
	Completed int       `json:"completed"`
	Failed    int       `json:"failed"`
	Cancelled int       `json:"cancelled"`
}

// Overview is how everything stands.
type Overview struct {
	States        map[State]int `json:"states"`
	Capped        bool          `json:"capped"`               // there are more: see [TaskCounts]
	CountedAt     *time.Time    `json:"counted_at,omitempty"` // when the result store said so; none: it has not since the start
	Stuck         int           `json:"stuck"`
	DeadLetters   int           `json:"dead_letters"`
	Unwritten     int           `json:"unwritten"` // rows that are older than their journals
	Backlog       int           `json:"backlog"`   // deliveries that are due
	OldestWaiting float64       `json:"oldest_waiting_seconds"`
	Workers       []WorkerView  `json:"workers"`
	Throughput    []Minute      `json:"throughput"` // the last hour, oldest first
}
