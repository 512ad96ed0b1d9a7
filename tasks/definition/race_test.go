//go:build race

package definition_test

// slow is how many times slower the race detector makes it.
const slow = 10
