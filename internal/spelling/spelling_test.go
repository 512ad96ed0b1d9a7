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
		"mal":           "mail",
		"ml":            "", // too short for a slip
		"mlia":          "", // two in four
	} {
		if got := spelling.Nearest(word, known); got != want {
			t.Errorf("%q is taken for %q, want %q", word, got, want)
		}
	}
}

func ExampleNearest() {
	fmt.Println(spelling.Nearest("worfklow", []string{"work", "workflow"}))
	// Output: workflow
}

func TestAsk(t *testing.T) {
	if got := spelling.Ask("mial", []string{"mail"}) + spelling.Ask("post", []string{"mail"}); got != " Is mail meant?" {
		t.Errorf("got %q", got)
	}
}
