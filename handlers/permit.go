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

// servicesSeen are the services whose workflows the principal may know of, or of those the one that is asked for. None: all.
// Everybody may know of the platform's, whose service is the empty one.
func (a *API) servicesSeen(ctx context.Context, asked string) ([]string, error) {
	p := PrincipalOf(ctx)
	if _, ok := within(p.Service, asked); !ok {
		return nil, refuse(forbidden, fault{Parameter: "service", Detail: "is not the service of this key"})
	}
	switch {
	case asked == "" && !p.bound():
		return nil, nil
	case asked == "" && p.Owner == "":
		return []string{"", p.Service}, nil
	case asked == "":
		return []string{""}, nil
	case p.Owner == "":
		return []string{asked}, nil
	}
	owns, err := a.owners.owns(ctx, p.Owner, asked)
	if err == nil && !owns {
		err = refuse(forbidden, fault{Parameter: "service", Detail: "is not a service of yours"})
	}
	return []string{asked}, err
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
	if _, token := bearer(r.Header.Get("Authorization")); !token && a.auth != nil {
		if of, ok := secretOf(r); ok && a.people.believed(of) {
			return true
		}
	}
	p, _, err := a.identify(r)
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

// answers are the human tasks that the principal may answer. A user's roles count for the user's own tasks, and for all those
// of the services that are named with them.
func (p Principal) answers() []saga.HumanScope {
	named := func(role string) bool { return !slices.Contains(ownRoles, role) }
	switch {
	case p.holds(RoleOperator) == nil:
		return []saga.HumanScope{{}}
	case p.Role < RoleStarter:
		return nil
	case p.Owner == "":
		roles := []string{RoleStarter.String()}
		if named(p.Name) {
			roles = append(roles, p.Name)
		}
		return []saga.HumanScope{{Service: p.Service, Roles: roles}}
	}
	own := saga.HumanScope{Owner: p.Owner, Service: p.Service, Roles: []string{saga.HumanOwner, RoleStarter.String()}}
	scopes := []saga.HumanScope{}
	for _, service := range p.services() {
		scopes = append(scopes, saga.HumanScope{Service: service, Roles: p.roles()})
	}
	own.Roles = append(own.Roles, p.roles()...)
	return append(scopes, own)
}

// roles are those of a user that a human task may be for.
func (p Principal) roles() []string {
	if p.Duties == nil {
		return nil
	}
	return slices.DeleteFunc(slices.Clone(p.Duties.Roles), func(role string) bool { return slices.Contains(ownRoles, role) })
}

// services are those in which a user's roles count for everybody's tasks.
func (p Principal) services() []string {
	if len(p.roles()) == 0 {
		return nil
	}
	return slices.DeleteFunc(slices.Clone(p.Duties.Services), func(s string) bool { return s == "" || p.Service != "" && s != p.Service })
}

// answersIn is [Principal.answers] where it matters whether a service is the principal's own: a user's roles count there.
func (a *API) answersIn(ctx context.Context, service string) ([]saga.HumanScope, error) {
	p := PrincipalOf(ctx)
	scopes := p.answers()
	if p.Owner == "" || p.Service != "" || len(p.roles()) == 0 || slices.Contains(p.services(), service) {
		return scopes, nil
	}
	owns, err := a.owners.owns(ctx, p.Owner, service)
	if owns {
		scopes = append(scopes, saga.HumanScope{Service: service, Roles: p.roles()})
	}
	return scopes, err
}

// mayAnswer tells whether the principal may answer a human task.
func (a *API) mayAnswer(ctx context.Context, h saga.HumanTask) (bool, error) {
	has := func(s saga.HumanScope) bool { return s.Has(h) }
	p := PrincipalOf(ctx)
	if slices.ContainsFunc(p.answers(), has) {
		return true, nil
	}
	if !(saga.HumanScope{Roles: p.roles()}).Has(h) { // nobody needs to be asked
		return false, nil
	}
	scopes, err := a.answersIn(ctx, h.Service)
	return slices.ContainsFunc(scopes, has), err
}

// permitAnswer lets through who may answer the human task at a step. From who may not know of the task otherwise, it is
// hidden until they are asked.
func (a *API) permitAnswer(ctx context.Context, id, step string) error {
	h, err := a.tasks.HumanTask(ctx, id, step)
	switch {
	case err != nil && h.Task != "" && !a.mightAnswer(ctx, h):
		return refuse(noTask)
	case err != nil:
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
	if err := p.permitWebhook(r.Webhook); err != nil {
		return err
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

// permitSignal returns the service that a principal may raise a signal in: whoever is limited names none but their own.
func (a *API) permitSignal(ctx context.Context, service string) (string, error) {
	p := PrincipalOf(ctx)
	service, ok := within(p.Service, service)
	switch {
	case !ok:
		return "", refuse(forbidden, atPointer("/service", "is not the service of this key"))
	case p.Owner == "":
		return service, nil
	case service == "":
		return "", refuse(forbidden, atPointer("/service", "is missing: name a service of yours"))
	}
	owns, err := a.owners.owns(ctx, p.Owner, service)
	if err == nil && !owns {
		err = refuse(forbidden, atPointer("/service", "is not a service of yours"))
	}
	return service, err
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
