package journal

import (
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"hash/fnv"
	"sync/atomic"
)

// partition is the part of the keys that share a hash tag, and the indexes among them.
type partition struct {
	base    string // "osp:{00}:"
	open    string
	wake    string
	dirty   string
	dead    string
	limits  string // names of those for which somebody waits
	parked  string // names of pauses for whose end somebody waits
	minutes string // how many tasks began and ended in each minute of the last hour
	outbox  string
	life    string        // names the present life of this part of the journal
	whole   string        // is there unless this part of the journal was lost
	watched string        // is there while somebody watches a task
	shared  []any         // what every group of operations begins with: the command, and the keys that all are given
	cursor  atomic.Uint64 // in the outbox
}

func newPartition(prefix string, n int) *partition {
	base := fmt.Sprintf("%s:{%02d}:", prefix, n)
	p := &partition{
		base: base, open: base + "open", wake: base + "wake", dirty: base + "dirty", dead: base + "dead",
		limits: base + "limits", parked: base + "parked", minutes: base + "minutes",
		outbox: base + "outbox", life: base + "life", whole: base + "whole",
		watched: base + "watched",
	}
	p.shared = []any{
		"evalsha", groupScript.Hash(), sharedKeys + ownKeys, p.open, p.wake, p.dirty, p.outbox, p.minutes, p.whole, p.watched,
	}
	return p
}

func (p *partition) journal(id string) string   { return p.base + "j:" + id }
func (p *partition) meta(id string) string      { return p.base + "m:" + id }
func (p *partition) tombstone(id string) string { return p.base + "t:" + id }

// keys are the three of a task, cut out of one text.
func (p *partition) keys(id string) (journal, meta, tombstone string) {
	all := p.base + "j:" + id + p.base + "m:" + id + p.base + "t:" + id
	n := len(all) / 3
	return all[:n], all[n : 2*n], all[2*n:]
}

// of returns the partition that a task belongs to. It follows from the id alone.
func (r *Redis) of(id string) *partition {
	if len(r.partitions) == 1 {
		return r.partitions[0]
	}
	h := fnv.New32a()
	_, _ = h.Write([]byte(id))
	return r.partitions[int(h.Sum32())%len(r.partitions)]
}

// dedupeField is where the meta hash remembers a message. Long keys are kept out of it: one field over 64 bytes would
// make Redis store the whole hash far less densely.
func dedupeField(key string) string {
	if len(key) <= 40 {
		return "x" + key
	}
	sum := sha256.Sum256([]byte(key))
	return "x#" + base64.RawStdEncoding.EncodeToString(sum[:18])
}

// digest is what is kept of a request's hash, which may be of any length.
func digest(hash string) []byte {
	sum := sha256.Sum256([]byte(hash))
	return sum[:16]
}
