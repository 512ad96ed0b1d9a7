package tasks

import _ "embed"

//go:embed schemas/entity.delete.json
var entityDeleteSchema []byte

// EntityDelete is the type entity.delete: it deletes a row and remembers it, so that its undo puts it back. Its output
// is {"before"}.
func EntityDelete(e Effects) Type {
	return entityType(e, "entity.delete", "Deletes a row. Undone by putting it back as it was.",
		"entity.delete", entityDeleteSchema)
}
