package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"sync"
	"time"
)

// event is something that was seen from outside: what a client was told, what the bank was asked and did, what was done to
// the parties.
type event struct {
	At      time.Duration `json:"at"` // since the run began
	What    eventKind     `json:"what"`
	Task    string        `json:"task,omitempty"`
	Kind    kind          `json:"kind,omitempty"`    // of the task, when it is sent
	Target  string        `json:"target,omitempty"`  // of a fault; of a call, the worker that makes it
	Call    int64         `json:"call,omitempty"`    // tells calls of the bank apart
	Key     string        `json:"key,omitempty"`     // its idempotency key
	Step    string        `json:"step,omitempty"`    //
	Undo    bool          `json:"undo,omitempty"`    //
	Account int           `json:"account,omitempty"` // of an effect
	Amount  int64         `json:"amount,omitempty"`  // what the effect added to it
	Status  int           `json:"status,omitempty"`  // of an answer
}

// eventKind is what was seen.
type eventKind string

// What is seen of clients, of the bank, and of the faults.
const (
	seenSent      eventKind = "sent"      // a client sends a task for the first time
	seenAccepted  eventKind = "accepted"  // it was told that the task is accepted
	seenRefused   eventKind = "refused"   // it was told that the task is not, for good
	seenCancelled eventKind = "cancelled" // it was told that the task will be cancelled

	seenArrived  eventKind = "arrived"  // a call has come to the bank
	seenEffect   eventKind = "effect"   // it had its effect
	seenReplayed eventKind = "replayed" // it had had it before, under the same key
	seenDeclined eventKind = "declined" // the bank will not, now or ever: no effect
	seenTooLate  eventKind = "too late" // a do that comes after its undo: no effect
	seenHungUp   eventKind = "hung up"  // its worker does not wait for the answer any longer
	seenLeft     eventKind = "left"     // the call is over, whatever came of it

	seenFault eventKind = "fault" // Step says which
)

// history takes down what is seen, one line of JSON each, in one order.
type history struct {
	mu    sync.Mutex
	began time.Time
	file  *os.File
	out   *bufio.Writer
	err   error
}

func newHistory(path string) (*history, error) {
	file, err := os.Create(path)
	if err != nil {
		return nil, fmt.Errorf("create the history: %w", err)
	}
	return &history{began: time.Now(), file: file, out: bufio.NewWriter(file)}, nil
}

// begin has the time count from now on.
func (h *history) begin() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.began = time.Now()
}

// now is how long the run has lasted.
func (h *history) now() time.Duration {
	h.mu.Lock()
	defer h.mu.Unlock()
	return time.Since(h.began)
}

// note takes an event down, with the present moment.
func (h *history) note(e event) {
	h.mu.Lock()
	defer h.mu.Unlock()
	e.At = time.Since(h.began)
	line, err := json.Marshal(e)
	if err == nil {
		_, err = h.out.Write(append(line, '\n'))
	}
	h.err = errors.Join(h.err, err)
}

// close writes the rest.
func (h *history) close() error {
	h.mu.Lock()
	defer h.mu.Unlock()
	return errors.Join(h.err, h.out.Flush(), h.file.Close())
}

// readHistory reads what was taken down.
func readHistory(path string) ([]event, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("open the history: %w", err)
	}
	defer func() { _ = file.Close() }()
	var all []event
	for lines := json.NewDecoder(bufio.NewReader(file)); ; {
		var e event
		switch err := lines.Decode(&e); {
		case errors.Is(err, io.EOF):
			return all, nil
		case err != nil:
			return nil, fmt.Errorf("read the history: %w", err)
		}
		all = append(all, e)
	}
}
