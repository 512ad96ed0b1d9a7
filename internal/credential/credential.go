// Package credential tells what must not be written out where it would be stored.
package credential

import "regexp"

// Header tells by its name whether a header lets somebody in: Authorization, Cookie, X-Api-Key, apikey, X-Auth-Token,
// X-Access-Token, X-Webhook-Secret, ….
func Header(name string) bool { return header(name) }

var header = regexp.MustCompile(`(?i)auth|cookie|api[-_]?key|token|secret|passw|credential|access[-_]?key|private[-_]?key`).MatchString
