package definition

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"cel.dev/cel-go/cel"

	"github.com/osp-platform/osp/internal/sentence"
	"github.com/osp-platform/osp/saga"
)

// checkTrigger makes ready what the trigger does.
func (d *Definition) checkTrigger(r *report) {
	t := d.Trigger
	if t == nil {
		return
	}
	known, ok := triggerMembers[t.Type]
	if !ok {
		r.warnf("/trigger/type", "%q is no trigger that starts a task by itself: the workflow is started by hand or over the API only.", t.Type)
		return
	}
	object, _ := r.doc.value.(map[string]any)
	members, _ := object["trigger"].(map[string]any)
	for _, name := range slices.Sorted(maps.Keys(members)) {
		if name != "type" && !slices.Contains(known, name) {
			r.warnf("/trigger/"+escape(name), "A trigger of the type %s has no %s: remove it, or mend its spelling.", t.Type, sentence.Shorten(name, 40))
		}
	}
	if len(known) == 0 {
		return
	}
	s, err := newStarting(t)
	if err != nil {
		r.errorf("/trigger", "The names of this trigger cannot be declared: %v.", err)
		return
	}
	s.check(t, r)
	if s.checkInput(d, r); !slices.ContainsFunc(r.problems, Problem.inTrigger) {
		d.starts = s
	}
}

// newStarting declares what the trigger's expressions know.
func newStarting(t *Trigger) (*starting, error) {
	l := &language{names: map[string]source{rootEvent: {root: rootEvent, typ: object}}, formulas: map[string]*formula{}}
	for name, typ := range eventNames[t.Type] {
		l.names[name] = source{root: rootEvent, step: name, typ: typ}
	}
	return &starting{names: &Definition{language: l}}, l.open()
}

// check reads what is the trigger's own.
func (s *starting) check(t *Trigger, r *report) {
	switch t.Type {
	case saga.TriggerSchedule:
		s.checkSchedule(t, r)
	case saga.TriggerSignal:
		if t.SignalName == "" {
			r.errorf("/trigger/signal_name", "signal_name is missing: write the name of the signal that starts it.")
		}
	default:
		if t.Entity == "" {
			r.errorf("/trigger/entity", "entity is missing: write whose rows start it.")
		}
	}
	if t.Filter != "" {
		c := s.compiler(r)
		s.filter = c.typed(t.Filter, spot{at: "/trigger/filter"}, "true or false", cel.BoolKind)
	}
}

func (s *starting) checkSchedule(t *Trigger, r *report) {
	zone, err := parseZone(t.TimeZone)
	if err != nil {
		r.errorf("/trigger/time_zone", "%v.", err)
		zone = time.UTC
	}
	if t.Cron == "" {
		r.errorf("/trigger/cron", "cron is missing: write when it is started, such as 0 8 * * 1-5 or @daily.")
		return
	}
	spec, err := parseCron(t.Cron, zone)
	if err != nil {
		r.errorf("/trigger/cron", "%q is not a schedule: %s.", sentence.Shorten(t.Cron, 80), oneLine(err))
		return
	}
	missed := t.Missed
	if missed == "" {
		missed = MissedSkip
	}
	s.schedule = &Schedule{Missed: missed, spec: spec}
}

// compiler reads expressions with the trigger's names.
func (s *starting) compiler(r *report) *compiler {
	return &compiler{report: r, d: s.names}
}

// eventName tells what is wrong with a name in a trigger's expression.
func (l *language) eventName(name string) error {
	if name == rootSecrets {
		return errors.New("a trigger has no secrets")
	}
	if _, ok := l.names[name]; ok || isType(name) {
		return nil
	}
	return fmt.Errorf("%s is nothing that this trigger tells of: that is %s", name, strings.Join(slices.Sorted(maps.Keys(l.names)), ", "))
}

// checkInput holds what the trigger gives to the input_schema, as far as it is known.
func (s *starting) checkInput(d *Definition, r *report) {
	t := d.Trigger
	if t.Input != nil {
		made, secrets := s.compiler(r).fields(t.Input, spot{at: "/trigger/input"})
		if secrets > 0 {
			r.errorf("/trigger/input", "A secret may only stand in the params of an activity: take it out.")
		}
		s.input = &params{value: made}
	}
	if d.InputSchema == nil || slices.ContainsFunc(r.problems, Problem.inTrigger) {
		return
	}
	switch {
	case s.schedule != nil:
		s.holdTick(d, r)
	case t.Input != nil:
		s.holdNames(d.InputSchema, slices.Collect(maps.Keys(t.Input)), r)
	case t.Type != saga.TriggerSignal: // a payload may be anything
		s.holdNames(d.InputSchema, told, r)
	}
}

// inTrigger tells whether it keeps the trigger from being understood.
func (p Problem) inTrigger() bool { return p.Severity == Error && within(p.Pointer, "/trigger") }

// holdTick holds what the first tick of all would give.
func (s *starting) holdTick(d *Definition, r *report) {
	schema, err := compileDoc(d.InputSchema)
	if err != nil {
		return // that is told of the schema
	}
	tried := *d
	tried.starts = s
	input, _, err := tried.Fires(saga.Tick(s.schedule.Next(firstTick)))
	if err != nil {
		r.errorf("/trigger/input", "It cannot be made: %s.", oneLine(err))
		return
	}
	value, err := parseJSON(input)
	if err != nil {
		return // we have just written it
	}
	sub := &report{doc: r.doc}
	sub.holds(schema, value)
	for _, p := range sub.problems {
		r.errorf("/trigger/input"+p.Pointer, "%s", p.Detail)
	}
}

// holdNames holds the names of what is given to those that the schema asks for and allows.
func (s *starting) holdNames(schema map[string]any, given []string, r *report) {
	fields, required := fieldsOf(schema)
	for _, name := range slices.Sorted(maps.Keys(required)) {
		if !slices.Contains(given, name) {
			r.errorf("/trigger/input/"+escape(name), "%s is missing: input_schema requires it, and the trigger does not give it.", name)
		}
	}
	if schema["additionalProperties"] != false || schema["patternProperties"] != nil {
		return
	}
	for _, name := range slices.Sorted(slices.Values(given)) {
		if _, ok := fields[name]; !ok {
			r.errorf("/trigger/input/"+escape(name), "input_schema takes no %s: name it there, or give the input that it takes.", name)
		}
	}
}
