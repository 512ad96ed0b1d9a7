package server

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

func TestHowPeopleSignIn(t *testing.T) {
	sqlite := vars{"OSP_RESULTS": "sqlite:/x.db"}
	key := vars{"OSP_API_KEYS": apiKey("ada", "operator", "ada-key")}
	const password = "correct horse battery staple"
	for _, c := range []struct {
		name string
		vars vars
		want string
	}{
		{"a password is enough to let somebody in", vars{"OSP_OPERATOR_PASSWORD": password}, ""},
		{"a password in a file", vars{"OSP_OPERATOR_PASSWORD_FILE": "/p"}, ""},
		{"a short one", with(key, vars{"OSP_OPERATOR_PASSWORD": "hunter2"}), "map[OSP_OPERATOR_PASSWORD:1]"},
		{"one character", with(key, vars{"OSP_OPERATOR_PASSWORD": strings.Repeat("x", 30)}), "map[OSP_OPERATOR_PASSWORD:1]"},
		{"one like a key", with(key, vars{"OSP_OPERATOR_PASSWORD": "osp_abcdefghijklmnopqrst"}), "map[OSP_OPERATOR_PASSWORD:1]"},
		{"a very long one", with(key, vars{"OSP_OPERATOR_PASSWORD": strings.Repeat("xy", 600)}), "map[OSP_OPERATOR_PASSWORD:1]"},
		{"a session too short", with(key, vars{"OSP_SESSION_LIFETIME": "1s"}), "map[OSP_SESSION_LIFETIME:1]"},
		{"a pause too short", with(key, vars{"OSP_SESSION_IDLE": "59s"}), "map[OSP_SESSION_IDLE:1]"},
		{"too many proxies", with(key, vars{"OSP_PROXIES": "9"}), "map[OSP_PROXIES:1]"},
	} {
		env := with(sqlite, c.vars).env()
		env.ReadFile = func(string) ([]byte, error) { return []byte(password + "\n"), nil }
		config, err := Load(RoleAPI, env)
		if got := blamed(err); len(got)+len(c.want) > 0 && fmt.Sprint(got) != c.want {
			t.Errorf("%s: blamed %v, want %s: %v", c.name, got, c.want, err)
		}
		if secret := c.vars["OSP_OPERATOR_PASSWORD"]; err != nil && secret != "" && strings.Contains(err.Error(), secret) {
			t.Errorf("%s: the error repeats it: %v", c.name, err)
		}
		if c.want == "" && config.People != (People{Password: password, Lifetime: 12 * time.Hour, Idle: 2 * time.Hour}) {
			t.Errorf("%s: %+v", c.name, config.People)
		}
	}
}
