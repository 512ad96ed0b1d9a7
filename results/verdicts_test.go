package results_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/osp-platform/osp/results"
	"github.com/osp-platform/osp/saga"
)

func TestWhatAnAnswerMeansToATask(t *testing.T) {
	for _, c := range []struct {
		status    int
		code      string
		effect    string // what becomes of an effect
		row       string // what becomes of a row
		retryAfer string
	}{
		// What will never be taken.
		{400, "OSP01", "undone", "retry", ""},
		{400, "OSP02", "refused", "refused", ""},
		{400, "22000", "refused", "refused", ""},
		{400, "22001", "refused", "refused", ""},
		{400, "22003", "refused", "refused", ""},
		{400, "22021", "refused", "refused", ""},
		{400, "22023", "refused", "refused", ""},
		{400, "22P02", "refused", "refused", ""},
		{400, "22P05", "refused", "refused", ""},
		{400, "23502", "refused", "refused", ""},
		{409, "23503", "refused", "refused", ""},
		{409, "23505", "refused", "refused", ""},
		{400, "23514", "refused", "refused", ""},
		{400, "23P01", "refused", "refused", ""},
		{403, "42501", "refused", "refused", ""},
		{400, "21000", "refused", "refused", ""},
		{400, "P0001", "refused", "refused", ""},
		{500, "54000", "refused", "refused", ""},
		{413, "", "refused", "refused", ""},
		{503, "23514", "refused", "refused", "7"}, // the code says more than the status
		// What may succeed soon.
		{500, "40001", "retry", "retry", ""},
		{500, "40P01", "retry", "retry", ""},
		{500, "55P03", "retry", "retry", ""},
		{503, "53300", "retry", "retry", ""},
		{500, "57014", "retry", "retry", ""},
		{503, "57P01", "retry", "retry", ""},
		{503, "57P03", "retry", "retry", ""},
		{503, "PGRST000", "retry in 7s", "retry in 7s", "7"},
		{503, "PGRST001", "retry", "retry", ""},
		{503, "PGRST002", "retry", "retry", ""},
		{504, "PGRST003", "retry", "retry", ""},
		{408, "", "retry", "retry", ""},
		{429, "", "retry in 2s", "retry in 2s", "2"},
		{500, "", "retry", "retry", ""},
		{502, "", "retry", "retry", ""},
		{503, "", "retry in 1m0s", "retry in 1m0s", "Sun, 29 Mar 2026 01:01:00 GMT"},
		{504, "", "retry", "retry", ""},
		{520, "", "retry", "retry", ""},
		{522, "", "retry", "retry", ""},
		{541, "", "retry", "retry", ""},
		{542, "", "retry", "retry", ""},
		{543, "", "retry", "retry", ""},
		{544, "", "retry", "retry", ""},
		{545, "", "retry", "retry", ""},
		{546, "", "retry", "retry", ""},
		{547, "", "retry", "retry", ""},
		{548, "", "retry", "retry", ""},
		{549, "", "retry", "retry", ""},
		{301, "", "retry", "retry", ""},
		// What may succeed when somebody has mended something.
		{402, "", "retry in 30s", "retry in 30s", ""},
		{540, "", "retry in 30s", "retry in 30s", ""},
		{540, "", "retry in 1m30s", "retry in 1m30s", "90"},
		{401, "", "retry in 30s", "retry in 30s", ""},
		{401, "42501", "retry in 30s", "retry in 30s", ""},
		{401, "PGRST301", "retry in 30s", "retry in 30s", ""},
		{401, "PGRST303", "retry in 30s", "retry in 30s", ""},
		{404, "PGRST202", "retry in 30s", "retry in 30s", ""},
		{404, "PGRST205", "retry in 30s", "retry in 30s", ""},
		{404, "42883", "retry in 30s", "retry in 30s", ""},
		{404, "42P01", "retry in 30s", "retry in 30s", ""},
		{404, "", "retry in 30s", "retry in 30s", ""},
		{500, "25006", "retry in 30s", "retry in 30s", ""},
		{400, "42P07", "refused", "retry in 30s", ""}, // of an effect: it exists already; of a row: our function is broken
		{400, "42703", "refused", "retry in 30s", ""},
	} {
		t.Run(fmt.Sprint(c.status, " ", c.code), func(t *testing.T) {
			p := answering(t, func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Date", "Sun, 29 Mar 2026 01:00:00 GMT")
				w.Header().Set("Location", "https://elsewhere.invalid/")
				if c.retryAfer != "" {
					w.Header().Set("Retry-After", c.retryAfer)
				}
				w.WriteHeader(c.status)
				_, _ = fmt.Fprintf(w, `{"code":%q,"message":"no","details":"a secret","hint":null}`, c.code)
			})
			_, err := p.Apply(t.Context(), saga.Fence{Task: "t", Path: "p"}, "entity.insert", json.RawMessage(`{}`))
			var answer *results.APIError
			if !errors.As(err, &answer) || answer.Status != c.status || answer.Code != c.code {
				t.Fatalf("not the answer's error: %#v", err)
			}
			if strings.Contains(err.Error(), "secret") {
				t.Errorf("the error tells the details: %v", err)
			}
			if got := meaning(err, answer); got != c.effect {
				t.Errorf("an effect is %s, want %s", got, c.effect)
			}
			_, err = p.Save(t.Context(), results.Rows(saga.Task{ID: "a"}))
			if got := meaning(err, answer); got != c.row {
				t.Errorf("a row is %s, want %s", got, c.row)
			}
		})
	}
}

func meaning(err error, answer *results.APIError) string {
	switch {
	case errors.Is(err, saga.ErrUndone):
		return "undone"
	case saga.IsPermanent(err):
		return "refused"
	case answer.Pause() > 0:
		return "retry in " + answer.Pause().String()
	}
	return "retry"
}
