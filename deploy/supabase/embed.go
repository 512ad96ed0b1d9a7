// Package supabase holds the migrations of the result store.
package supabase

import "embed"

// Migrations are the files of migrations/, in the order of their names.
//
//go:embed migrations/*.sql
var Migrations embed.FS
