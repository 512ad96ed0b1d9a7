// Package supabase holds the migrations of the result store.
package supabase

import (
	"embed"
	"io/fs"
	"path"
	"strconv"
	"strings"
)

// Migrations are the files of migrations/, in the order of their names.
//
//go:embed migrations/*.sql
var Migrations embed.FS

// Names lists the migrations, in the order in which they are applied.
func Names() []string {
	names, err := fs.Glob(Migrations, "migrations/*.sql")
	if err != nil {
		panic(err) // the pattern is malformed
	}
	return names // embed.FS lists them in order
}

// Number is the number that a migration's name begins with.
func Number(name string) int64 {
	digits, _, _ := strings.Cut(path.Base(name), "_")
	n, _ := strconv.ParseInt(digits, 10, 64)
	return n
}

// Schema is the number of the newest migration: what the database of this program has to have.
func Schema() int64 {
	names := Names()
	return Number(names[len(names)-1])
}
