package tasks

import "slices"

// Builtin lists the types that every OSP program has. A program that only validates and records tasks may pass nil for
// both: neither is used before a step is carried out.
func Builtin(e Effects, h *HTTP) []Type {
	return slices.Concat(
		[]Type{ServiceCreate(e)},
		[]Type{EntityCreate(e), EntityUpdate(e), EntityDelete(e)},
		[]Type{HTTPSaga(h)},
	)
}
