// Package telemetry makes metrics and traces of what a process does: Prometheus' metrics, and spans that OpenTelemetry
// exports. It knows the engine's types only; the server hands its parts to where something happens.
//
// No label holds an id. Labels that follow from what users do (the type of a task, the route of a request) have a bound.
// docs/operations.md lists every metric; a test compares.
package telemetry
