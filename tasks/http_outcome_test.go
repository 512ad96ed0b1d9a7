package tasks

import "testing"

func TestEveryStatusHasAnOutcome(t *testing.T) {
	special := map[int]outcome{408: again, 409: conflicted, 425: again, 429: again}
	for status := 100; status < 600; status++ {
		want, ok := special[status]
		switch {
		case ok:
		case status < 200, status >= 300 && status < 400:
			want = conflicted
		case status < 300:
			want = succeeded
		case status < 500:
			want = refused
		default:
			want = again
		}
		if got := outcomeOf(status); got != want {
			t.Errorf("%d: got %d, want %d", status, got, want)
		}
	}
}
