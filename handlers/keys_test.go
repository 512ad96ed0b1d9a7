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
	if p, err := Keys(keys).Authenticate(t.Context(), "osp_b"); err != nil || p != (Principal{Name: "ops", Role: RoleOperator}) {
		t.Errorf("got %v, %v", p, err)
	}
}

func TestParseKeysSaysWhichEntryIsWrong(t *testing.T) {
	good := "shop:starter:" + hashOf("osp_a")
	cases := []struct{ what, keys, want string }{
		{"nothing", "", "no API keys: give at least one name:role:sha256-hex"},
		{"only commas", " , ,", "no API keys: give at least one name:role:sha256-hex"},
		{"two parts", good + ",ops:operator", `API key 2 ("ops"): has 2 of the 3 parts name:role:sha256-hex`},
		{"a key in the place of all", "osp_secret", `API key 1: has 1 of the 3 parts name:role:sha256-hex`},
		{"no name", ":reader:" + hashOf("x"), `API key 1: the name must be 1 to 64 letters, digits, dots, dashes or underscores`},
		{"another role", "ops:admin:" + hashOf("x"), `API key 1 ("ops"): the role must be reader, starter or operator`},
		{"a short hash", "ops:reader:abcd", `API key 1 ("ops"): the hash must be 64 hexadecimal digits`},
		{"no hash", "ops:reader:" + strings.Repeat("x", 64), `API key 1 ("ops"): the hash must be 64 hexadecimal digits`},
		{
			"a key for a hash", "ops:reader:osp_secret",
			`API key 1 ("ops"): holds a key itself; put its SHA-256 there, and replace the key, for it may have been seen`,
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
