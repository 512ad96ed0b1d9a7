package results

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/osp-platform/osp/saga"
)

// storedRow is a row as it is stored: with the step it is at, for those who read the table.
type storedRow struct {
	saga.Task
	CurrentStep string `json:"current_step,omitempty"`
	Attempt     int    `json:"attempt,omitempty"`
	Parent      string `json:"parent,omitempty"`
	Journal     string `json:"journal,omitempty"` // one event a line; their JSON has no line breaks
}

// encodeRow returns the row's JSON, without what PostgreSQL cannot store.
func encodeRow(row Row) (json.RawMessage, error) {
	t := row.Task
	r := storedRow{Task: t, Parent: row.Parent, Journal: strings.Join(row.Journal, "\n")}
	for _, s := range t.Steps {
		switch s.State {
		case saga.StepRunning, saga.StepWaiting:
			r.CurrentStep, r.Attempt = s.Path, s.Attempts
		case saga.StepCompensating, saga.StepStuck:
			r.CurrentStep, r.Attempt = s.Path, s.UndoAttempts
		case saga.StepCompleted, saga.StepFailed, saga.StepCompensated, saga.StepNotUndone:
		}
	}
	body, err := json.Marshal(r)
	if err != nil {
		return nil, saga.Permanent(fmt.Errorf("encode task %s: %w", t.ID, err))
	}
	return clean(body), nil
}

// decodeTask reads a task as a store gives it.
func decodeTask(body []byte) (saga.Task, error) {
	var t saga.Task
	if err := json.Unmarshal(body, &t); err != nil {
		return t, fmt.Errorf("decode a stored task: %w", err)
	}
	if string(t.Output) == "null" {
		t.Output = nil
	}
	t.CreatedAt = t.CreatedAt.UTC()
	for _, p := range []*time.Time{t.StartedAt, t.CompletedAt, t.WaitingFor} {
		if p != nil {
			*p = p.UTC()
		}
	}
	return t, nil
}

// clean takes out of JSON what PostgreSQL refuses: NUL is dropped, a lone surrogate and broken UTF-8 become U+FFFD.
func clean(body []byte) []byte {
	if !utf8.Valid(body) {
		body = bytes.ToValidUTF8(body, []byte("\uFFFD"))
	}
	if !bytes.Contains(body, []byte(`\u`)) {
		return body
	}
	out := make([]byte, 0, len(body))
	for i := 0; i < len(body); {
		if body[i] != '\\' || i+1 == len(body) {
			out = append(out, body[i])
			i++
			continue
		}
		unit, n := escape(body[i:]), 6
		switch {
		case unit < 0: // \n, \\ and their like
			n = 2
			out = append(out, body[i:i+n]...)
		case unit == 0:
		case unit >= 0xD800 && unit < 0xDC00 && escape(body[i+n:]) >= 0xDC00 && escape(body[i+n:]) < 0xE000:
			n = 12
			out = append(out, body[i:i+n]...)
		case unit >= 0xD800 && unit < 0xE000:
			out = append(out, `\ufffd`...)
		default:
			out = append(out, body[i:i+n]...)
		}
		i += n
	}
	return out
}

// escape returns the code unit of a \uXXXX that b begins with, or -1.
func escape(b []byte) int {
	if len(b) < 6 || b[0] != '\\' || b[1] != 'u' {
		return -1
	}
	unit := 0
	for _, c := range b[2:6] {
		unit <<= 4
		switch {
		case c >= '0' && c <= '9':
			unit |= int(c - '0')
		case c|0x20 >= 'a' && c|0x20 <= 'f':
			unit |= int(c|0x20-'a') + 10
		default:
			return -1
		}
	}
	return unit
}
