package server

import (
	"regexp"
	"slices"
	"strings"

	"github.com/osp-platform/osp/internal/spelling"
)

// ours are the variables that begin with OSP_, but for OSP_SECRET_<NAME>. A test holds them against what is read and
// what docs/configuration.md says.
var ours = []string{
	"OSP_ACCEPT", "OSP_API_KEYS", "OSP_AUTH", "OSP_CHECK_INTERVAL", "OSP_CONCURRENCY", "OSP_DRAIN", "OSP_HOOK_SECRET",
	"OSP_HTTP_ALLOW_PRIVATE", "OSP_KEEP_FINISHED", "OSP_LEASE", "OSP_LIMITS", "OSP_MAX_BACKLOG", "OSP_MAX_MEMORY", "OSP_OPENAI_URL",
	"OSP_OPERATOR_PASSWORD", "OSP_PARTITIONS", "OSP_PROXIES", "OSP_QUEUES", "OSP_RATE_LIMIT", "OSP_RECOVER", "OSP_RESULTS", "OSP_RETENTION",
	"OSP_SCALE_COOLDOWN", "OSP_SCALE_DRIVER", "OSP_SCALE_DRY_RUN", "OSP_SCALE_EVERY", "OSP_SCALE_MAX", "OSP_SCALE_MIN",
	"OSP_SCALE_PER_WORKER", "OSP_SCALE_TARGET", "OSP_SCALE_TOKEN", "OSP_SESSION_IDLE", "OSP_SESSION_LIFETIME", "OSP_SHUTDOWN_TIMEOUT", "OSP_SMS_AUTHORIZATION", "OSP_SMS_BODY",
	"OSP_SMS_FROM", "OSP_SMS_URL", "OSP_SMTP_FROM", "OSP_SMTP_URL", "OSP_STRIPE_URL", "OSP_USERS",
}

// ofTheCommand are those that only the commands read that ask the API: see internal/cli.
var ofTheCommand = []string{"OSP_KEY", "OSP_URL"}

// byKubernetes finds what Kubernetes sets in every container for a service that is named osp or osp-something.
var byKubernetes = regexp.MustCompile(`_(SERVICE_HOST|SERVICE_PORT(_.*)?|PORT(_[0-9]+_.*)?)$`).MatchString

// unknown warns of variables that look like ours and are not: a misspelt one would be ignored without a word.
func (e Environment) unknown() (findings []Finding) {
	if e.Environ == nil {
		return nil
	}
	for _, v := range e.Environ() {
		name, value, _ := strings.Cut(v, "=")
		base, file := strings.CutSuffix(name, "_FILE")
		if value == "" || !strings.HasPrefix(name, "OSP_") || strings.HasPrefix(name, "OSP_SECRET_") ||
			slices.Contains(ours, base) || slices.Contains(ofTheCommand, base) || byKubernetes(name) {
			continue
		}
		says := "osp knows no such variable and ignores it"
		if meant := spelling.Nearest(base, ours); meant != "" {
			if file {
				meant += "_FILE"
			}
			says += ": is it meant to be " + meant + "?"
		}
		findings = append(findings, Finding{Check: "variable " + name, Level: LevelWarning, Says: says, Variable: name})
	}
	return findings
}
