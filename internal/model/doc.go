// Package model is the protocol of the journal, small enough that every state of it can be looked at: one task of a step
// and a wait, two runners, those who send it messages, sweepers, two flushers, and a queue that forgets.
//
// It has what the scripts in journal/lua do, each as one indivisible action; what a runner does between two of them; and
// what time and misfortune do. [Search] walks all states that can be reached, in any order of actions, and holds each to
// the laws in law.go. Each rule of the protocol can be left out (see [Rule]); the tests show that each is needed.
//
// It is a model: that the scripts and the runner do what it says is for saga/storetest and internal/crashpoints to show.
package model
