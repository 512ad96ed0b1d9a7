package spelling_test

import (
	"fmt"
	"testing"

	"github.com/osp-platform/osp/internal/spelling"
)

func TestNearest(t *testing.T) {
	known := []string{"order.create", "order.cancel", "mail"}
	for word, want := range map[string]string{
		"order.creat":   "order.create",
		"order.craete":  "order.create", // two that changed places are one slip
		"orders.create": "order.create",
		"order.cancle":  "order.cancel",
		"mial":          "mail",
		"mail":          "mail",
		"":              "",
		"invoice.send":  "",
		"order.c":       "", // five are missing
	} {
		if got := spelling.Nearest(word, known, 3); got != want {
			t.Errorf("%q is taken for %q, want %q", word, got, want)
		}
	}
	if got := spelling.Nearest("order.creat", known, 0); got != "" {
		t.Errorf("no slip is allowed, yet it is taken for %q", got)
	}
}

func ExampleNearest() {
	fmt.Println(spelling.Nearest("worfklow", []string{"work", "workflow"}, 3))
	// Output: workflow
}
