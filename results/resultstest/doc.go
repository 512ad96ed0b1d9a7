// Package resultstest holds the suite that every [results.Store] passes.
//
// Tests keep apart by ids, owners and schemas of their own, so the store may be shared and need not be empty.
package resultstest
