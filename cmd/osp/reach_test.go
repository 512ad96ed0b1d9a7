package main

import (
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/osp-platform/osp/internal/testenv"
)

// Commands that talk to Redis say what is wrong in the words of doctor, and nothing else.
func TestCommandsSayWhatIsWrongWithRedis(t *testing.T) {
	locked := testenv.Redis(t, "--requirepass", "open sesame")
	file := aFile(t)
	for _, c := range []struct {
		name, url string
		code      int
		want      string // beside doctor's own line
	}{
		{"away", "redis://127.0.0.1:1", exitFailed, "it cannot be reached (dial tcp 127.0.0.1:1: connect: connection refused): start it, or set REDIS_URL to where it is"},
		{"locked", locked, exitUsage, "it asks for a password: write redis://user:password@host:port"},
		{"another database", testenv.Redis(t) + "/99", exitUsage, "it has no database 99: end the URL in a lower number, such as /0, or raise its setting databases"},
	} {
		for _, args := range []string{"doctor", "recover", "dead-letters", "dead-letters resend --all", "delete task t --reason r", "delete task t --dry-run"} {
			t.Run(c.name+" "+args, func(t *testing.T) {
				process := exec.Command(os.Args[0], strings.Fields(args)...) // of its own: go-redis goes on dialing for a moment
				process.Env = []string{"OSP_TEST_IS_OSP=1", "HOME=" + t.TempDir(), "REDIS_URL=" + c.url, "OSP_RESULTS=" + file}
				raw, _ := process.CombinedOutput()
				out, code := string(raw), process.ProcessState.ExitCode()
				if args == "doctor" {
					if code != exitFailed || !strings.Contains(out, c.want+"\n") {
						t.Errorf("code %d: %s", code, out)
					}
					return
				}
				if code != c.code || !strings.Contains(out, c.want+"\n") || !strings.Contains(out, "REDIS_URL") || strings.Count(out, "\n") != 1 {
					t.Errorf("code %d, want %d and %q: %s", code, c.code, c.want, out)
				}
			})
		}
	}
}

func TestAServerDoesNotStartOnADatabaseThatIsNotThere(t *testing.T) {
	code, out := command(t, []string{"REDIS_URL=" + testenv.Redis(t) + "/99", "OSP_RESULTS=" + aFile(t), "PORT=0"}, "worker")
	if code != exitUsage || !strings.Contains(out, "osp: REDIS_URL ") || !strings.Contains(out, "no database 99") {
		t.Errorf("code %d: %s", code, out)
	}
}

func TestRecoverAndDeleteDoNotMakeAFile(t *testing.T) {
	redisURL := testenv.Redis(t)
	for _, args := range []string{"recover", "recover --dry-run", "delete task t --dry-run", "delete task t --reason r --yes"} {
		code, out := command(t, []string{"REDIS_URL=" + redisURL, "OSP_RESULTS=sqlite:" + t.TempDir() + "/osp.db"}, strings.Fields(args)...)
		if code != exitUsage || !strings.HasPrefix(out, "osp: OSP_RESULTS names a file that is not there, ") {
			t.Errorf("%s: code %d: %s", args, code, out)
		}
	}
	file := aFile(t)
	code, out := command(t, []string{"REDIS_URL=" + redisURL, "OSP_RESULTS=" + file}, "recover")
	if code != exitOK || !strings.Contains(out, "restored 0,") ||
		!strings.Contains(out, "There is nothing to restore: the result store ("+file+") keeps no task that has not ended.") {
		t.Errorf("with a store without tasks: code %d: %s", code, out)
	}
}
