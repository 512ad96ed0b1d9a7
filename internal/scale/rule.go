package scale

// Rule says how many workers a backlog needs. Its zero value says one.
type Rule struct {
	Min, Max  int // bounds; less than 1 counts as 1, for without a worker nothing that waits for its time begins
	PerWorker int // how many deliveries one worker is meant to have
}

// Desired is the backlog divided by PerWorker, rounded up, within the bounds.
func (r Rule) Desired(backlog int) int {
	per := max(r.PerWorker, 1)
	wanted := max(backlog, 0) / per
	if backlog > wanted*per {
		wanted++
	}
	least := max(r.Min, 1)
	return min(max(wanted, least), max(r.Max, least))
}
