package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"
)

// The bank keeps its accounts in the same PostgreSQL, in a schema of its own. What a key has done is written down in the
// transaction that does it.
const bankSchema = `
create schema bank;
create table bank.accounts (id int primary key, balance bigint not null);
create table bank.calls (
    key text primary key, task text not null, step text not null, undo boolean not null,
    account int not null, amount bigint not null
);
create index on bank.calls (task, step);
`

const (
	accounts       = 40
	initialBalance = 1000
)

// ledger does what calls ask for, each key once.
type ledger struct{ idle chan *pgx.Conn }

func openLedger(ctx context.Context, url string, connections int) (*ledger, error) {
	l := &ledger{idle: make(chan *pgx.Conn, connections)}
	for range connections {
		conn, err := pgx.Connect(ctx, url)
		if err != nil {
			l.close(ctx)
			return nil, fmt.Errorf("connect the bank to its accounts: %w", err)
		}
		l.idle <- conn
	}
	return l, l.do(ctx, func(tx pgx.Tx) error {
		_, err := tx.Exec(ctx, "insert into bank.accounts select n, $1 from generate_series(1, $2) n", initialBalance, accounts)
		if err != nil {
			return fmt.Errorf("open the accounts: %w", err)
		}
		return nil
	})
}

func (l *ledger) close(ctx context.Context) {
	for len(l.idle) > 0 {
		_ = (<-l.idle).Close(ctx)
	}
}

func (l *ledger) do(ctx context.Context, do func(pgx.Tx) error) error {
	conn := <-l.idle
	defer func() { l.idle <- conn }()
	if err := pgx.BeginFunc(ctx, conn, do); err != nil {
		return fmt.Errorf("the bank's transaction: %w", err)
	}
	return nil
}

// apply does what a call asks for, and says what came of it and what was added to the account. It takes every new key for a
// new wish, as endpoints do: were a key to change between two attempts of the same call, money would move twice. One thing
// is asked of an endpoint that may be slow, and done here: a do that comes after its undo is refused. Two calls of the same step
// must not be in here at once.
func (l *ledger) apply(ctx context.Context, c call) (came eventKind, added int64, err error) {
	err = l.do(ctx, func(tx pgx.Tx) error {
		came, added = seenReplayed, 0
		var seen, undone bool
		var done int64
		err := tx.QueryRow(ctx, `
			select coalesce(bool_or(key = $1), false), coalesce(bool_or(undo), false), coalesce(sum(amount) filter (where not undo), 0)
			from bank.calls where task = $2 and step = $3`, c.key, c.Task, c.Step).Scan(&seen, &undone, &done)
		switch {
		case err != nil || seen:
			return err
		case c.undo:
			came, added = seenEffect, -done
		case undone:
			came = seenTooLate
			return nil
		default:
			came, added = seenEffect, c.Amount
		}
		return move(ctx, tx, c, added)
	})
	return came, added, err
}

func move(ctx context.Context, tx pgx.Tx, c call, amount int64) error {
	_, err := tx.Exec(ctx, "insert into bank.calls values ($1, $2, $3, $4, $5, $6)", c.key, c.Task, c.Step, c.undo, c.Account, amount)
	if err != nil {
		return err
	}
	moved, err := tx.Exec(ctx, "update bank.accounts set balance = balance + $1 where id = $2", amount, c.Account)
	if err == nil && moved.RowsAffected() != 1 {
		err = errors.New("there is no such account")
	}
	return err
}

// balances reads all accounts.
func (l *ledger) balances(ctx context.Context) (map[int]int64, error) {
	all := map[int]int64{}
	err := l.do(ctx, func(tx pgx.Tx) error {
		rows, err := tx.Query(ctx, "select id, balance from bank.accounts")
		if err != nil {
			return err
		}
		var id int
		var balance int64
		_, err = pgx.ForEachRow(rows, []any{&id, &balance}, func() error {
			all[id] = balance
			return nil
		})
		return err
	})
	return all, err
}
