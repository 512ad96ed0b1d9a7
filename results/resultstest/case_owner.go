package resultstest

import (
	"context"
	"errors"
	"strings"

	"github.com/osp-platform/osp/saga"
)

var ownerCases = []testCase{
	{"a service is its user's from when it is registered until that is undone", func(b *bench) {
		b.nobodys(b.schema)
		b.reserved()
		b.nobodys(b.schema)
		b.do("service.register", object{"name": "Shop", "entities": entities()})
		owner, err := b.ServiceOwner(b.Context(), b.schema)
		b.no(err)
		same(b, "owner", owner, b.user)
		b.undo("service.register", object{"name": "Shop", "entities": entities()})
		b.nobodys(b.schema)
	}},
	{"an owner is told in lower case", func(b *bench) {
		b.user = "ABCDEF00" + b.user[8:]
		b.reserved()
		b.do("service.register", object{"name": "Shop", "entities": entities()})
		owner, err := b.ServiceOwner(b.Context(), b.schema)
		b.no(err)
		same(b, "owner", owner, strings.ToLower(b.user))
	}},
	{"what is no service is nobody's", func(b *bench) {
		for _, name := range []string{"", "public", "osp", "none_1", strings.Repeat("a", 300), `a"; drop schema osp; --`, "../../auth/v1/admin", "é"} {
			b.nobodys(name)
		}
	}},
	{"a question that was given up fails, and does not say nobody's", func(b *bench) {
		ctx, cancel := context.WithCancel(b.Context())
		cancel()
		if owner, err := b.ServiceOwner(ctx, b.schema); err == nil || errors.Is(err, saga.ErrNotFound) {
			b.Errorf("got %q, %v", owner, err)
		}
	}},
}

func (b *bench) nobodys(schema string) {
	b.Helper()
	if owner, err := b.ServiceOwner(b.Context(), schema); !errors.Is(err, saga.ErrNotFound) || owner != "" {
		b.Errorf("%.40q is of %q, %v", schema, owner, err)
	}
}
