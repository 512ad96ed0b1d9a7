package tasks

import (
	"encoding/json"
	"maps"
	"slices"

	"github.com/osp-platform/osp/saga"
)

// maxIdentifier is PostgreSQL's limit, in bytes: longer names are cut, and may then be the same.
const maxIdentifier = 63

// checkService holds a request that keeps the schema to the rules between its parts.
func checkService(r saga.Request) error {
	var s service
	if err := json.Unmarshal(r.Input, &s); err != nil {
		return saga.Invalid("/input", "This cannot be read: %v.", err)
	}
	return s.check().err()
}

func (s *service) check() problems {
	var p problems
	tables := s.checkNames(&p)
	s.checkRelationships(&p, tables)
	s.checkKeys(&p)
	if len(p) == 0 { // samples are held to columns, which are known only now
		s.checkSamples(&p)
	}
	return p
}

// checkNames returns the index of each entity by its name.
func (s *service) checkNames(p *problems) map[string]int {
	tables := map[string]int{}
	for i, e := range s.Entities {
		if first, taken := tables[e.Name]; taken {
			p.add(pointer("entities", i, "name"), "Entity %d is called %q too: give each its own name.", first, e.Name)
			continue
		}
		tables[e.Name] = i
		for _, column := range slices.Sorted(maps.Keys(e.Attributes)) {
			if platformColumns[column] {
				p.add(pointer("entities", i, "attributes", column),
					"Every table has the column %q already: remove it, or choose another name.", column)
			}
		}
	}
	return tables
}

func (s *service) checkRelationships(p *problems, tables map[string]int) {
	pairs := map[string]bool{}
	for i, e := range s.Entities {
		for _, name := range slices.Sorted(maps.Keys(e.Relationships)) {
			r := e.Relationships[name]
			at := pointer("entities", i, "relationships", name)
			if _, known := tables[r.Target]; !known {
				p.add(at+"/target", "There is no entity %q in this service: add it, or mend the name.", r.Target)
				continue
			}
			if r.Type != manyToMany {
				continue
			}
			table := pairTable(e.Name, name)
			if _, taken := tables[table]; taken || pairs[table] {
				p.add(at, "It needs a table %q for its pairs, and that name is taken: rename the relationship.", table)
			}
			if len(table) > maxIdentifier {
				p.add(at, "Its table %q has %d characters, and PostgreSQL takes %d: shorten a name.", table, len(table), maxIdentifier)
			}
			pairs[table] = true
			s.checkPair(p, at, e.Name, name)
		}
	}
}

// checkPair finds a table for pairs whose columns are not all different.
func (s *service) checkPair(p *problems, at, entity, name string) {
	left, right := entity+"_id", s.pairColumn(entity, name)
	switch {
	case platformColumns[left] || platformColumns[right]:
		p.add(at, "Its table for pairs would have the column user_id twice: give the relationship, or the entity \"user\", another name.")
	case left == right:
		p.add(at, "Its table for pairs would have the column %s twice: rename the relationship.", left)
	}
}

// checkKeys finds foreign keys whose column is taken: by an attribute, or by another relationship. The two ends of one
// relationship (customer has many orders, order has one customer) name the same column, and that is fine.
func (s *service) checkKeys(p *problems) {
	attributes := map[string]bool{}
	for _, e := range s.Entities {
		for column := range e.Attributes {
			attributes[e.Name+"."+column] = true
		}
	}
	made := map[string]foreignKey{}
	for _, key := range s.foreignKeys() {
		at := pointer("entities", key.from, "relationships", key.name)
		place := key.entity + "." + key.column
		if attributes[place] {
			p.add(at, "It makes the column %s, which is an attribute already: remove the attribute, or rename the relationship.", place)
			continue
		}
		if platformColumns[key.column] {
			p.add(at, "It makes the column %s, which every table has already: give the relationship, or the entity \"user\", another name.", place)
			continue
		}
		other, taken := made[place]
		if taken && !key.sameAs(other) {
			p.add(at, "It makes the column %s, and so does %q of %q: "+
				"declare both in %q as many_to_one, each with its own name.", place, other.name, s.Entities[other.from].Name, key.entity)
		}
		made[place] = key
	}
}

// sameAs tells whether two keys are one, declared at both ends.
func (k foreignKey) sameAs(other foreignKey) bool {
	return k.target == other.target && (k.kind == oneToMany) != (other.kind == oneToMany)
}
