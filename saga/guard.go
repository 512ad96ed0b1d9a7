package saga

import (
	"fmt"
	"runtime/debug"
)

// guard calls a workflow's own function; a panic in it is an error like any other.
func guard(f func() error) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = &PanicError{Value: p, Stack: debug.Stack()}
		}
	}()
	return f()
}

func guard2[T any](f func() (T, error)) (v T, err error) {
	err = guard(func() (err error) {
		v, err = f()
		return err
	})
	return v, err
}

// PanicError is a panic in a workflow's function. The stack is for the log.
type PanicError struct {
	Value any
	Stack []byte
}

func (e *PanicError) Error() string { return fmt.Sprintf("panic: %v", e.Value) }
