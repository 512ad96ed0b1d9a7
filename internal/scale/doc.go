// Package scale decides how many workers there should be for the work that is due, and on platforms that do not scale by
// a backlog themselves it sets that number: a [Scaler] asks what is due, applies a [Rule] and tells a [Driver].
package scale
