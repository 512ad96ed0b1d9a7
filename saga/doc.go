// Package saga carries out workflows so that they finish or are undone.
//
// A [Workflow] is a tree of steps. Its leaves are activities: a do, and an undo that compensates it. A task is one
// durable run of a workflow, and everything that is known about it stands in its [Journal]: an ordered list of events.
// The fold of the journal is the [Record]; [Decide] says, from the workflow and the record alone, what comes next; and
// the [Runner] does what it says: claim, run, append, park.
//
// The journal decides, the queue only wakes. A delivery means no more than "look at the journal of this id and carry
// on", so deliveries may be late, doubled, spurious or lost.
//
// The package uses the standard library only. It has no clock, id or randomness of its own: they are passed in.
package saga
