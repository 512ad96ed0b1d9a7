// Package crashpoints proves, by trying them all, that no death of a process loses or doubles anything.
//
// A [scenario] is a workflow with what its client does. It is carried out by the real engine: dispatcher, runner,
// sweeper and flusher, in virtual time, over a queue, a result store and a world of effects that outlive the process.
// Every call that writes to one of them has a place before and a place after it. The scenario is run once to list its
// places; then once more for each of them, with a fault there; then for pairs. Whatever the fault was, a fresh process
// that remembers nothing has to bring the task to its end, and the verdict holds what happened to what may happen.
//
// The package has tests only. `make crashpoints` tries everything and writes the table in docs/guarantees.md;
// `make test` tries every place once and some of the pairs.
package crashpoints
