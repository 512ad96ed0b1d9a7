package server

import (
	"encoding/base64"
	"errors"
	"net/url"
	"slices"
	"strings"

	"github.com/osp-platform/osp/handlers"
)

// Users says whose tokens are accepted: those of the users of a Supabase project.
type Users struct {
	Issuer string // what the tokens' iss is
	Auth   string // where the project's Auth is
	JWKS   string // where the project publishes its keys
	Secret string // of HS256; empty: the project does not sign so
}

// minSecret is what HS256 needs: a key as long as its hash.
const minSecret = 32

// callers reads who may call. A role that serves the API and lets nobody in does not start.
func (l *loader) callers(c *Config) {
	written := l.text("OSP_API_KEYS")
	if written != "" {
		keys, err := handlers.ParseKeys(written)
		if err != nil {
			l.wrong("OSP_API_KEYS", "is wrong: %v: `osp key NAME ROLE` makes a key and its entry", err)
		}
		c.Keys = keys
	}
	wanted := l.wanted()
	switch auth := l.text("OSP_AUTH"); {
	case auth == "off" || c.Role == RoleDev:
		c.Open = true
		return
	case auth != "" && auth != "on":
		l.wrong("OSP_AUTH", "is %q: set it to off to run open on purpose, or leave it empty", auth)
		return
	}
	if !c.Role.serves() {
		return
	}
	on := wanted != "off" && l.users(c, wanted == "on")
	if written == "" && !on && c.People.Password == "" {
		l.wrong("OSP_API_KEYS", "has no key, users' tokens are off, and there is no operator password, so nobody could call: make a key "+
			"with `osp key NAME ROLE` and set this to what it prints, or set SUPABASE_URL, whose users may call then "+
			"(unless OSP_USERS=off), or OSP_OPERATOR_PASSWORD; OSP_AUTH=off runs open on purpose")
	}
}

// wanted is what OSP_USERS says: on, off or, when nobody says it, nothing.
func (l *loader) wanted() string {
	v := l.text("OSP_USERS")
	if v != "" && v != "on" && v != "off" {
		l.wrong("OSP_USERS", "is %q: set it to off to take API keys only, or leave it empty", v)
	}
	return v
}

// users reads whose tokens are accepted. It tells whether any are meant to be.
func (l *loader) users(c *Config, wanted bool) bool {
	if c.SupabaseURL == "" {
		if wanted && !l.told("SUPABASE_URL") {
			l.wrong("OSP_USERS", "is on, but SUPABASE_URL does not say whose users: set that, or leave OSP_USERS empty")
		}
		return wanted
	}
	project, ok := projectURL(c.SupabaseURL)
	if !ok {
		if !l.told("SUPABASE_URL") {
			l.wrong("SUPABASE_URL", "is %q: write it like https://abc.supabase.co, or set OSP_USERS=off", c.SupabaseURL)
		}
		return true
	}
	auth := project + "/auth/v1"
	c.Users = &Users{Issuer: l.text("SUPABASE_JWT_ISSUER"), Auth: auth, JWKS: auth + "/.well-known/jwks.json", Secret: l.text("SUPABASE_JWT_SECRET")}
	if c.Users.Issuer == "" {
		c.Users.Issuer = auth
	}
	if _, ok := projectURL(c.Users.Issuer); !ok {
		l.wrong("SUPABASE_JWT_ISSUER", "is %q: write what the tokens have as iss, like https://abc.supabase.co/auth/v1", c.Users.Issuer)
	}
	if err := checkJWTSecret(c.Users.Secret); c.Users.Secret != "" && err != nil {
		l.errs = append(l.errs, err)
	}
	return true
}

// minHookSecret is what cannot be guessed.
const minHookSecret = 24

// hookSecrets reads what databases show that tell of their changes: one secret, or an old and a new one.
func (l *loader) hookSecrets() (secrets []string) {
	written := l.text("OSP_HOOK_SECRET")
	if written == "" {
		return nil
	}
	for secret := range strings.SplitSeq(written, ",") {
		secret = strings.TrimSpace(secret)
		key, signs := strings.CutPrefix(secret, "whsec_")
		_, err := base64.StdEncoding.DecodeString(key)
		if len(key) < minHookSecret || signs && err != nil {
			l.wrong("OSP_HOOK_SECRET", "is too short, or not whole: set it to what `echo whsec_$(openssl rand -base64 32)` prints; "+
				"while it is exchanged, to the new and the old one with a comma between them")
			return nil
		}
		secrets = append(secrets, secret)
	}
	return secrets
}

// told tells whether something is known to be wrong with a variable.
func (l *loader) told(variable string) bool {
	return slices.ContainsFunc(l.errs, func(err error) bool {
		wrong, ok := errors.AsType[*ConfigError](err)
		return ok && wrong.Variable == variable
	})
}

func checkJWTSecret(secret string) error {
	if len(secret) < minSecret {
		return &ConfigError{"SUPABASE_JWT_SECRET", "is too short: copy the JWT secret from the project's settings, which has 32 characters or more"}
	}
	return nil
}

// projectURL takes the URL of a project as people have it, with or without /rest/v1, and returns where its services are.
func projectURL(written string) (string, bool) {
	u, err := url.Parse(written)
	if err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Host == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "" {
		return "", false
	}
	return u.Scheme + "://" + u.Host + strings.TrimRight(strings.TrimSuffix(strings.TrimRight(u.Path, "/"), "/rest/v1"), "/"), true
}
