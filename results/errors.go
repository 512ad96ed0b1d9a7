package results

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/osp-platform/osp/saga"
)

// APIError is an answer of Supabase that says no. The details of PostgreSQL's error, which hold the failing row, are
// not kept.
type APIError struct {
	Status  int    // HTTP status
	Code    string // SQLSTATE, or PostgREST's own (PGRST…); may be empty
	Message string
	Hint    string
	// RetryAfter is what the answer asked for; zero if it did not.
	RetryAfter time.Duration
}

// Error returns the message. Our own functions' refusals are written to be read by users.
func (e *APIError) Error() string {
	if e.Code == codeRefused || e.Code == codeUndone {
		return e.Message
	}
	text := strings.TrimSpace(fmt.Sprintf("supabase answered %d %s", e.Status, e.Code)) + ": " + e.Message
	switch {
	case e.Code == "" && (e.Status == 404 || e.Status/100 == 3):
		text += " (is SUPABASE_URL the project's? If so, run: osp migrate)"
	case e.missing():
		text += " (have the migrations been applied? run: osp migrate)"
	case e.Status == 401:
		text += " (is SUPABASE_SERVICE_ROLE_KEY the key of this project?)"
	}
	return text
}

// Is tells that an answer which may be another one soon means that the store is unavailable.
func (e *APIError) Is(target error) bool {
	return target == saga.ErrUnavailable && (e.verdict() == retries || e.verdict() == parks)
}

// Pause is how long to leave the store alone after this answer.
func (e *APIError) Pause() time.Duration {
	switch e.verdict() {
	case parks, forbids:
		return max(e.RetryAfter, parkPause)
	case retries, refuses, undone:
	}
	return e.RetryAfter
}

// parkPause is for answers that a person has to do something about.
const parkPause = 30 * time.Second

// The codes that the functions of deploy/supabase raise.
const (
	codeUndone  = "OSP01"
	codeRefused = "OSP02"
)

// verdict is what an answer means for the next attempt.
type verdict uint8

const (
	retries verdict = iota // the same call may succeed soon
	parks                  // it may succeed when somebody has mended something: the plan, the key, the migrations
	forbids                // this call will never succeed, though the data may be fine
	refuses                // the data will never be taken
	undone                 // the do comes after its undo
)

// verdicts says what the codes and statuses mean: the first line that matches, by whole code, by class or by status.
var verdicts = []struct {
	means    verdict
	codes    []string // a code of two characters is a class of SQLSTATEs
	statuses []int
}{
	{means: undone, codes: []string{codeUndone}},
	{means: refuses, codes: []string{codeRefused}},
	{means: parks, statuses: []int{401}}, // with 42501 too: the key has no role of ours
	{means: retries, codes: []string{
		"PGRST000", "PGRST001", "PGRST002", "PGRST003", "40", "55P03", "57", "53", "08", "58", "XX",
	}},
	{means: parks, codes: []string{
		"PGRST106", "PGRST202", "PGRST205", "PGRST300", "PGRST301", "PGRST302", "PGRST303", "42P01", "42883", "28",
		"25006", // read-only: the disk is full, or this is a replica
	}},
	{means: refuses, codes: []string{"42501"}}, // a row, or an effect, that a policy does not let in
	{means: forbids, codes: []string{"42", "55", "25"}},
	{means: refuses, codes: []string{"21", "22", "23", "54", "0A", "P0"}},
	{means: parks, statuses: []int{402, 403, 404, 540}},
	{means: retries, statuses: []int{408, 425, 429}},
	{means: refuses, statuses: []int{400, 406, 409, 413, 414, 415, 422}},
}

func (e *APIError) verdict() verdict {
	for _, v := range verdicts {
		if slices.Contains(v.statuses, e.Status) || slices.ContainsFunc(v.codes, func(code string) bool {
			return e.Code == code || len(code) == 2 && len(e.Code) == 5 && strings.HasPrefix(e.Code, code)
		}) {
			return v.means
		}
	}
	return retries
}

// missing tells whether our functions are not there.
func (e *APIError) missing() bool {
	return e.Status == 404 || slices.Contains([]string{"PGRST202", "PGRST205", "42P01", "42883"}, e.Code)
}

// definite tells whether the call certainly had no effect: PostgreSQL rolled it back, or it was not let in.
func (e *APIError) definite() bool {
	if len(e.Code) == 5 { // an SQLSTATE; all but those of a lost connection come from a transaction that was rolled back
		return !strings.HasPrefix(e.Code, "08") && e.Code != "57P01" && e.Code != "57P02" && e.Code != "57P03"
	}
	return e.Status < 500 && e.Status != 408 || e.Status == 540
}

// applyError marks the error of an effect with what it means to the engine.
func applyError(err error) error {
	e, ok := errors.AsType[*APIError](err)
	if !ok {
		return err
	}
	if e.definite() {
		err = saga.Definite(err)
	}
	switch e.verdict() {
	case undone:
		return fmt.Errorf("%w: %w", saga.ErrUndone, err)
	case refuses, forbids:
		return saga.Permanent(err)
	case parks, retries:
	}
	if pause := e.Pause(); pause > 0 {
		return saga.RetryAfter(err, pause)
	}
	return err
}

// saveError marks an error as permanent if the tasks themselves are at fault.
func saveError(err error) error {
	if e, ok := errors.AsType[*APIError](err); ok && e.verdict() == refuses {
		return saga.Permanent(err)
	}
	return err
}

// refuse is the error of an effect that can never happen; field is where in the args the fault is.
func refuse(field, format string, a ...any) error {
	return saga.Permanent(saga.Definite(fmt.Errorf("%s: %s", field, fmt.Sprintf(format, a...))))
}
