package scale

import (
	"fmt"
	"math"
	"testing"
)

func TestTheRule(t *testing.T) {
	r := Rule{Min: 2, Max: 10, PerWorker: 64}
	for _, c := range []struct {
		rule          Rule
		backlog, want int
	}{
		{r, 0, 2},
		{r, 128, 2},
		{r, 129, 3},
		{r, 192, 3},
		{r, 193, 4},
		{r, 640, 10},
		{r, 641, 10},
		{r, math.MaxInt, 10},
		{r, -5, 2},
		{Rule{}, 0, 1},
		{Rule{}, 500, 1},
		{Rule{Min: -3, Max: 5, PerWorker: 1}, 0, 1},
		{Rule{Min: 4, Max: 2, PerWorker: 1}, 9, 4},
		{Rule{Max: math.MaxInt, PerWorker: 1}, math.MaxInt, math.MaxInt},
	} {
		if got := c.rule.Desired(c.backlog); got != c.want {
			t.Errorf("%+v of %d: %d, want %d", c.rule, c.backlog, got, c.want)
		}
	}
}

func ExampleRule() {
	rule := Rule{Min: 1, Max: 10, PerWorker: 64}
	fmt.Println(rule.Desired(0), rule.Desired(65), rule.Desired(100_000))
	// Output: 1 2 10
}
