package definition

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"time"
)

// Definition is a definition that was read and checked. It does not change, and is safe for concurrent use.
type Definition struct {
	Manifest
	// Hash identifies the content: two documents that say the same, in YAML or JSON, with comments or without, have one.
	Hash string
	// Content is what the hash is of: the definition as canonical JSON, which Parse reads too.
	Content json.RawMessage

	starts   *starting             // what its trigger does; nil: nothing by itself
	main     []*node               // the main sequence
	cleanup  []*undoing            // compensation_steps of the whole
	steps    map[string]*node      // by id, those of compensation lists included
	language *language             // of its expressions
	asked    map[string][][]string // by step: the fields of its output that expressions take
	deadline time.Duration
}

// Parse reads a definition in YAML or JSON and checks it. The definition is nil exactly when [Problems.Failed].
func Parse(raw []byte) (*Definition, Problems) {
	doc, problems := read(raw)
	if doc == nil || problems.Failed() {
		return nil, problems
	}
	r := &report{doc: doc}
	schema, err := structure()
	if err != nil {
		r.errorf("", "The schema of the format does not compile: %v.", err)
		return nil, r.sorted()
	}
	if r.holds(schema, doc.value); r.problems.Failed() {
		return nil, r.sorted()
	}
	d, err := decode(doc.value)
	if err != nil {
		r.errorf("", "This does not fit the format: %v.", err)
		return nil, r.sorted()
	}
	d.check(r)
	if r.problems.Failed() {
		return nil, r.sorted()
	}
	return d, r.sorted()
}

// Stored reads a definition that was taken in before, by the rules of that time: where its trigger breaks a rule that has
// come since, it starts nothing by itself, and runs as ever otherwise.
func Stored(content []byte) (*Definition, Problems) {
	d, problems := Parse(content)
	if d != nil {
		return d, problems
	}
	doc, _ := read(content)
	if doc == nil {
		return nil, problems
	}
	members, _ := doc.value.(map[string]any)
	whole, err := json.Marshal(members)
	if err != nil || members["trigger"] == nil {
		return nil, problems
	}
	delete(members, "trigger")
	rest, err := json.Marshal(members)
	if err != nil {
		return nil, problems
	}
	if d, _ = Parse(rest); d == nil {
		return nil, problems
	}
	d.Content, d.Hash = whole, hashOf(whole)
	return d, nil
}

func hashOf(content []byte) string {
	sum := sha256.Sum256(content)
	return hex.EncodeToString(sum[:])
}

// decode fills the manifest from a value that keeps the schema.
func decode(value any) (*Definition, error) {
	raw, err := json.Marshal(value)
	if err != nil {
		return nil, err
	}
	d := &Definition{Hash: hashOf(raw), Content: raw}
	decoder := json.NewDecoder(bytes.NewReader(raw))
	decoder.UseNumber() // params keep their numbers as they are written
	return d, decoder.Decode(&d.Manifest)
}

// check goes from the outside in: each part is looked at only when what it stands on is sound.
func (d *Definition) check(r *report) {
	d.checkTrigger(r)
	if d.grow(r); r.problems.Failed() {
		return
	}
	d.checkActivities(r)
	d.checkHumans(r)
	d.compile(r)
	d.checkEffects(r)
	d.addUp(r)
}

// Input is the JSON Schema of the input; nil when any will do.
func (d *Definition) Input() json.RawMessage {
	if d.InputSchema == nil {
		return nil
	}
	raw, err := json.Marshal(d.InputSchema)
	if err != nil {
		return nil // it was read from JSON
	}
	return raw
}
