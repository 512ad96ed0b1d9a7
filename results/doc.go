// Package results keeps what tasks came to, where users look for it, and does what tasks do to a user's database.
//
// A [Store] is either [PostgREST] (the user's own Supabase, over HTTP) or [SQLite] (one file, for development). Both
// pass the suite in results/resultstest. The [Flusher] carries tasks from the journal to the store: in batches, newest
// version wins.
//
// An effect (see [Store.Apply]) happens once for a fence. The fence is a row that is written in the effect's own
// transaction; it answers a replay with the first result, lets an undo of what never happened succeed, and refuses a do
// that arrives after its undo.
package results
