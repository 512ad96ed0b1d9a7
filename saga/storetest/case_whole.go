package storetest

import (
	"time"

	"github.com/osp-platform/osp/saga"
)

// given starts a task under an id that somebody gave.
func (b *bench) given(id string) error {
	b.Helper()
	_, err := b.Journal.Start(b.Context(), saga.Start{Created: created(id), Given: true})
	return err
}

func (b *bench) life() string {
	b.Helper()
	life, err := b.Journal.Life(b.Context())
	b.no(err)
	return life
}

// callWhole tells whether the life goes on in which everything was found to be there.
func (b *bench) callWhole(life string) bool {
	b.Helper()
	same, err := b.Journal.CallWhole(b.Context(), life)
	b.no(err)
	return same
}

func (b *bench) whole() bool {
	b.Helper()
	whole, err := b.Journal.Whole(b.Context())
	b.no(err)
	return whole
}

var wholeCases = []testCase{
	{"a given id is refused until the journal is called whole", func(b *bench) {
		b.wants(saga.ErrIncomplete, b.given("a"))
		_, err := b.Journal.Read(b.Context(), "a")
		b.wants(saga.ErrNotFound, err)
		b.started("a")
		b.no(b.given("a")) // it is there
		same(b, "its life goes on", b.callWhole(b.life()), true)
		b.no(b.given("b"))
		same(b, "whole", b.whole(), true)
		b.Lose()
		b.wants(saga.ErrIncomplete, b.given("a"))
		same(b, "whole", b.whole(), false)
	}},
	{"its life has one name until it is lost", func(b *bench) {
		life := b.life()
		b.started("a")
		same(b, "the name", b.life(), life)
		b.Lose()
		b.Advance(time.Millisecond) // a Redis takes longer to come back
		same(b, "the same name", b.life() == life, false)
	}},
	{"it is not called whole in another life than the one in which that was found out", func(b *bench) {
		life := b.life()
		b.Lose()
		same(b, "its life goes on, before it has a name", b.callWhole(life), false)
		same(b, "whole", b.whole(), false)
		b.Advance(time.Millisecond)
		now := b.life()
		same(b, "its life goes on", b.callWhole(life), false)
		same(b, "whole", b.whole(), false)
		b.wants(saga.ErrIncomplete, b.given("a"))
		same(b, "the present life goes on", b.callWhole(now), true)
		same(b, "a late word about the lost life", b.callWhole(life), false)
		same(b, "whole", b.whole(), true)
	}},
	{"what was never a life is none", func(b *bench) {
		same(b, "it goes on", b.callWhole(""), false)
		b.life()
		same(b, "it goes on", b.callWhole(""), false)
		same(b, "whole", b.whole(), false)
	}},
}
