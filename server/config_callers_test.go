package server

import (
	"fmt"
	"slices"
	"strings"
	"testing"
)

const jwtSecret = "a-jwt-secret-that-is-long-enough-for-hs256"

func TestWhoMayCall(t *testing.T) {
	key := vars{"OSP_API_KEYS": apiKey("ada", "operator", "ada-key")}
	sqlite := vars{"OSP_RESULTS": "sqlite:/x.db"}
	supabase := vars{"SUPABASE_URL": "https://abc.supabase.co", "SUPABASE_SERVICE_ROLE_KEY": "sb_secret_x"}
	url := func(u string) vars { return with(sqlite, key, vars{"SUPABASE_URL": u}) }
	const issuer, jwks = "https://abc.supabase.co/auth/v1", "https://abc.supabase.co/auth/v1/.well-known/jwks.json"
	for _, c := range []struct {
		name  string
		role  Role
		vars  vars
		users string // issuer and JWKS
		want  string // the variables that are blamed
	}{
		{"users, where there is Supabase", RoleAPI, supabase, issuer + " " + jwks, ""},
		{"users and keys", RoleAll, with(supabase, key), issuer + " " + jwks, ""},
		{"users beside SQLite", RoleAPI, with(sqlite, vars{"PUBLIC_SUPABASE_URL": "https://abc.supabase.co/rest/v1/"}), issuer + " " + jwks, ""},
		{"users of a project under a path", RoleAPI, url("http://localhost:54321/supabase/"), "http://localhost:54321/supabase/auth/v1 http://localhost:54321/supabase/auth/v1/.well-known/jwks.json", ""},
		{"an issuer of its own", RoleAPI, with(supabase, vars{"SUPABASE_JWT_ISSUER": "https://login.example.com/auth/v1"}), "https://login.example.com/auth/v1 " + jwks, ""},
		{"keys alone", RoleAPI, with(sqlite, key), "", ""},
		{"keys alone, by wish", RoleAPI, with(supabase, key, vars{"OSP_USERS": "off"}), "", ""},
		{"users said twice", RoleAPI, with(supabase, vars{"OSP_USERS": "on"}), issuer + " " + jwks, ""},
		{"nobody, for a worker serves none", RoleWorker, supabase, "", ""},
		{"everybody", RoleAPI, with(supabase, vars{"OSP_AUTH": "off"}), "", ""},
		{"everybody in dev", RoleDev, with(supabase, vars{"HOME": "/home/ada"}), "", ""},

		{"nobody at all", RoleAPI, sqlite, "", "map[OSP_API_KEYS:1]"},
		{"no key, and no users by wish", RoleAPI, with(supabase, vars{"OSP_USERS": "off"}), "", "map[OSP_API_KEYS:1]"},
		{"a malformed wish", RoleAPI, with(supabase, key, vars{"OSP_USERS": "no"}), issuer + " " + jwks, "map[OSP_USERS:1]"},
		{"a malformed wish where there is no Supabase", RoleAPI, with(sqlite, key, vars{"OSP_USERS": "of"}), "", "map[OSP_USERS:1]"},
		{"a malformed wish where it does not count", RoleWorker, with(sqlite, vars{"OSP_USERS": "of"}), "", "map[OSP_USERS:1]"},
		{"a malformed wish where everybody may call", RoleAPI, with(sqlite, vars{"OSP_AUTH": "off", "OSP_USERS": "of"}), "", "map[OSP_USERS:1]"},
		{"users of nobody knows whom", RoleAPI, with(sqlite, key, vars{"OSP_USERS": "on"}), "", "map[OSP_USERS:1]"},
		{"users, and SUPABASE_URL is told of already", RoleAPI, with(key, vars{"OSP_USERS": "on", "SUPABASE_SERVICE_ROLE_KEY": "k"}), "", "map[SUPABASE_URL:1]"},
		{"users, for a worker serves none", RoleWorker, with(sqlite, vars{"OSP_USERS": "on"}), "", ""},
		{"malformed keys are told of once", RoleAPI, with(sqlite, vars{"OSP_API_KEYS": "ada"}), "", "map[OSP_API_KEYS:1]"},
		{"a malformed URL", RoleAPI, url("abc.supabase.co"), "", "map[SUPABASE_URL:1]"},
		{"a URL without a host", RoleAPI, url("https://"), "", "map[SUPABASE_URL:1]"},
		{"a URL with a password", RoleAPI, url("https://u:p@x"), "", "map[SUPABASE_URL:1]"},
		{"a URL that Supabase's results need, too", RoleAPI, with(supabase, vars{"SUPABASE_URL": "abc.supabase.co"}), "", "map[SUPABASE_URL:1]"},
		{"a malformed issuer", RoleAPI, with(supabase, vars{"SUPABASE_JWT_ISSUER": "me"}), "me " + jwks, "map[SUPABASE_JWT_ISSUER:1]"},
		{"a short secret", RoleAPI, with(supabase, vars{"SUPABASE_JWT_SECRET": "hunter2"}), issuer + " " + jwks, "map[SUPABASE_JWT_SECRET:1]"},
	} {
		config, err := Load(c.role, c.vars.env())
		if got := blamed(err); len(got)+len(c.want) > 0 && fmt.Sprint(got) != c.want {
			t.Errorf("%s: blamed %v, want %s: %v", c.name, got, c.want, err)
		}
		users := ""
		if u := config.Users; u != nil {
			users = u.Issuer + " " + u.JWKS
		}
		if users != c.users {
			t.Errorf("%s: users of %q, want %q", c.name, users, c.users)
		}
		if err != nil && strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%s: a secret is shown: %v", c.name, err)
		}
	}
}

func TestTheSecretOfUsersTokens(t *testing.T) {
	supabase := vars{"SUPABASE_URL": "https://abc.supabase.co", "SUPABASE_SERVICE_ROLE_KEY": "sb_secret_x"}
	for name, v := range map[string]vars{
		"in a variable": {"SUPABASE_JWT_SECRET": jwtSecret},
		"in a file":     {"SUPABASE_JWT_SECRET_FILE": "/run/jwt", "file /run/jwt": jwtSecret + "\n"},
	} {
		c, err := Load(RoleAPI, with(supabase, v).env())
		if err != nil || c.Users.Secret != jwtSecret || (c.Files.JWTSecret != nil) != (name == "in a file") {
			t.Errorf("%s: %+v, %v", name, c.Users, err)
		}
	}
}

func TestMalformedKeysNameWhatMakesThem(t *testing.T) {
	_, err := Load(RoleAPI, with(enough, vars{"OSP_AUTH": "", "OSP_API_KEYS": "secret"}).env())
	if err == nil || !strings.Contains(err.Error(), "`osp key NAME ROLE`") || strings.Contains(err.Error(), "secret") {
		t.Errorf("got %v", err)
	}
}

func TestTheSecretOfDatabases(t *testing.T) {
	const sound, old = "whsec_bm90IGEgc2VjcmV0IGF0IGFsbCwgb25seSBhIHRlc3Q=", "the-secret-that-was-there-before"
	for _, c := range []struct {
		written string
		want    []string // nil: refused
	}{
		{sound, []string{sound}},
		{sound + ", " + old, []string{sound, old}},
		{"brief", nil},
		{"whsec_c2hvcnQ=", nil},
		{"whsec_this is no base64, however long it is", nil},
		{sound + ",", nil},
	} {
		loaded, err := Load(RoleAPI, with(enough, vars{"OSP_HOOK_SECRET": c.written}).env())
		if !slices.Equal(loaded.HookSecrets, c.want) || (c.want == nil) != (blamed(err)["OSP_HOOK_SECRET"] == 1) {
			t.Errorf("%s: %v, %v", c.written, loaded.HookSecrets, err)
		}
		if err != nil && strings.Contains(err.Error(), c.written) {
			t.Errorf("the error has the secret: %v", err)
		}
	}
}
