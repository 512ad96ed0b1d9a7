package journal

import (
	"testing"

	"github.com/osp-platform/osp/saga"
)

// An outbox entry comes back as it was written, and anything else is refused without harm.
func FuzzOutboxEntry(f *testing.F) {
	f.Add("child", int64(7), "parent", "loop[3]/ship", "7 parent loop[3]/ship")
	f.Add("", int64(-1), "", "", "")
	f.Add("c", int64(0), "p", "a b", "x y z  ")
	f.Fuzz(func(t *testing.T, child string, seq int64, parent, path, stored string) {
		_, _ = delivery(child, stored)
		if !saga.ValidID(parent) {
			return
		}
		want := saga.Delivery{Child: child, Seq: seq, Parent: parent, Path: path}
		if got, err := delivery(child, entry(want)); err != nil || got != want {
			t.Errorf("%+v came back as %+v, %v", want, got, err)
		}
	})
}

// Answers of Redis are read without harm, whatever they hold.
func FuzzReplies(f *testing.F) {
	f.Add("t", "default", "12", "0", "x", "completed", `1:1:5:{"k":"created","c":{"id":"a"}}`)
	f.Add("", "", "-", "1e9", "9223372036854775808", "", "2:1:1:{}")
	f.Fuzz(func(t *testing.T, kind, queue, epoch, due, version, finished, event string) {
		answer := reply{kind, queue, epoch, due, version, finished, []any{event}}
		s, err := snapshot("a", answer)
		if err != nil {
			return
		}
		if s.Ref.Type != kind || s.Ref.Queue != queue || s.Finished != (finished != "") || len(s.Events) != 1 || s.Stored[0] != event {
			t.Errorf("%q is read as %+v", answer, s)
		}
		for i := range 9 {
			_, _, _ = answer.int(i), answer.text(i), answer.list(i)
		}
	})
}

// A message's dedupe field is short, and different messages have different ones.
func FuzzDedupeField(f *testing.F) {
	f.Add("cancel", "undo")
	f.Add("signal/a/0123456789012345678901234567890123456789", "signal/a/0123456789012345678901234567890123456780")
	f.Add("#", "")
	f.Fuzz(func(t *testing.T, a, b string) {
		if len(dedupeField(a)) > 64 {
			t.Errorf("%q has a field of %d bytes", a, len(dedupeField(a)))
		}
		if (a == b) != (dedupeField(a) == dedupeField(b)) {
			t.Errorf("%q and %q: %q, %q", a, b, dedupeField(a), dedupeField(b))
		}
	})
}
