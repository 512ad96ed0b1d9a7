package tasks

import (
	"context"
	_ "embed"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/osp-platform/osp/saga"
)

//go:embed schemas/service.create.json
var serviceCreateSchema []byte

// ServiceCreate is the type service.create: it makes a service out of its description, and leaves nothing behind when
// any step fails. Its output is {"service_id", "schema", "tables", "manifest_version"}.
func ServiceCreate(e Effects) Type {
	workflow := serviceCreate(e)
	return Type{
		Name: "service.create",
		Description: "Creates a service: its schema, tables, row-level security, foreign keys, sample rows and manifest. " +
			"All of it, or none.",
		Access: saga.AccessUnbound, // it makes another service
		Schema: serviceCreateSchema,
		Build:  func(json.RawMessage) (*saga.Workflow, error) { return workflow, nil },
		Static: true,
		Check:  checkService,
	}
}

func serviceCreate(e Effects) *saga.Workflow {
	return &saga.Workflow{
		Name: "service.create", Version: 1, Output: serviceOutput,
		Root: saga.Sequence(
			validateService(),
			effectStep(e, "reserve", "service.reserve", reserveArgs),
			effectStep(e, "register", "service.register", onService(func(s *service, a *serviceArgs) {
				a.Name, a.Entities = s.Name, s.Entities
			})),
			effectStep(e, "create_schema", "schema.create", onService(func(*service, *serviceArgs) {})),
			effectStep(e, "create_tables", "tables.create", onService(func(s *service, a *serviceArgs) {
				a.Entities = s.parts(func(e entity) entity { return entity{Name: e.Name, Attributes: e.Attributes} })
			})),
			effectStep(e, "enable_security", "security.enable", onService(func(s *service, a *serviceArgs) {
				a.Entities = s.Entities
			})),
			effectStep(e, "add_keys", "keys.create", onService(func(s *service, a *serviceArgs) {
				a.Entities = s.parts(func(e entity) entity { return entity{Name: e.Name, Relationships: e.Relationships} })
			})),
			saga.Condition("sample_data_given", hasSamples,
				effectStep(e, "insert_sample_rows", "rows.insert", onService(func(s *service, a *serviceArgs) {
					a.Rows = s.SampleData
				})), saga.Step{}),
			effectStep(e, "store_manifest", "manifest.store", storeArgs),
			effectStep(e, "activate_manifest", "manifest.activate", activateArgs),
		),
	}
}

// validateService checks again what was checked when the task was accepted: the rules may have become stricter since.
func validateService() saga.Step {
	return saga.Activity[json.RawMessage, struct{}]{
		Name: "validate", NoEffect: true,
		Do: func(_ context.Context, _ saga.Call, in json.RawMessage) (struct{}, error) {
			return struct{}{}, saga.Permanent(checkService(saga.Request{Input: in}))
		},
	}.Step()
}

// serviceArgs are the args of the effects that build a service; each uses its part of them.
type serviceArgs struct {
	Schema   string                                  `json:"schema"`
	Name     string                                  `json:"name,omitempty"`
	UserID   string                                  `json:"user_id"`
	Entities []entity                                `json:"entities,omitempty"`
	Rows     map[string][]map[string]json.RawMessage `json:"rows,omitempty"`
	Manifest json.RawMessage                         `json:"manifest,omitempty"`
	Version  json.RawMessage                         `json:"version,omitempty"`
	By       string                                  `json:"by,omitempty"`
}

func reserveArgs(scope saga.Scope) (serviceArgs, error) {
	s, err := saga.InputOf[service](scope)
	if err != nil {
		return serviceArgs{}, err
	}
	return serviceArgs{Schema: schemaName(s.Name, scope.CreatedAt()), Name: s.Name, UserID: scope.Task().Owner}, nil
}

// onService makes an effect's args: the schema, the owner, and what fill takes from the service.
func onService(fill func(*service, *serviceArgs)) func(saga.Scope) (serviceArgs, error) {
	return func(scope saga.Scope) (serviceArgs, error) {
		s, err := saga.InputOf[service](scope)
		if err != nil {
			return serviceArgs{}, err
		}
		a := serviceArgs{Schema: schemaName(s.Name, scope.CreatedAt()), UserID: scope.Task().Owner}
		fill(&s, &a)
		return a, nil
	}
}

func storeArgs(scope saga.Scope) (serviceArgs, error) {
	args := func(s *service, a *serviceArgs) { a.Manifest, a.By = s.manifest(a.Schema), by(scope.Task()) }
	return onService(args)(scope)
}

func activateArgs(scope saga.Scope) (serviceArgs, error) {
	stored, err := saga.OutputOf[struct{ Version json.RawMessage }](scope, "store_manifest")
	if err != nil {
		return serviceArgs{}, err
	}
	args := func(_ *service, a *serviceArgs) { a.Version, a.By = stored.Version, by(scope.Task()) }
	return onService(args)(scope)
}

// by names who did it, for the audit log.
func by(t saga.Created) string {
	if t.By != "" {
		return t.By
	}
	return t.Owner
}

func hasSamples(scope saga.Scope) (bool, error) {
	s, err := saga.InputOf[service](scope)
	return len(s.SampleData) > 0, err
}

func (s *service) parts(part func(entity) entity) []entity {
	list := make([]entity, len(s.Entities))
	for i, e := range s.Entities {
		list[i] = part(e)
	}
	return list
}

// serviceOutput gathers what a client wants to know of its new service.
func serviceOutput(scope saga.Scope) (json.RawMessage, error) {
	out := map[string]json.RawMessage{}
	for field, from := range map[string][2]string{
		"service_id": {"register", "service_id"}, "schema": {"reserve", "schema"},
		"tables": {"create_tables", "tables"}, "manifest_version": {"activate_manifest", "version"},
	} {
		result, err := saga.OutputOf[map[string]json.RawMessage](scope, from[0])
		if err != nil {
			return nil, err
		}
		out[field] = result[from[1]]
	}
	return json.Marshal(out)
}

// maxSchemaPrefix is how much of a service's name stays in the name of its schema.
const maxSchemaPrefix = 30

// schemaName is the name of a service's schema: `<name>_<ms>`, as OSP names them. It depends on what is recorded of the
// task only, so that every attempt, on any worker, means the same schema. It begins with a letter, and not as the names
// do that PostgreSQL and Supabase keep for themselves.
func schemaName(service string, created time.Time) string {
	name := strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= '0' && r <= '9' || r == '_' {
			return r
		}
		return '_'
	}, strings.ToLower(service))
	if name == "" || name[0] < 'a' || name[0] > 'z' || strings.HasPrefix(name, "pg_") || strings.HasPrefix(name, "supabase_") {
		name = "s_" + name
	}
	return fmt.Sprintf("%s_%d", name[:min(len(name), maxSchemaPrefix)], created.UnixMilli())
}
