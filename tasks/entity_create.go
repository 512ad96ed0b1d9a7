package tasks

import _ "embed"

//go:embed schemas/entity.create.json
var entityCreateSchema []byte

// EntityCreate is the type entity.create: it inserts a row, and its undo deletes it. Its output is {"row"}.
func EntityCreate(e Effects) Type {
	return entityType(e, "entity.create", "Inserts a row into one of a service's tables. Undone by deleting it.",
		"entity.insert", entityCreateSchema, "user_id", "created_at", "updated_at")
}
