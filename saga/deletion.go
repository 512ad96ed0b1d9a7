package saga

import (
	"fmt"
	"strings"
	"time"
)

// SubjectKind says what a deletion is about.
type SubjectKind string

// The kinds of subjects.
const (
	SubjectTask    SubjectKind = "task"    // a task and the tasks below it; by id
	SubjectService SubjectKind = "service" // a service's tables and its tasks; by schema
	SubjectUser    SubjectKind = "user"    // a user's tasks, services and rows; by UUID
)

// Deletion asks for all that is kept of a subject to be deleted.
type Deletion struct {
	ID      string      `json:"id"` // in the audit; the same one again is the same deletion. Empty: a new one
	Kind    SubjectKind `json:"kind"`
	Subject string      `json:"subject"`
	Reason  string      `json:"reason"`
	By      string      `json:"by"`
	// DryRun only tells what there is.
	DryRun bool `json:"dry_run"`
	// Forgotten are the tasks whose journals are gone: rows of others are not deleted.
	Forgotten []string `json:"forgotten"`
}

// Deleted is what a deletion has deleted, or would delete.
type Deleted struct {
	ID       string   `json:"id"`       // of the deletion
	Tasks    []string `json:"tasks"`    // their ids
	Services []string `json:"services"` // their schemas
	// Unfinished are those of Tasks that have not ended, or whose parents may still want them undone. While there are
	// any nothing is deleted.
	Unfinished []string  `json:"unfinished"`
	Counts     Counts    `json:"counts"`
	At         time.Time `json:"at"`
	// Done is false for a dry run, while there are Unfinished, and when there are tasks that are not in Forgotten. A deletion
	// that was done before tells its Counts and At only.
	Done bool `json:"done"`
}

// Counts is how many of what a deletion was about.
type Counts struct {
	Tasks    int64 `json:"tasks"`
	Steps    int64 `json:"steps"`
	Fences   int64 `json:"fences"`
	Services int64 `json:"services"`
	Rows     int64 `json:"rows"` // in the tables of services
}

// Unwritten is a task that the result store does not have as its journal tells it.
type Unwritten struct {
	ID      string `json:"id"`
	Version int64  `json:"version"` // the journal's
	// State is the one in which the task has ended, if the store has refused its last row for good; else it is empty.
	State State `json:"state"`
}

// UnfinishedError means that nothing was deleted, for some of the tasks have not ended.
type UnfinishedError struct {
	IDs []string // theirs; the first few are named
}

func (e *UnfinishedError) Error() string {
	have, row, them := "have", "their last rows are", "them"
	if len(e.IDs) == 1 {
		have, row, them = "has", "its last row is", "it"
	}
	shown, more := e.IDs[:min(len(e.IDs), 3)], ""
	if n := len(e.IDs) - len(shown); n > 0 {
		more = fmt.Sprintf(" and %d more", n)
	}
	return fmt.Sprintf("%d of its tasks %s not ended, or %s not written yet (%s%s): cancel %s (POST /v1/tasks/{id}/cancel) "+
		"or wait, and delete then; if Redis has lost %[6]s, run osp recover first", len(e.IDs), have, row,
		strings.Join(shown, ", "), more, them)
}

// Is makes it an [ErrUnfinished].
func (e *UnfinishedError) Is(target error) bool { return target == ErrUnfinished }

// MaxDeletionReason bounds the reason of a deletion, in bytes.
const MaxDeletionReason = 2000

// Check refuses what cannot be carried out. It brings a user's UUID into its usual form. Errors: *[InvalidError].
func (d *Deletion) Check() error {
	switch d.Kind {
	case SubjectTask, SubjectService:
		if !ValidID(d.Subject) {
			return Invalid("/"+string(d.Kind), "%q is none of 1 to 128 letters, digits and . _ : -", d.Subject)
		}
	case SubjectUser:
		d.Subject = strings.ToLower(d.Subject)
		if !ValidUUID(d.Subject) {
			return Invalid("/user_id", "%q is not a UUID", d.Subject)
		}
	default:
		return Invalid("", "say what is to be deleted: a task, a service or a user")
	}
	if n := len(d.Reason); n == 0 || n > MaxDeletionReason {
		return Invalid("/reason", "must be 1 to %d bytes: the audit keeps it", MaxDeletionReason)
	}
	return nil
}
