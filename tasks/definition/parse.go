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
	// Content is what the hash is of: the definition as canonical JSON, which [Load] reads.
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
	return (&report{doc: doc}).definition()
}

// definition makes a definition of the report's document.
func (r *report) definition() (*Definition, Problems) {
	schema, err := structure()
	if err != nil {
		r.errorf("", "The schema of the format does not compile: %v.", err)
		return nil, r.sorted()
	}
	r.holds(schema, r.doc.value)
	r.forgiveTrigger()
	if r.problems.Failed() {
		return nil, r.sorted()
	}
	d, err := decode(r.doc.value)
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
	if r.stored {
		d.checkTrigger(&report{doc: r.doc, stored: true}) // one that is wrong by now starts nothing
	} else {
		d.checkTrigger(r)
	}
	if d.grow(r); r.problems.Failed() {
		return
	}
	d.checkActivities(r)
	d.compile(r)
	if !r.stored {
		d.checkHumans(r)
		d.checkEffects(r)
	}
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
