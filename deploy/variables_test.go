package deploy

import (
	"io/fs"
	"os"
	"path"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/osp-platform/osp/server"
)

// A variable that osp does not know would be ignored without a word in a manifest, where nobody looks.
func TestEveryVariableInAManifestIsKnown(t *testing.T) {
	named := []string{"OSP_SHUTDOWN_TIMEOUTS=x"} // one that is misspelt, so that it shows whether any is told of
	err := fs.WalkDir(os.DirFS("."), ".", func(file string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && (d.Name() == "check" || d.Name() == "supabase"):
			return fs.SkipDir
		case d.IsDir() || path.Ext(file) == ".go":
			return nil
		}
		raw, err := os.ReadFile(file)
		for _, name := range regexp.MustCompile(`\bOSP_[A-Z_]+\b`).FindAllString(string(raw), -1) {
			named = append(named, name+"=x")
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	c, _ := server.Load(server.RoleWorker, server.Environment{ // what is missing does not matter here
		Lookup:  func(string) (string, bool) { return "", false },
		Environ: func() []string { return named },
	})
	var unknown []string
	for _, finding := range c.Unknown {
		// Compose's own: which image is run.
		if !slices.Contains([]string{"OSP_IMAGE", "OSP_VERSION"}, finding.Variable) {
			unknown = append(unknown, finding.Variable)
		}
	}
	if got := strings.Join(unknown, " "); got != "OSP_SHUTDOWN_TIMEOUTS" {
		t.Errorf("not known: %s", got)
	}
}
