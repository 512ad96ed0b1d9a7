package definition_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/osp-platform/osp/tasks/definition"
)

// TestTheExamplesAreSound holds the definitions in examples/workflows to the format.
func TestTheExamplesAreSound(t *testing.T) {
	files, err := filepath.Glob("../../examples/workflows/*.yaml")
	if err != nil || len(files) < 4 {
		t.Fatalf("%d examples, %v", len(files), err)
	}
	for _, file := range files {
		raw, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if d, problems := definition.Parse(raw); d == nil || len(problems) > 0 {
			t.Errorf("%s:\n%v", filepath.Base(file), problems)
		}
	}
}
