package storetest

import (
	"testing"
	"time"
)

// atOnce is how long a case may take where it says that something happens at once: the shortest time that it is about is
// 100 ms, and a machine that does much else may keep it waiting for longer.
const atOnce = 50 * time.Millisecond

// try runs a case, and tells whether to run it again: it has failed, and was kept waiting.
func (c testCase) try(t *testing.T, s Subject, mayFail bool) (again bool) {
	t.Helper()
	if s.Clock == nil || !mayFail {
		c.test(&bench{TB: t, Subject: s})
		return false
	}
	a, began, ended := &attempt{TB: t}, s.Clock(), make(chan struct{})
	go func() {
		defer close(ended)
		c.test(&bench{TB: a, Subject: s})
	}()
	<-ended
	took := s.Clock().Sub(began)
	switch {
	case !a.failed:
		return false
	case took > atOnce:
		t.Logf("it took %v, and is tried again: %s", took, a.said)
		return true
	}
	t.Error(a.said)
	return false
}
