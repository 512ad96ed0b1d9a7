package saga

import (
	"strings"
	"time"
)

// MaxReason is how much of a dead letter's error is kept, in bytes.
const MaxReason = 500

// DeadLetter tells of a row that the result store has refused for good. Its task is not affected. The row counts as not
// written, so the journal does not expire; the next append has it tried again.
type DeadLetter struct {
	ID      string    `json:"id"`
	Type    string    `json:"type"`
	Version int64     `json:"version"` // of the row that was refused
	At      time.Time `json:"at"`
	Error   string    `json:"error"`
}

// DeadLetters is one page of dead letters, in the order of their ids.
type DeadLetters struct {
	Letters []DeadLetter `json:"dead_letters"`
	Next    string       `json:"next,omitempty"`
}

// Reason is what a dead letter keeps of an error's text.
func Reason(text string) string {
	return strings.ToValidUTF8(text[:min(len(text), MaxReason)], "")
}
