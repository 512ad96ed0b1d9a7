package check

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// verify is what systemd-analyze says of a unit. Its exit code is 0 where a key is unknown, so that every word counts.
func verify(t *testing.T, unit string) string {
	t.Helper()
	dir := t.TempDir()
	// The program is not installed here; any other will do.
	unit = strings.Replace(unit, "/usr/local/bin/osp run", "/bin/true run", 1)
	file := filepath.Join(dir, "osp@.service")
	if err := os.WriteFile(file, []byte(unit), 0o600); err != nil {
		t.Fatal(err)
	}
	out, err := exec.CommandContext(t.Context(), "systemd-analyze", "--man=no", "verify", file).CombinedOutput()
	if err != nil {
		return string(out) + err.Error()
	}
	return string(out)
}

func TestTheUnitIsVerifiedBySystemd(t *testing.T) {
	unit := string(source(t, "systemd/osp@.service"))
	if says := verify(t, unit); says != "" {
		t.Errorf("systemd-analyze says %s", says)
	}
	for _, spoil := range [][2]string{
		{"TimeoutStopSec=30", "TimeoutStopSec=soon"},
		{"TimeoutStopSec=30", "GracePeriodSec=30"},
		{"ProtectSystem=strict", "ProtectSystem=very"},
		{"/usr/local/bin/osp run", "/usr/local/bin/nothing run"},
		{"[Install]", "[Instal]"},
		{"KillSignal=SIGTERM", "KillSignal=TERMINATE"},
	} {
		spoilt := strings.Replace(unit, spoil[0], spoil[1], 1)
		if spoilt == unit || verify(t, spoilt) == "" {
			t.Errorf("%s instead of %s went unnoticed", spoil[1], spoil[0])
		}
	}
}

// A unit that is not told otherwise may do anything. Exposure is from 0 to 10.
func TestTheUnitMayDoLittle(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "osp@.service")
	exposure := func(unit string) error {
		if err := os.WriteFile(file, []byte(unit), 0o600); err != nil {
			t.Fatal(err)
		}
		return exec.CommandContext(t.Context(), "systemd-analyze", "security", "--offline=true", "--threshold=20", file).Run()
	}
	unit := string(source(t, "systemd/osp@.service"))
	if err := exposure(unit); err != nil {
		t.Errorf("its exposure is above 2.0: %v", err)
	}
	if exposure(strings.Replace(unit, "CapabilityBoundingSet=\n", "", 1)) == nil {
		t.Error("a unit with all capabilities went unnoticed")
	}
}

func TestScriptsAreBash(t *testing.T) {
	for _, file := range []string{"../systemd/install.sh", "../compose/init.sh", "../compose/postgres/10-supabase.sh"} {
		if out, err := exec.CommandContext(t.Context(), "bash", "-n", file).CombinedOutput(); err != nil {
			t.Errorf("%s: %s", file, out)
		}
		if info, err := os.Stat(file); err != nil || info.Mode()&0o111 == 0 {
			t.Errorf("%s cannot be run: %v", file, err)
		}
	}
}
