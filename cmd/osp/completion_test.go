package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/osp-platform/osp/saga"
)

// completed is what bash offers for a line that was begun, by the script that osp completion bash writes.
func completed(t *testing.T, env []string, line string) string {
	t.Helper()
	const script = `
		set -e
		. /usr/share/bash-completion/bash_completion
		. <(osp completion bash)
		set +e
		COMP_LINE=$1 COMP_POINT=${#1}
		read -ra COMP_WORDS <<<"$1"
		case $1 in *' ') COMP_WORDS+=("") ;; esac
		COMP_CWORD=$((${#COMP_WORDS[@]} - 1))
		compopt() { :; } # which only works while bash completes
		__start_osp
		printf '%s\n' "${COMPREPLY[@]}"`
	ctx, cancel := context.WithTimeout(t.Context(), enough)
	defer cancel()
	cmd := exec.CommandContext(ctx, "bash", "-c", script, "bash", line)
	cmd.Env = append([]string{"PATH=" + named(t) + ":" + os.Getenv("PATH"), "COLUMNS=300"}, env...)
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("complete %q (internal/testenv/install.sh installs bash-completion): %v: %s", line, err, out)
	}
	return strings.TrimSpace(string(out))
}

func TestBashCompletes(t *testing.T) {
	o := start(t, "all", here(t)...)
	home := t.TempDir()
	k := keyboard{t, []string{"HOME=" + home}}
	k.types(0, "profile add here --no-key --url "+o.url)
	k.types(0, "profile add there --no-key --url http://127.0.0.1:1")
	k.types(0, "workflow deploy "+k.file("one.json", edition("greet", "hello"))+" --activate --reason wanted")
	k.types(0, "task start greet --id hello-1 --input {\"who\":\"Ada\"}")
	o.wait("hello-1", enough, saga.Waiting)
	k.until("task list -o id", "hello-1")
	for _, c := range []struct{ line, want string }{
		{"osp task st", "start"},
		{"osp task start ht", "http.saga"},
		{"osp task start gr", "greet"},
		{"osp task watch h", "hello-1"},
		{"osp task list --state st", "stuck"},
		{"osp task list --profile the", "there"},
		{"osp profile use h", "here"},
		{"osp task start --profile there ht", ""}, // nobody answers there: nothing is completed, and nothing said
		{"osp workflow activate g", "greet"},
		{"osp task resolve x y --action s", "skip"},
		{"osp task list -o nd", "ndjson"},
	} {
		var got string
		eventually(t, enough, func() bool { // whoever presses Tab gets nothing from an API that is slow
			got = completed(t, []string{"HOME=" + home}, c.line)
			word, _, _ := strings.Cut(got, " ")
			return word == c.want
		}, func() any { return fmt.Sprintf("%q is completed by %q, want %q", c.line, got, c.want) })
	}
	if got := completed(t, []string{"HOME=" + home}, "osp task "); strings.Count(got, "\n") != 9 {
		t.Errorf("the commands of osp task are %s", got)
	}
}

func TestScriptsForEveryShell(t *testing.T) {
	for _, shell := range []string{"bash", "zsh", "fish"} {
		if code, out := command(t, nil, "completion", shell); code != 0 || !strings.Contains(out, "__complete") {
			t.Errorf("%s: code %d", shell, code)
		}
	}
}
