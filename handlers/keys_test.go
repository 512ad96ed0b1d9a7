package handlers

import (
	"strings"
	"testing"
)

func TestParseKeys(t *testing.T) {
	a, b := hashOf("osp_a"), strings.ToUpper(hashOf("osp_b"))
	keys, err := ParseKeys("\nshop:starter:" + a + " ,\n ops:operator:" + b + ",\n")
	if err != nil || len(keys) != 2 {
		t.Fatalf("got %v, %v", keys, err)
	}
	if keys[0].Name != "shop" || keys[0].Role != RoleStarter || keys[1].Name != "ops" || keys[1].Role != RoleOperator {
		t.Errorf("got %v", keys)
	}
	bound, err := ParseKeys("till:starter:" + a + ":shop_1")
	if err != nil {
		t.Fatal(err)
	}
	till := Principal{Name: "till", Role: RoleStarter, Service: "shop_1"}
	if p, err := Keys(bound).Authenticate(t.Context(), "osp_a"); err != nil || p != till {
		t.Errorf("got %v, %v", p, err)
	}
	if p, err := Keys(keys).Authenticate(t.Context(), "osp_b"); err != nil || p != (Principal{Name: "ops", Role: RoleOperator}) {
		t.Errorf("got %v, %v", p, err)
	}
}

const serviceSays = "the service must be the name of its schema: a-z, 0-9 and _, at most 63, no digit first"

func TestParseKeysSaysWhichEntryIsWrong(t *testing.T) {
	good := "shop:starter:" + hashOf("osp_a")
	cases := []struct{ what, keys, want string }{
		{"nothing", "", "no API keys: give at least one name:role:sha256-hex or name:role:sha256-hex:service"},
		{"only commas", " , ,", "no API keys: give at least one name:role:sha256-hex or name:role:sha256-hex:service"},
		{"two parts", good + ",ops:operator", `API key 2 ("ops"): write it as name:role:sha256-hex or name:role:sha256-hex:service`},
		{"a key in the place of all", "osp_secret", `API key 1: write it as name:role:sha256-hex or name:role:sha256-hex:service`},
		{"no name", ":reader:" + hashOf("x"), `API key 1: the name must be 1 to 64 letters, digits, dots, dashes or underscores`},
		{"another role", "ops:admin:" + hashOf("x"), `API key 1 ("ops"): the role must be reader, starter or operator`},
		{"a short hash", "ops:reader:abcd", `API key 1 ("ops"): the hash must be 64 hexadecimal digits`},
		{"no hash", "ops:reader:" + strings.Repeat("x", 64), `API key 1 ("ops"): the hash must be 64 hexadecimal digits`},
		{
			"a key for a hash", "ops:reader:osp_secret",
			`API key 1 ("ops"): holds a key itself; put its SHA-256 there, and replace the key, for it may have been seen`,
		},
		{"five parts", good + ":shop_1:x", `API key 1 ("shop"): write it as name:role:sha256-hex or name:role:sha256-hex:service`},
		{"an empty service", good + ":", `API key 1 ("shop"): ` + serviceSays},
		{"a service that is none", good + ":../../auth", `API key 1 ("shop"): ` + serviceSays},
		{"a long service", good + ":" + strings.Repeat("a", 64), `API key 1 ("shop"): ` + serviceSays},
		{
			"an operator of one service", "ops:operator:" + hashOf("x") + ":shop_1",
			`API key 1 ("ops"): a key of one service is a reader or a starter, for operators see all services`,
		},
		{"a name twice", good + ",shop:reader:" + hashOf("y"), `API key 2 ("shop"): the name is used twice`},
		{"a key twice", good + ",ops:reader:" + hashOf("osp_a"), `API key 2 ("ops"): same key as "shop"`},
	}
	for _, tc := range cases {
		t.Run(tc.what, func(t *testing.T) {
			_, err := ParseKeys(tc.keys)
			if err == nil || err.Error() != tc.want {
				t.Errorf("got %v, want %s", err, tc.want)
			}
			if err != nil && strings.Contains(err.Error(), "secret") {
				t.Error("a secret is shown")
			}
		})
	}
}

func TestATokenWithoutThePrefixIsNoKey(t *testing.T) {
	keys, err := ParseKeys("a:reader:" + hashOf("plain"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Keys(keys).Authenticate(t.Context(), "plain"); err == nil {
		t.Error("accepted")
	}
}

func TestNoKeysLetNobodyIn(t *testing.T) {
	w := newWorld(t, func(c *Config) { c.Auth = Keys(nil) })
	w.must(401, "GET /v1/types", "", "Authorization: Bearer "+readerKey)
}

func TestRoles(t *testing.T) {
	for _, r := range []Role{RoleReader, RoleStarter, RoleOperator} {
		if got, ok := ParseRole(r.String()); !ok || got != r {
			t.Errorf("%v becomes %v", r, got)
		}
	}
	for _, s := range []string{"", "Reader", "root"} {
		if _, ok := ParseRole(s); ok {
			t.Errorf("%q is a role", s)
		}
	}
}

func TestKeysAreReplaced(t *testing.T) {
	ring := &KeyRing{}
	w := newWorld(t, func(c *Config) { c.Auth = ring })
	ask := func(key string) int { return w.call("GET /v1/types", "", "Authorization: Bearer "+key).Code }
	if got := ask(readerKey); got != 401 {
		t.Errorf("an empty ring answers %d", got)
	}
	for _, key := range []string{readerKey, starterKey} {
		keys, err := ParseKeys("now:reader:" + hashOf(key))
		if err != nil {
			t.Fatal(err)
		}
		ring.Replace(keys)
		if got := ask(key); got != 200 {
			t.Errorf("the key of now gets %d", got)
		}
	}
	if got := ask(readerKey); got != 401 {
		t.Errorf("the key of before gets %d", got)
	}
}
