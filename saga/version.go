package saga

import (
	"encoding/json"
	"slices"
	"time"
)

// VersionState is where a version of a workflow that is data stands.
type VersionState string

// The states of a version.
const (
	VersionDraft      VersionState = "draft"      // deployed, and starts nothing yet
	VersionActive     VersionState = "active"     // what new tasks begin with: at most one of a workflow
	VersionDeprecated VersionState = "deprecated" // was active, or is not wanted; may become active
	VersionLocked     VersionState = "locked"     // never again
)

// VersionStates lists them in the order of a version's life.
var VersionStates = []VersionState{VersionDraft, VersionActive, VersionDeprecated, VersionLocked}

// versionTransitions says what may follow what.
var versionTransitions = map[VersionState][]VersionState{
	VersionDraft:      {VersionActive, VersionDeprecated},
	VersionActive:     {VersionDeprecated, VersionLocked},
	VersionDeprecated: {VersionActive},
}

// Next lists the states that may follow.
func (s VersionState) Next() []VersionState { return slices.Clone(versionTransitions[s]) }

// MayBecome tells whether a state may follow.
func (s VersionState) MayBecome(next VersionState) bool {
	return slices.Contains(versionTransitions[s], next)
}

// WorkflowKey identifies a workflow that is data: its id, and whose it is. Without a service it is the platform's, which is for
// every service that has none of its own.
type WorkflowKey struct{ Service, ID string }

// String is how the workflow is called in a sentence.
func (k WorkflowKey) String() string {
	if k.Service == "" {
		return k.ID
	}
	return k.ID + " of the service " + k.Service
}

// WorkflowQuery asks for a page of workflows, in the order of services and ids.
type WorkflowQuery struct {
	Services []string // whose; the empty one is the platform. None: everybody's
	After    WorkflowKey
	Limit    int
}

// WorkflowVersion is one version of a workflow that is data. Its content never changes; its state may.
type WorkflowVersion struct {
	Service   string       `json:"service,omitempty"` // whose it is; empty: the platform's
	Workflow  string       `json:"workflow"`
	Version   int          `json:"version"` // from 1, in the order in which they were deployed
	Hash      string       `json:"hash"`    // of the content
	State     VersionState `json:"state"`
	By        string       `json:"by"` // who deployed it
	CreatedAt time.Time    `json:"created_at"`
	// Definition is the content, as canonical JSON. Lists leave it out.
	Definition json.RawMessage `json:"definition,omitempty"`
}

// Key is the workflow that it is a version of.
func (v WorkflowVersion) Key() WorkflowKey { return WorkflowKey{v.Service, v.Workflow} }

// Deployment asks for a version of a workflow.
type Deployment struct {
	Service    string `json:"service,omitempty"`
	Workflow   string `json:"workflow"`
	Hash       string `json:"hash"`
	Definition string `json:"definition"` // canonical JSON
	By         string `json:"by"`
	Reason     string `json:"reason"`
}

// Key is the workflow that it is for.
func (d Deployment) Key() WorkflowKey { return WorkflowKey{d.Service, d.Workflow} }

// Deployed is the version that has a content.
type Deployed struct {
	WorkflowVersion

	Created bool `json:"created"` // false: it had been deployed before
}

// VersionChange asks for another state of a version.
type VersionChange struct {
	Service  string       `json:"service,omitempty"`
	Workflow string       `json:"workflow"`
	Version  int          `json:"version"`
	State    VersionState `json:"state"`
	By       string       `json:"by"`
	Reason   string       `json:"reason"`
}

// Key is the workflow whose version it is about.
func (c VersionChange) Key() WorkflowKey { return WorkflowKey{c.Service, c.Workflow} }

// VersionChanged is a version after a change was asked for. Was is its state before: where that does not allow the
// change, it is the state still.
type VersionChanged struct {
	WorkflowVersion

	Was VersionState `json:"was"`
}

// VersionNote is an entry of the audit: who did what to a version, when and why.
type VersionNote struct {
	ID       int64         `json:"id"` // rises
	At       time.Time     `json:"at"`
	Service  string        `json:"service,omitempty"`
	Workflow string        `json:"workflow"`
	Version  int           `json:"version"`
	Action   VersionAction `json:"action"`
	By       string        `json:"by"`
	Reason   string        `json:"reason"`
}

// VersionAction is what was done to a version.
type VersionAction string

// The actions of the audit.
const (
	ActionCreate    VersionAction = "create"
	ActionActivate  VersionAction = "activate"
	ActionDeprecate VersionAction = "deprecate"
	ActionLock      VersionAction = "lock"
)

// Action is what it is called in the audit to bring a version into the state.
func (s VersionState) Action() VersionAction {
	switch s {
	case VersionDraft:
		return ActionCreate
	case VersionActive:
		return ActionActivate
	case VersionDeprecated:
		return ActionDeprecate
	case VersionLocked:
	}
	return ActionLock
}

// Difference is a place in which two versions differ.
type Difference struct {
	Pointer string          `json:"pointer"`       // JSON pointer into the newer one; into the older one, where that alone has it
	Old     json.RawMessage `json:"old,omitempty"` // nil: it is not there
	New     json.RawMessage `json:"new,omitempty"`
}
