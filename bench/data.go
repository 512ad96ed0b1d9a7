package main

import (
	"context"
	"encoding/json"
	"strings"
	"time"

	"github.com/osp-platform/osp/journal"
	"github.com/osp-platform/osp/saga"
	"github.com/osp-platform/osp/tasks"
	"github.com/osp-platform/osp/tasks/definition"
)

// The same workflow in Go and as data: three steps that answer with what they are given, a field of the input among it.
const (
	codeType   = "bench.code"
	dataType   = "bench_data"
	definedAs  = `{"id": "bench_data", "input_schema": {"type": "object", "properties": {"text": {"type": "string"}}, "required": ["text"]}, "steps": [STEPS]}`
	stepAsData = `{"id": "NAME", "type": "activity", "activity": {"type": "transform_data", "params": {"step": "NAME", "text": "${text}"}}}`
)

func inCode() saga.Step {
	var steps []saga.Step
	for _, name := range []string{"a", "b", "c"} {
		steps = append(steps, saga.Step{
			Kind: saga.KindActivity, Name: name, NoEffect: true, Do: giveBack,
			Input: func(s saga.Scope) (json.RawMessage, error) {
				var in struct {
					Text string `json:"text"`
				}
				if err := json.Unmarshal(s.Task().Input, &in); err != nil {
					return nil, err
				}
				return json.Marshal(map[string]string{"step": name, "text": in.Text})
			},
		})
	}
	return saga.Sequence(steps...)
}

func giveBack(_ context.Context, _ saga.Call, input json.RawMessage) (json.RawMessage, error) {
	return input, nil
}

func asData() ([]byte, error) {
	var steps []string
	for _, name := range []string{"a", "b", "c"} {
		steps = append(steps, strings.ReplaceAll(stepAsData, "NAME", name))
	}
	d, problems := definition.Parse([]byte(strings.Replace(definedAs, "STEPS", strings.Join(steps, ", "), 1)))
	if d == nil {
		return nil, problems
	}
	return d.Content, nil
}

// definitions know one workflow, which is active.
func definitions(j *journal.Redis) (*tasks.Definitions, error) {
	content, err := asData()
	if err != nil {
		return nil, err
	}
	return &tasks.Definitions{Source: one(content), Shelf: j, Activities: one(content), Log: quiet, Now: time.Now}, nil
}

// one is the only definition that there is.
type one []byte

func (o one) version() (saga.WorkflowVersion, error) {
	d, problems := definition.Parse(o)
	if d == nil {
		return saga.WorkflowVersion{}, problems
	}
	return saga.WorkflowVersion{Workflow: d.ID, Version: 1, Hash: d.Hash, State: saga.VersionActive, Definition: d.Content}, nil
}

// Workflow implements [tasks.DefinitionSource].
func (o one) Workflow(context.Context, saga.WorkflowKey) (saga.WorkflowVersion, error) {
	return o.version()
}

// Definition implements [tasks.DefinitionSource].
func (o one) Definition(context.Context, string) (saga.WorkflowVersion, error) { return o.version() }

// Action implements [definition.Activities].
func (o one) Action(string) (definition.Action, error) { return definition.Action{Do: giveBack}, nil }

// dataCost is what a workflow as data costs as a multiple of the same one in Go.
func (d *database) dataCost(ctx context.Context, s settings) (cost, error) {
	code, err := d.throughput(ctx, s, codeType)
	if err != nil {
		return cost{}, err
	}
	data, err := d.throughput(ctx, s, dataType)
	return costOf(data, code, code), err
}
