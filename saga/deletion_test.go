package saga_test

import (
	"testing"

	"github.com/osp-platform/osp/saga"
)

func TestWhatIsUnfinishedIsNamedWithTheMend(t *testing.T) {
	const one = ": cancel it (POST /v1/tasks/{id}/cancel) or wait, and delete then; if Redis has lost it, run osp recover first"
	const many = ": cancel them (POST /v1/tasks/{id}/cancel) or wait, and delete then; if Redis has lost them, run osp recover first"
	for _, c := range []struct {
		ids  []string
		want string
	}{
		{[]string{"a"}, "1 of its tasks has not ended, or its last row is not written yet (a)" + one},
		{[]string{"a", "b", "c"}, "3 of its tasks have not ended, or their last rows are not written yet (a, b, c)" + many},
		{[]string{"a", "b", "c", "d", "e"}, "5 of its tasks have not ended, or their last rows are not written yet (a, b, c and 2 more)" + many},
	} {
		if got := (&saga.UnfinishedError{IDs: c.ids}).Error(); got != c.want {
			t.Errorf("got  %s\nwant %s", got, c.want)
		}
	}
}
