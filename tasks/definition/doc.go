// Package definition reads workflows that are data: it checks a definition, turns it into the engine's tree, and tries
// it out without any effect.
//
//	raw ──[Parse]──▶ Definition ──[Definition.Workflow]──▶ saga.Workflow
//	        │              └──────[Definition.Simulate]──▶ Simulation
//	        └─▶ Problems, each with its JSON pointer and its line and column
//
// A definition is untrusted: it is bounded in size, depth and steps, its expressions are CEL with a limit on cost, and
// what is not understood is refused. The format is docs/workflows.md; its structure is schema.json.
package definition
