package storetest

import (
	"fmt"
	"runtime"
	"testing"
)

// attempt is a test whose failure is not the last word.
type attempt struct {
	testing.TB
	failed bool
	said   string
}

// Fatal ends the attempt.
func (a *attempt) Fatal(args ...any) {
	a.Error(args...)
	runtime.Goexit()
}

// Fatalf ends the attempt.
func (a *attempt) Fatalf(format string, args ...any) { a.Fatal(fmt.Sprintf(format, args...)) }

// Error notes what is wrong.
func (a *attempt) Error(args ...any) { a.failed, a.said = true, a.said+fmt.Sprintln(args...) }

// Errorf notes what is wrong.
func (a *attempt) Errorf(format string, args ...any) { a.Error(fmt.Sprintf(format, args...)) }
