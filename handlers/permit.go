package handlers

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strings"

	"github.com/osp-platform/osp/saga"
)

// bound tells whether the principal is limited to a user or to a service.
func (p Principal) bound() bool { return p.Owner != "" || p.Service != "" }

// holds tells whether the principal has a role. Operators see and steer everybody's tasks, so that a user, or the key of
// a service, is none whatever else is said of it.
func (p Principal) holds(role Role) error {
	switch {
	case p.Role < role:
		return refuse(forbidden).because("This needs the role %s; %s has the role %s.", role, p.Name, p.Role)
	case role == RoleOperator && p.bound():
		return refuse(forbidden).because("This is for operators; %s is limited to a user or a service.", p.Name)
	}
	return nil
}

// sees tells whether the principal may know of a task.
func (p Principal) sees(t saga.Task) bool {
	return (p.Owner == "" || p.Owner == t.UserID) && (p.Service == "" || p.Service == t.Service)
}

// narrow limits a list to what the principal may see.
func (p Principal) narrow(q *saga.Query) error {
	var ok bool
	if q.Owner, ok = within(p.Owner, q.Owner); !ok {
		return refuse(forbidden, fault{Parameter: "user_id", Detail: "is not yours"})
	}
	if q.Service, ok = within(p.Service, q.Service); !ok {
		return refuse(forbidden, fault{Parameter: "service", Detail: "is not the service of this key"})
	}
	return nil
}

// within returns what is asked for if the limit allows it, and the limit where nothing is asked for.
func within(limit, asked string) (string, bool) {
	if limit == "" {
		return asked, true
	}
	return limit, asked == "" || asked == limit
}

// visible hides a task that the principal may not know of: that it exists is not told either.
func visible(ctx context.Context, t saga.Task) error {
	if !PrincipalOf(ctx).sees(t) {
		return refuse(noTask)
	}
	return nil
}

// stillSees tells whether the one who sent a request may still know of a task: tokens expire, and keys are taken away,
// while a stream goes on. One that cannot be told about at the moment is not cut off.
func (a *API) stillSees(r *http.Request, t saga.Task) bool {
	p, err := a.identify(r, false)
	return err != nil && !errors.Is(err, ErrUnauthenticated) || err == nil && p.sees(t)
}

// mine returns the task of an id, before something is done to it, if the principal may know of it. For those who may
// know of all, nothing is read.
func (a *API) mine(ctx context.Context, id string) (saga.Task, error) {
	if !PrincipalOf(ctx).bound() {
		return saga.Task{}, nil
	}
	task, err := a.tasks.Get(ctx, id)
	if err != nil {
		return saga.Task{}, err
	}
	return task, visible(ctx, task)
}

// ownRoles are roles that every caller has or has not by what it is: no name of a key and no role of a user stands for one.
var ownRoles = []string{saga.HumanOwner, RoleReader.String(), RoleStarter.String(), RoleOperator.String()}

// answers tells whether the principal may answer a human task that is for a role. Operators may whatever it is for.
func (a *API) answers(ctx context.Context, h saga.HumanTask, role string) (bool, error) {
	p := PrincipalOf(ctx)
	own := p.Owner != "" && p.Owner == h.Owner
	switch {
	case p.holds(RoleOperator) == nil:
		return true, nil
	case p.Role < RoleStarter, p.Service != "" && p.Service != h.Service:
		return false, nil
	case role == saga.HumanOwner:
		return own, nil
	case role == RoleStarter.String():
		return own || p.Owner == "", nil
	case slices.Contains(ownRoles, role):
		return false, nil
	case p.Owner == "":
		return p.Name == role, nil
	case p.Duties == nil || !slices.Contains(p.Duties.Roles, role):
		return false, nil
	case own, h.Service != "" && slices.Contains(p.Duties.Services, h.Service):
		return true, nil
	}
	return a.owners.owns(ctx, p.Owner, h.Service)
}

// mayAnswer tells whether the principal may answer a human task, in any of the roles that it is for.
func (a *API) mayAnswer(ctx context.Context, h saga.HumanTask) (bool, error) {
	for _, role := range h.Roles {
		if may, err := a.answers(ctx, h, role); may || err != nil {
			return may, err
		}
	}
	return false, nil
}

// permitAnswer lets through who may answer the human task at a step. From who may not know of the task otherwise, it is
// hidden until they are asked.
func (a *API) permitAnswer(ctx context.Context, id, step string) error {
	h, err := a.tasks.HumanTask(ctx, id, step)
	if err != nil {
		return err
	}
	may, err := a.mayAnswer(ctx, h)
	sees := PrincipalOf(ctx).sees(saga.Task{UserID: h.Owner, Service: h.Service})
	switch {
	case err != nil:
		return err
	case !sees && (!may || h.State == saga.HumanAhead):
		return refuse(noTask)
	case may, len(h.Roles) == 0: // of what is no human task it is told so
		return nil
	}
	return refuse(forbidden).because("This is to be answered by: %s. %s is none of these for this task.", strings.Join(h.Roles, ", "), PrincipalOf(ctx).Name)
}

// permit holds a start to what the principal may do, and fills in what follows from who it is.
func (a *API) permit(ctx context.Context, r *saga.Request) error {
	p := PrincipalOf(ctx)
	r.By = p.Name
	var ok bool
	if r.Owner, ok = within(p.Owner, r.Owner); !ok {
		return refuse(forbidden, atPointer("/user_id", "is not yours"))
	}
	if r.Owner == "" {
		r.Owner = saga.NilOwner
	}
	if r.Service, ok = within(p.Service, r.Service); !ok {
		return refuse(forbidden, atPointer("/service", "is not the service of this key"))
	}
	return a.permitStart(ctx, r.Type, r.Service)
}

// permitRetry holds a retry to what the principal may start: its limits, or the service's owner, may be others than when
// the task was started.
func (a *API) permitRetry(ctx context.Context, id string) error {
	task, err := a.mine(ctx, id)
	if err != nil {
		return err
	}
	return a.permitStart(ctx, task.Type, task.Service)
}

// permitStart tells whether the principal may start tasks of this type in this service.
func (a *API) permitStart(ctx context.Context, typeName, service string) error {
	p := PrincipalOf(ctx)
	if !p.bound() {
		return nil
	}
	if t, known := a.tasks.Type(typeName); known { // of an unknown one the catalogue tells more
		if err := p.starts(t); err != nil {
			return err
		}
	}
	if p.Owner == "" || service == "" {
		return nil
	}
	owns, err := a.owners.owns(ctx, p.Owner, service)
	if err == nil && !owns {
		err = refuse(forbidden, atPointer("/service", "is not a service of yours"))
	}
	return err
}

// starts tells whether a principal that is limited may start tasks of a type.
func (p Principal) starts(t saga.TaskType) error {
	switch {
	case t.Access == saga.AccessOpen, t.Access == saga.AccessUnbound && p.Service == "":
		return nil
	case t.Access == saga.AccessUnbound:
		return refuse(forbidden, atPointer("/type", "is for users and for API keys that are not bound to a service"))
	}
	return refuse(forbidden, atPointer("/type", "is for API keys that are not bound to a service"))
}
