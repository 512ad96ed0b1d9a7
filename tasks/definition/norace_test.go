//go:build !race

package definition_test

// slow is how many times slower the race detector makes it: there is none.
const slow = 1
