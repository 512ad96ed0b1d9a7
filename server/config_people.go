package server

import (
	"strings"
	"time"

	"github.com/osp-platform/osp/handlers"
)

// minPassword is what cannot be guessed at the pace of sign-ins that fail.
const minPassword = 16

// People says how browsers sign in.
type People struct {
	Password string // of the operator; empty: nobody has it
	Lifetime time.Duration
	Idle     time.Duration
	Proxies  int
}

// people reads how browsers sign in.
func (l *loader) people() People {
	p := People{
		Password: l.text("OSP_OPERATOR_PASSWORD"),
		Lifetime: l.duration("OSP_SESSION_LIFETIME", 12*time.Hour),
		Idle:     l.duration("OSP_SESSION_IDLE", 2*time.Hour),
		Proxies:  l.number("OSP_PROXIES", 0, 0, 8),
	}
	if err := checkPassword(p.Password); err != nil {
		l.errs = append(l.errs, err)
	}
	for name, d := range map[string]time.Duration{"OSP_SESSION_LIFETIME": p.Lifetime, "OSP_SESSION_IDLE": p.Idle} {
		if d < time.Minute {
			l.wrong(name, "is %v: sessions of less than 1m would end while somebody reads", d)
		}
	}
	return p
}

func checkPassword(password string) error {
	const name = "OSP_OPERATOR_PASSWORD"
	switch {
	case password == "":
		return nil
	case strings.HasPrefix(password, handlers.KeyPrefix):
		return &ConfigError{name, "begins like an API key (" + handlers.KeyPrefix + "): set it to what `openssl rand -base64 24` prints"}
	case len(password) < minPassword || len(password) > 1024 || strings.Trim(password, password[:1]) == "":
		return &ConfigError{name, "is too short, too long, or one character alone: set it to what `openssl rand -base64 24` prints (16 characters or more)"}
	}
	return nil
}
