package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// newAPIKey makes a key as people do, and returns it and its entry for OSP_API_KEYS.
func newAPIKey(t *testing.T, args ...string) (key, entry string) {
	t.Helper()
	code, out := command(t, nil, append([]string{"key"}, args...)...)
	if code != exitOK {
		t.Fatalf("osp key %v: %s", args, out)
	}
	fields := strings.Fields(out)
	return fields[4], fields[len(fields)-1]
}

func TestKeysThatCannotBeMade(t *testing.T) {
	for _, c := range []struct {
		args []string
		want string
	}{
		{nil, "write osp key NAME ROLE [SERVICE]"},
		{[]string{"ci"}, "write osp key NAME ROLE [SERVICE]"},
		{[]string{"ci", "starter", "shop_1", "x"}, "write osp key NAME ROLE [SERVICE]"},
		{[]string{"ci", "boss"}, "the role must be reader, starter or operator"},
		{[]string{"c:i", "starter"}, "the name must be 1 to 64 letters, digits, dots, dashes or underscores: write osp key NAME ROLE [SERVICE]"},
		{[]string{"My Key", "starter"}, "the name must be 1 to 64 letters, digits, dots, dashes or underscores: write osp key NAME ROLE [SERVICE]"},
		{[]string{"ci", "starter", "my shop"}, "the service must be the name of its schema"},
		{[]string{"ci", "starter", "../../auth"}, "the service must be the name of its schema"},
		{[]string{"ci", "starter", ""}, "the service must be the name of its schema"},
		{[]string{"ci", "operator", "shop_1"}, "a key of one service is a reader or a starter"},
	} {
		code, out := command(t, nil, append([]string{"key"}, c.args...)...)
		if code != exitUsage || !strings.Contains(out, c.want) || strings.Contains(out, "osp_") {
			t.Errorf("osp key %q: exit %d, %s; want %q", c.args, code, out, c.want)
		}
	}
}

func TestHelpTellsWhatAnOperatorMayDo(t *testing.T) {
	_, out := command(t, nil, "help", "key")
	for _, want := range []string{"resolves", "dead letters", "deletes", "monitor"} {
		if !strings.Contains(strings.Join(strings.Fields(out), " "), want) {
			t.Errorf("no word of %s in\n%s", want, out)
		}
	}
}

func TestAKeyOfOneService(t *testing.T) {
	key, entry := newAPIKey(t, "till", "starter", "shop_1")
	api := start(t, "api", append(here(t), "OSP_AUTH=on", "OSP_API_KEYS="+entry)...)
	for _, c := range []struct {
		method, path string
		body         any
		want         int
	}{
		{"GET", "/v1/tasks", nil, 200},
		{"GET", "/v1/tasks?service=shop_2", nil, 403},
		{"POST", "/v1/tasks", dict{"type": "entity.create", "input": dict{"entity": "item", "data": dict{"name": "tea"}}}, 202},
		{"POST", "/v1/tasks", dict{"type": "entity.create", "service": "shop_2", "input": dict{"entity": "item", "data": dict{"name": "tea"}}}, 403},
		{"POST", "/v1/tasks", dict{"type": "service.create", "input": dict{"name": "x", "entities": []dict{{"name": "a"}}}}, 403},
		{"POST", "/v1/tasks", dict{"type": "http.saga", "input": dict{}}, 403},
		{"GET", "/monitor/", nil, 403},
	} {
		if status, raw, _ := api.call(c.method, c.path, c.body, "Authorization", "Bearer "+key); status != c.want {
			t.Errorf("%s %s %v: %d, want %d: %s", c.method, c.path, c.body, status, c.want, raw)
		}
	}
}

// The file is swapped as Kubernetes does it: a symbolic link comes to point to another folder.
func TestKeysRotateWithoutARestart(t *testing.T) {
	old, oldEntry := newAPIKey(t, "old", "reader")
	next, nextEntry := newAPIKey(t, "next", "reader")
	dir := t.TempDir()
	write := func(version, entries string) {
		t.Helper()
		folder := filepath.Join(dir, version)
		if err := os.Mkdir(folder, 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(folder, "keys"), []byte(entries), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Symlink(version, filepath.Join(dir, "link")); err != nil {
			t.Fatal(err)
		}
		if err := os.Rename(filepath.Join(dir, "link"), filepath.Join(dir, "data")); err != nil {
			t.Fatal(err)
		}
	}
	write("1", oldEntry)
	api := start(t, "api", append(here(t), "OSP_AUTH=on", "OSP_API_KEYS_FILE="+filepath.Join(dir, "data", "keys"))...)
	ask := func(key string) int {
		status, _, _ := api.call("GET", "/v1/types", nil, "Authorization", "Bearer "+key)
		return status
	}
	if ask(old) != 200 || ask(next) != 401 {
		t.Fatalf("at the start the old key gets %d, the next one %d", ask(old), ask(next))
	}
	for _, step := range []struct {
		name, entries string
		old, next     int
	}{
		{"2", oldEntry + "\n" + nextEntry + "\n", 200, 200},
		{"3", nextEntry, 401, 200},
	} {
		write(step.name, step.entries)
		eventually(t, enough, func() bool { return ask(old) == step.old && ask(next) == step.next },
			func() any { return []int{ask(old), ask(next)} })
	}
	write("4", "a mistake")
	eventually(t, enough, func() bool {
		return strings.Contains(api.log(), "OSP_API_KEYS_FILE") && strings.Contains(api.log(), "is wrong")
	},
		func() any { return api.log() })
	if ask(next) != 200 {
		t.Error("a mistake in the file took the keys away")
	}
	write("5", "\n")
	eventually(t, enough, func() bool { return ask(next) == 401 }, func() any { return ask(next) })
}
