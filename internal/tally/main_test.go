package main

import (
	"fmt"
	"strings"
	"testing"
)

// events makes the lines of go test -json from "action package test: output".
func events(lines ...string) string {
	var b strings.Builder
	for _, line := range lines {
		head, output, _ := strings.Cut(line, ": ")
		words := append(strings.Fields(head), "", "")
		fmt.Fprintf(&b, "{\"Action\":%q,\"Package\":%q,\"Test\":%q,\"Output\":%q}\n", words[0], words[1], words[2], output)
	}
	return b.String()
}

func TestWhatIsCounted(t *testing.T) {
	for _, c := range []struct {
		name, in       string
		passed, failed int
		says           string
	}{
		{"tests that pass", events("run p A", "pass p A", "run p B", "pass p B", "pass p"), 2, 0, "ok  p\n"},
		{
			"subtests instead of their parents",
			events("run p A", "run p A/x", "run p A/y", "run p A/y/1", "pass p A/y/1", "pass p A/y", "pass p A/x", "pass p A", "pass p"), 2, 0, "ok  p\n",
		},
		{"the same name in two packages", events("run p A", "pass p A", "run q A", "pass q A"), 2, 0, ""},
		{
			"a test that fails, with what it printed",
			events("run p A", "output p A: boom", "fail p A", "run p B", "output p B: fine", "pass p B", "output p: FAIL", "fail p"), 1, 1, "boomFAIL",
		},
		{"a failed subtest is one failure", events("run p A", "run p A/x", "fail p A/x", "fail p A", "fail p"), 0, 1, ""},
		{"a parent that fails by itself", events("run p A", "run p A/x", "pass p A/x", "fail p A", "fail p"), 1, 1, ""},
		{"a package that fails without a test: a leak, a panic", events("run p A", "pass p A", "output p: leaked", "fail p"), 1, 1, "leaked"},
		{"a package that cannot be built", events("build-output p: syntax error", "fail p"), 0, 1, "syntax error"},
		{"a test that is skipped has failed", events("run p A", "output p A: skipped", "skip p A", "pass p"), 0, 1, "skippedok  p\n"},
		{"a package without tests is neither", events("skip p"), 0, 0, ""},
		{"lines that are no events are passed on", "go: downloading x\n", 0, 0, "go: downloading x\n"},
		{"nothing", "", 0, 0, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			var out strings.Builder
			y := newTally()
			if err := y.read(strings.NewReader(c.in), &out); err != nil {
				t.Fatal(err)
			}
			if y.passed() != c.passed || y.failed() != c.failed || out.String() != c.says {
				t.Errorf("%d passed, %d failed, said %q; want %d, %d, %q", y.passed(), y.failed(), out.String(), c.passed, c.failed, c.says)
			}
		})
	}
}
