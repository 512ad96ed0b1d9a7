package model

// Rule is a rule of the protocol that may be left out, to see what comes of it.
type Rule string

// The rules.
const (
	Whole          Rule = "" // nothing is left out
	Epoch          Rule = "an append carries its epoch"
	FreshLease     Rule = "a fresh lease keeps others out"
	ReadCheck      Rule = "nothing is decided on a stale read"
	WakeUntilClaim Rule = "only a claim clears the wake mark"
	WakeMark       Rule = "a message without a lease leaves a wake mark"
	Overdue        Rule = "a lease that ended without a park is looked after"
	DueTimes       Rule = "a due time that passed is looked after"
	DirtyUntilRow  Rule = "a dirty mark stays until the row is written"
	CleanVersion   Rule = "a dirty mark is cleared for its own version only"
	RowFirst       Rule = "a journal expires only after its row is written"
	CallUnderLease Rule = "a do begins only while the lease lasts"
	UndoWaits      Rule = "an undo waits until no do can act any longer"
	StartFirst     Rule = "a start is recorded before the do is called"
)

// Rules lists them.
var Rules = []Rule{
	Epoch, FreshLease, ReadCheck, WakeUntilClaim, WakeMark, Overdue, DueTimes, DirtyUntilRow, CleanVersion,
	RowFirst, CallUnderLease, UndoWaits, StartFirst,
}
