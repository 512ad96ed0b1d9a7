package tasks

import (
	"encoding/json"
	"regexp"

	"github.com/osp-platform/osp/internal/sentence"
	"github.com/osp-platform/osp/saga"
)

// entityInput is the input of entity.create, entity.update and entity.delete, each with its part of it.
type entityInput struct {
	Entity string                     `json:"entity"`
	ID     string                     `json:"id,omitempty"`
	Data   map[string]json.RawMessage `json:"data,omitempty"`
}

// entityArgs are the args of the effects on one row.
type entityArgs struct {
	Schema string `json:"schema"`
	UserID string `json:"user_id"`
	entityInput
}

// entityType is a type whose workflow is one effect on one row of the service's schema.
func entityType(e Effects, name, description, effect string, schema []byte, fixed ...string) Type {
	workflow := &saga.Workflow{
		Name: name, Version: 1,
		Root: saga.Sequence(effectStep(e, effect[len("entity."):], effect, rowArgs)),
	}
	return Type{
		Name: name, Description: description, Schema: schema, Static: true,
		Build: func(json.RawMessage) (*saga.Workflow, error) { return workflow, nil },
		Check: func(r saga.Request) error { return checkRow(r, fixed) },
	}
}

func rowArgs(scope saga.Scope) (entityArgs, error) {
	in, err := saga.InputOf[entityInput](scope)
	return entityArgs{Schema: scope.Task().Service, UserID: scope.Task().Owner, entityInput: in}, err
}

var validSchema = regexp.MustCompile(`^[a-z_][a-z0-9_]{0,62}$`).MatchString

// checkRow asks for the service, and keeps columns that are not the caller's to set out of data.
func checkRow(r saga.Request, fixed []string) error {
	var p problems
	switch {
	case r.Service == "":
		p.add("/service", "This is missing: give the schema of the service, such as the one that service.create answered.")
	case !validSchema(r.Service):
		p.add("/service", "%q cannot be the schema of a service: it must match ^[a-z_][a-z0-9_]{0,62}$.", sentence.Shorten(r.Service, 80))
	}
	var in entityInput
	if err := json.Unmarshal(r.Input, &in); err != nil {
		return saga.Invalid("/input", "This cannot be read: %v.", err)
	}
	for _, column := range fixed {
		if _, given := in.Data[column]; given {
			p.add(pointer("data", column), "%q is set by the platform: remove it.", column)
		}
	}
	return p.err()
}
