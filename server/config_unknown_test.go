package server

import (
	"log/slog"
	"maps"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
)

func TestMisspeltVariablesAreToldOf(t *testing.T) {
	for _, c := range []struct{ name, variable, want string }{
		{"a letter too few", "OSP_CONCURENCY=5", "osp knows no such variable and ignores it: is it meant to be OSP_CONCURRENCY?"},
		{"a file of it", "OSP_API_KEY_FILE=/run/keys", "osp knows no such variable and ignores it: is it meant to be OSP_API_KEYS_FILE?"},
		{"letters that have changed places", "OSP_QUEUSE=a", "osp knows no such variable and ignores it: is it meant to be OSP_QUEUES?"},
		{"something else", "OSP_COLOUR_OF_LOGS=red", "osp knows no such variable and ignores it"},
		{"one that is known", "OSP_CONCURRENCY=5", ""},
		{"neighbours swapped, where another is as near", "OSP_SMPT_URL=a", "osp knows no such variable and ignores it: is it meant to be OSP_SMTP_URL?"},
		{"its file", "OSP_CONCURRENCY_FILE=/run/x", ""},
		{"a secret", "OSP_SECRET_PAY=x", ""},
		{"a secret's file", "OSP_SECRET_PAY_FILE=/run/x", ""},
		{"an empty one counts as unset", "OSP_CONCURENCY=", ""},
		{"where the command finds the API", "OSP_URL=https://osp.example.com", ""},
		{"the command's key", "OSP_KEY_FILE=/run/key", ""},
		{"one of somebody else", "OSPREY=bird", ""},
		{"a service's host in Kubernetes", "OSP_API_SERVICE_HOST=10.0.0.1", ""},
		{"a service's port in Kubernetes", "OSP_API_SERVICE_PORT_HTTP=80", ""},
		{"a service's address in Kubernetes", "OSP_PORT=tcp://10.0.0.1:80", ""},
		{"its parts", "OSP_PORT_80_TCP_ADDR=10.0.0.1", ""},
	} {
		env := vars{"OSP_RESULTS": "sqlite:/x.db"}.env()
		env.Environ = func() []string { return []string{"PATH=/bin", c.variable} }
		config, err := Load(RoleWorker, env)
		if err != nil {
			t.Fatal(err)
		}
		said := ""
		for _, f := range config.Unknown {
			name, _, _ := strings.Cut(c.variable, "=")
			if f.Check != "variable "+name || f.Level != LevelWarning || f.Variable != name {
				t.Errorf("%s: %+v", c.name, f)
			}
			said += f.Says
		}
		if said != c.want {
			t.Errorf("%s: %q, want %q", c.name, said, c.want)
		}
	}
}

func TestAStartTellsOfMisspeltVariables(t *testing.T) {
	c := config(t, RoleDev, vars{"HOME": t.TempDir(), "PORT": "0"})
	c.Unknown = []Finding{{Check: "variable OSP_LEASES", Level: LevelWarning, Says: "is it meant to be OSP_LEASE?"}}
	var log lines
	s, err := New(t.Context(), c, slog.New(slog.NewTextHandler(&log, nil)))
	if err != nil {
		t.Fatal(err)
	}
	s.close()
	log.comes(t, "level=WARN", "preflight", "variable OSP_LEASES", "OSP_LEASE?")
}

// What is read, what is known and what the documentation says are the same variables.
func TestTheKnownVariablesAreThoseThatAreRead(t *testing.T) {
	read := map[string]bool{}
	env := with(enough, vars{"OSP_AUTH": ""}).env()
	lookup := env.Lookup
	env.Lookup = func(name string) (string, bool) {
		if strings.HasPrefix(name, "OSP_") {
			read[strings.TrimSuffix(name, "_FILE")] = true
		}
		return lookup(name)
	}
	for _, role := range []Role{RoleAPI, RoleDev, RoleAutoscale} {
		_, _ = Load(role, env) // what is wrong does not matter here
	}
	if got := slices.Sorted(maps.Keys(read)); !slices.Equal(got, ours) {
		t.Errorf("read:  %v\nknown: %v", got, ours)
	}
	text, err := os.ReadFile("../docs/configuration.md")
	if err != nil {
		t.Fatal(err)
	}
	told := map[string]bool{}
	for _, m := range regexp.MustCompile("(?m)^\\| `(OSP_[A-Z_]+)`").FindAllStringSubmatch(string(text), -1) {
		told[m[1]] = true
	}
	if got := slices.Sorted(maps.Keys(told)); !slices.Equal(got, ours) {
		t.Errorf("told:  %v\nknown: %v", got, ours)
	}
}
