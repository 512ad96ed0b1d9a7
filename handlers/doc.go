// Package handlers is the HTTP side of osp: HTTP in, HTTP out. It decodes and validates requests strictly, asks the
// interface [Tasks] for what they want, and answers with JSON, with server-sent events or with an RFC 9457 problem.
//
// It knows no queue, no journal and no store. Everything that it needs is stated in needs.go and given in a [Config];
// the endpoints are one table in routes.go, their description is openapi.json, and docs/api.md tells it to people.
package handlers
