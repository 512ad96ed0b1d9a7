package tasks

import (
	"net"
	"syscall"
)

// LetThrough makes a guarded client take one address of this machine for one on the internet.
func LetThrough(h *HTTP, outside string) {
	dialer := &net.Dialer{Resolver: h.options.Resolver}
	dialer.Control = func(network, address string, c syscall.RawConn) error {
		if address == outside {
			return nil
		}
		return h.guard.Safe(network, address, c)
	}
	h.transport.DialContext = dialer.DialContext
}

// RetryDelay is what a worker configures asynq with.
var RetryDelay = retryDelay
