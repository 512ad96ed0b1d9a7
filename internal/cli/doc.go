// Package cli is the part of the command that people steer tasks with: task, workflow, queue, pause, human, audit and profile. It
// speaks HTTP to the API and knows nothing of Redis or the result store.
//
// Results go to stdout, talk to stderr. All that the API says is made harmless before it reaches a terminal: see [plain].
package cli
