// Package storetest holds the conformance suite that every [saga.Journal] passes, and [Memory], a journal in memory
// that passes it: the journal of unit tests.
//
// An implementation runs the suite with [Run], handing it a way to open a journal and to let time pass on its clock:
//
//	func TestJournal(t *testing.T) { storetest.Run(t, setup) }
package storetest
