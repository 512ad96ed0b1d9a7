// Package server reads the configuration from the environment and wires the roles: api, worker, all and dev. What it
// starts stops with its context, in reverse order.
package server
