package main

import (
	"math/rand/v2"
	"slices"
	"time"

	"github.com/osp-platform/osp/saga"
)

// kind is a kind of task of the workload.
type kind string

// The kinds. A transfer withdraws from one account and deposits on another.
const (
	kindPlain     kind = "transfer"
	kindLater     kind = "transfer later"        // not before a moment some seconds ahead
	kindDeclined  kind = "transfer, no deposit"  // the deposit is declined: the withdrawal is undone
	kindUndone    kind = "transfer, no receipt"  // the step after both is declined: both are undone, backwards
	kindCancelled kind = "transfer, cancelled"   // somebody cancels it some time after it was accepted
	kindReceipt   kind = "receipt"               // a row by entity.create, a fenced effect
	kindChecked   kind = "receipt that is wrong" // a row that the database refuses
)

// promise is how a kind of task may end.
type promise struct {
	ends    []saga.State
	steps   []string // that move money, in their order; all of them when the task completes
	receipt bool     // a row of its own when it completes
	weight  int      // how many of a hundred tasks
}

var promises = map[kind]promise{
	kindPlain:     {ends: ends(saga.Completed), steps: transfer, weight: 40},
	kindLater:     {ends: ends(saga.Completed), steps: transfer, weight: 8},
	kindDeclined:  {ends: ends(saga.Failed), steps: transfer, weight: 12},
	kindUndone:    {ends: ends(saga.Failed), steps: transfer, weight: 10},
	kindCancelled: {ends: ends(saga.Cancelled, saga.Completed), steps: transfer, weight: 15},
	// Its step has three attempts. A database that is away for longer fails it, with nothing left behind.
	kindReceipt: {ends: ends(saga.Completed, saga.Failed), receipt: true, weight: 12},
	kindChecked: {ends: ends(saga.Failed), receipt: true, weight: 3},
}

var transfer = []string{"withdraw", "deposit"}

func ends(s ...saga.State) []saga.State { return s }

// order is the kinds in one order.
var order = []kind{kindPlain, kindLater, kindDeclined, kindUndone, kindCancelled, kindReceipt, kindChecked}

func drawKind(dice *rand.Rand) kind {
	n := dice.IntN(100)
	i := slices.IndexFunc(order, func(k kind) bool {
		n -= promises[k].weight
		return n < 0
	})
	return order[i]
}

// dict is a JSON object.
type dict = map[string]any

// request makes the request for a task: all that differs between two tasks of a kind is drawn.
func request(id string, k kind, service string, dice *rand.Rand, now time.Time) dict {
	if k == kindReceipt || k == kindChecked {
		amount := any(1 + dice.IntN(100))
		if k == kindChecked {
			amount = "many"
		}
		return dict{
			"id": id, "type": "entity.create", "service": service,
			"input": dict{"entity": "receipts", "data": dict{"reference": id, "amount": amount}},
		}
	}
	from, to := 1+dice.IntN(accounts), 1+dice.IntN(accounts)
	amount := int64(1 + dice.IntN(50))
	withdraw := call{Task: id, Step: "withdraw", Account: from, Amount: -amount}
	deposit := call{Task: id, Step: "deposit", Account: to, Amount: amount, Decline: k == kindDeclined}
	for _, c := range []*call{&withdraw, &deposit} {
		c.Think = time.Duration(dice.IntN(1500)) * time.Millisecond
		c.Silent = dice.IntN(8) == 0
		if c.Deaf = dice.IntN(8) == 0; c.Deaf {
			c.Think = 3*time.Second + time.Duration(dice.IntN(9000))*time.Millisecond
		}
		if dice.IntN(8) == 0 {
			c.Hiccups = 1 + dice.IntN(2)
		}
	}
	steps := []dict{withdraw.step(), deposit.step()}
	if k == kindUndone {
		receipt := call{Task: id, Step: "receipt", Account: from, Decline: true}
		steps = append(steps, receipt.step())
	}
	r := dict{"id": id, "type": "http.saga", "input": dict{"steps": steps}}
	if k == kindLater {
		r["process_at"] = now.Add(time.Duration(1+dice.IntN(5)) * time.Second)
	}
	return r
}

// step is the call as a step of an http.saga. It has as many attempts as an outage may take.
func (c call) step() dict {
	timeout := 10
	if c.Deaf {
		timeout = 20
	}
	undo := call{Task: c.Task, Step: c.Step, Account: c.Account, Amount: c.Amount, Silent: c.Silent}
	return dict{
		"name":    c.Step,
		"do":      dict{"method": "POST", "url": bankHost + "/do", "body": c},
		"undo":    dict{"method": "POST", "url": bankHost + "/undo", "body": undo},
		"retry":   dict{"attempts": 100, "first_seconds": 0.2, "factor": 2, "max_seconds": 2},
		"timeout": timeout,
	}
}
