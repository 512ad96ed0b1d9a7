// Package activities carries out the activities of workflows that are data: it is what [definition.Activities] asks for.
//
//	definition ──[Activities.Action]──▶ create_entity …  ──▶ tasks.Effects   rows and manifests, by fences
//	                                    call_api …       ──▶ [Caller]        endpoints, guarded, secrets at the last moment
//	                                    send_email       ──▶ [Mailer]
//	                                    send_sms         ──▶ [Gateway]
//
// An activity gets params whose templates are filled in. What is wrong with them, or not set up on this worker, is a
// definite failure that no further attempt mends; none pretends to have acted. What each takes and answers is in
// docs/workflows.md.
package activities
