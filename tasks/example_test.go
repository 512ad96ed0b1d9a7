package tasks_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/osp-platform/osp/saga"
	"github.com/osp-platform/osp/tasks"
)

// A type of one's own stands beside the built-in ones.
func ExampleNewCatalogue() {
	type order struct{ Item string }
	charge := saga.Activity[order, string]{
		Name: "charge",
		Do:   func(_ context.Context, c saga.Call, in order) (string, error) { return "receipt for " + in.Item, nil },
		Undo: func(_ context.Context, c saga.Call, in order, receipt *string) error { return nil },
	}
	shop := tasks.Type{
		Name:        "shop.order",
		Description: "Charges for an item.",
		Schema:      json.RawMessage(`{"type":"object","required":["item"],"properties":{"item":{"type":"string"}}}`),
		Static:      true,
		Build: func(json.RawMessage) (*saga.Workflow, error) {
			return &saga.Workflow{Name: "shop.order", Version: 1, Root: saga.Sequence(charge.Step())}, nil
		},
	}
	c, err := tasks.NewCatalogue(append(tasks.Builtin(nil, nil), shop)...)
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, t := range c.Types() {
		fmt.Println(t.Name)
	}
	// Output:
	// entity.create
	// entity.delete
	// entity.update
	// http.saga
	// service.create
	// shop.order
}

// Validate tells all that is wrong, and where.
func ExampleCatalogue_Validate() {
	c, err := tasks.NewCatalogue(tasks.Builtin(nil, nil)...)
	if err != nil {
		fmt.Println(err)
		return
	}
	err = c.Validate(saga.Request{Type: "service.create", Input: json.RawMessage(`{
		"name": "Chez Max",
		"entities": [{"name": "table", "attributes": {"id": "string"}, "relationships": {"room": {"target": "rooms", "type": "many_to_one"}}}]
	}`)})
	if invalid, ok := errors.AsType[*saga.InvalidError](err); ok {
		for _, p := range invalid.Problems {
			fmt.Println(p.Pointer)
			fmt.Println("   ", p.Detail)
		}
	}
	// Output:
	// /input/entities/0/attributes/id
	//     Every table has the column "id" already: remove it, or choose another name.
	// /input/entities/0/relationships/room/target
	//     There is no entity "rooms" in this service: add it, or mend the name.
}

// A saga over HTTP becomes a workflow like any other: one step for each of its own.
func ExampleHTTPSaga() {
	h := tasks.NewHTTP(tasks.HTTPOptions{})
	defer h.Close()
	c, err := tasks.NewCatalogue(tasks.HTTPSaga(h))
	if err != nil {
		fmt.Println(err)
		return
	}
	p, err := c.Plan("http.saga", json.RawMessage(`{"steps": [
		{"name": "charge",
		 "do":   {"method": "POST", "url": "https://pay.example.com/charges", "headers": {"Authorization": "Bearer ${secrets.PAY_KEY}"}, "body": {"amount": 40}},
		 "undo": {"method": "POST", "url": "https://pay.example.com/charges/${do.body.id}/refund", "headers": {"Authorization": "Bearer ${secrets.PAY_KEY}"}}},
		{"name": "receipt",
		 "do":   {"method": "POST", "url": "https://mail.example.com/send", "body": {"text": "Paid: ${steps.charge.body.id}"}}}
	]}`))
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, s := range p.Workflow.Root.Steps {
		fmt.Printf("%s, undo: %t\n", s.Name, s.Undo != nil)
	}
	// Output:
	// charge, undo: true
	// receipt, undo: false
}
