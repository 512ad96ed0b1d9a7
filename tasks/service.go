package tasks

import (
	"encoding/json"
	"maps"
	"slices"
)

// service is the input of service.create.
type service struct {
	Name       string                                  `json:"name"`
	Entities   []entity                                `json:"entities"`
	SampleData map[string][]map[string]json.RawMessage `json:"sample_data,omitempty"`
	Manifest   json.RawMessage                         `json:"manifest,omitempty"`
}

// entity is a table.
type entity struct {
	Name          string                  `json:"name"`
	Attributes    map[string]columnType   `json:"attributes,omitempty"`
	Relationships map[string]relationship `json:"relationships,omitempty"`
}

type relationship struct {
	Target string      `json:"target"`
	Type   cardinality `json:"type"`
}

type cardinality string

const (
	oneToOne   cardinality = "one_to_one"
	oneToMany  cardinality = "one_to_many"
	manyToOne  cardinality = "many_to_one"
	manyToMany cardinality = "many_to_many"
)

type columnType string

const (
	typeString   columnType = "string"
	typeText     columnType = "text"
	typeInteger  columnType = "integer"
	typeNumber   columnType = "number"
	typeBoolean  columnType = "boolean"
	typeDate     columnType = "date"
	typeDatetime columnType = "datetime"
	typeJSON     columnType = "json"
)

// platformColumns are in every table, and are not for the service to define.
var platformColumns = map[string]bool{"id": true, "user_id": true, "created_at": true, "updated_at": true}

// foreignKey is a column that a relationship makes.
type foreignKey struct {
	entity string // the table it is in
	column string
	target string
	from   int    // index of the entity that declares the relationship
	name   string // of the relationship
	kind   cardinality
}

// foreignKeys lists the columns that the relationships make, in a fixed order. The stores name them in the same way:
//
//	many_to_one, one_to_one   <relationship>_id in the entity itself
//	one_to_many               <entity>_id in the target
//	many_to_many              none: a table <entity>_<relationship> holds the pairs
func (s *service) foreignKeys() []foreignKey {
	var keys []foreignKey
	for i, e := range s.Entities {
		for _, name := range slices.Sorted(maps.Keys(e.Relationships)) {
			r := e.Relationships[name]
			key := foreignKey{from: i, name: name, kind: r.Type}
			switch r.Type {
			case manyToOne, oneToOne:
				key.entity, key.column, key.target = e.Name, name+"_id", r.Target
			case oneToMany:
				key.entity, key.column, key.target = r.Target, e.Name+"_id", e.Name
			case manyToMany:
				continue
			}
			keys = append(keys, key)
		}
	}
	return keys
}

// pairTable is the table that holds the pairs of a many_to_many relationship.
func pairTable(entity, relationship string) string { return entity + "_" + relationship }

// pairColumn is the column of that table that refers to the relationship's target.
func (s *service) pairColumn(entity, relationship string) string {
	for _, e := range s.Entities {
		if r, known := e.Relationships[relationship]; known && e.Name == entity && r.Target != entity {
			return r.Target + "_id"
		}
	}
	return relationship + "_id"
}

// columns are an entity's own columns, foreign keys included, with their types.
func (s *service) columns(e entity) map[string]columnType {
	columns := map[string]columnType{"id": typeString}
	for _, key := range s.foreignKeys() {
		if key.entity == e.Name {
			columns[key.column] = typeString
		}
	}
	maps.Copy(columns, e.Attributes)
	return columns
}
