package definition

import (
	"github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/santhosh-tekuri/jsonschema/v6/kind"

	"github.com/osp-platform/osp/internal/sentence"
)

// said says what is wrong with a part of a definition: a member that a step's type does not ask for is mostly another type's.
func said(k jsonschema.ErrorKind) string {
	if _, ok := k.(*kind.FalseSchema); ok {
		return misplaced
	}
	return sentence.Of(k)
}
