package tasks

import _ "embed"

//go:embed schemas/entity.update.json
var entityUpdateSchema []byte

// EntityUpdate is the type entity.update: it changes columns of a row and remembers what they were, so that its undo
// restores them. Its output is {"before", "after"}.
func EntityUpdate(e Effects) Type {
	return entityType(e, "entity.update", "Changes columns of a row. Undone by giving them back their values of before.",
		"entity.update", entityUpdateSchema, "id", "user_id", "created_at", "updated_at")
}
