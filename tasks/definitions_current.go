package tasks

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"regexp"
	"time"

	"github.com/osp-platform/osp/saga"
)

// heard is what a process knows of a workflow, and since when.
type heard struct {
	version saga.WorkflowVersion // of no workflow: there is none of the name
	at      time.Time
}

// validWorkflow tells whether a definition may have that id: what else clients ask for is not looked up.
var validWorkflow = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_-]{0,63}$`).MatchString

// active returns the version that new tasks begin with. Errors: [saga.ErrUnknownType], an *[saga.InvalidError] when no
// version is active, and [saga.ErrUnavailable] when nobody can tell.
func (d *Definitions) active(ctx context.Context, of saga.WorkflowKey) (saga.WorkflowVersion, error) {
	if !validWorkflow(of.ID) {
		return saga.WorkflowVersion{}, fmt.Errorf("%w: %s", saga.ErrUnknownType, of.ID)
	}
	last, known, changes := d.remembered(of)
	if !known || d.Now().Sub(last.at) >= currentFor {
		v, err := d.ask(ctx, of, last.version, known)
		if err != nil {
			return v, err
		}
		last.version = v
		d.remember(of, v, changes)
	}
	switch v := last.version; v.State {
	case saga.VersionActive:
		return v, nil
	case "":
		return v, fmt.Errorf("%w: %s", saga.ErrUnknownType, of.ID)
	default:
		return v, saga.Invalid("/type", "No version of the workflow %s is active: the newest, %d, is %s. Activate one: "+
			"POST /v1/workflows/%s/state%s.", v.Key(), v.Version, shown(v.State), v.Workflow, query(v.Service))
	}
}

// query is what has a call to /v1/workflows be about a service's workflow.
func query(service string) string {
	if service == "" {
		return ""
	}
	return "?service=" + service
}

func shown(s saga.VersionState) string {
	if s == saga.VersionDraft {
		return "a draft"
	}
	return string(s)
}

// ask finds out which version is the current one, and has it on the shelf. While the source is away what was heard last
// stands, by this process or by another.
func (d *Definitions) ask(ctx context.Context, of saga.WorkflowKey, last saga.WorkflowVersion, known bool) (saga.WorkflowVersion, error) {
	asked, cancel := context.WithTimeout(ctx, sourceWithin)
	defer cancel()
	v, err := d.Source.Workflow(asked, of)
	switch {
	case errors.Is(err, saga.ErrNotFound):
		return saga.WorkflowVersion{}, nil
	case err == nil:
		err = d.Shelf.ShelveCurrent(ctx, of, v)
	case err != nil && known:
		v, err = last, nil
	case err != nil:
		if v, err = d.Shelf.ShelvedCurrent(ctx, of); err != nil {
			err = fmt.Errorf("which version of %s is active: %w: %v", of, saga.ErrUnavailable, err) //nolint:errorlint // not found here is not known
		}
	}
	if err != nil || v.State != saga.VersionActive {
		return v, err
	}
	f, err := d.of(ctx, v)
	if err != nil {
		return v, err
	}
	return v, d.Shelf.Shelve(ctx, v.Hash, f.parsed.Content) // no task is accepted that workers could not find the workflow of
}

// maxHeard bounds what a process remembers: clients choose the types, and some the services.
const maxHeard = 4096

func (d *Definitions) remembered(of saga.WorkflowKey) (h heard, ok bool, changes int) {
	d.mu.Lock()
	defer d.mu.Unlock()
	h, ok = d.current[of]
	return h, ok, d.changes
}

// remember notes an answer, unless a version was changed here since it was asked for: it may be from before.
func (d *Definitions) remember(of saga.WorkflowKey, v saga.WorkflowVersion, changes int) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if changes != d.changes {
		return
	}
	if d.current == nil || len(d.current) >= maxHeard {
		d.current = map[saga.WorkflowKey]heard{}
	}
	d.current[of] = heard{v, d.Now()}
}

// begins tells whether new tasks begin with a content. If not it is asked anew the next time.
func (d *Definitions) begins(ctx context.Context, of saga.WorkflowKey, hash string) bool {
	v, err := d.active(ctx, of)
	if err == nil && v.Hash == hash {
		return true
	}
	d.forget(of)
	return false
}

// Changes counts the versions that were changed here.
func (d *Definitions) Changes() int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.changes
}

// forget has the next starts ask anew: a version was changed here. What is the platform's concerns services, too.
func (d *Definitions) forget(changed saga.WorkflowKey) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.changes++
	maps.DeleteFunc(d.current, func(of saga.WorkflowKey, _ heard) bool {
		return of.ID == changed.ID && (changed.Service == "" || of.Service == changed.Service)
	})
}
