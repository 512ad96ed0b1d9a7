package main

import (
	"strings"
	"testing"
)

func TestWhatIsMisspeltIsToldInOneLine(t *testing.T) {
	for args, want := range map[string]string{
		"tsak list --all":      `there is no command "osp tsak". Is task meant? (see osp --help)`,
		"nothing":              `there is no command "osp nothing" (see osp --help)`,
		"--verson":             `there is no flag --verson. Is --version meant? (see osp --help)`,
		"help tsak":            `there is no command "osp tsak". Is task meant? (see osp --help)`,
		"help human lst":       `there is no command "osp human lst". Is list meant? There is list (see osp human --help)`,
		"completion bsh":       `there is no command "osp completion bsh". Is bash meant? There are bash, fish, powershell, zsh (see osp completion --help)`,
		"completion bash zsh":  `"zsh" is one argument too many (see osp completion bash --help)`,
		"doctor now":           `"now" is one argument too many (see osp doctor --help)`,
		"dead-letters resnd":   `"resnd" is one argument too many. Is resend meant? (see osp dead-letters --help)`,
		"recover --dry-run no": `"no" is one argument too many (see osp recover --help)`,
		"recover --rows false": `"false" is one argument too many: --rows takes its value behind a =, as in --rows=false (see osp recover --help)`,
		"workflow impotr a":    `there is no command "osp workflow impotr". Is import meant? There are activate, audit, deploy, deprecate, diff, get, import, list, lock, simulate, validate, versions (see osp workflow --help)`,
	} {
		code, out := command(t, nil, strings.Fields(args)...)
		if code != exitUsage || out != "osp: "+want+"\n" {
			t.Errorf("osp %s: code %d\n%swant\nosp: %s", args, code, out, want)
		}
	}
}
