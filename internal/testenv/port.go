package testenv

import (
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"strings"
	"testing"
)

// FreePort returns a port on which nobody listens, and which the system gives to nobody by itself: from its own range any
// connection of another process might have it before it is listened on, or while a server that had it is down.
func FreePort(t testing.TB) int {
	t.Helper()
	port, err := freePort()
	return must(t, port, err)
}

func freePort() (int, error) {
	var err error
	for range 100 {
		port := firstPort + rand.IntN(ephemeral()-firstPort)
		l, listenErr := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", port)) //nolint:noctx // it never blocks
		if listenErr == nil {
			return port, l.Close()
		}
		err = listenErr
	}
	return 0, fmt.Errorf("find a free port: %w", err)
}

// firstPort is above those of well-known services.
const firstPort = 10_000

// ephemeral is the first port that the system gives to whoever asks for any.
func ephemeral() int {
	raw, err := os.ReadFile("/proc/sys/net/ipv4/ip_local_port_range")
	var first int
	if _, scanErr := fmt.Sscan(string(raw), &first); err != nil || scanErr != nil || first <= firstPort+1000 {
		return 32_768 // as most systems have it
	}
	return first
}

// attempt starts something again when somebody else took its port in between.
func attempt[T any](do func() (T, error)) (T, error) {
	for tries := 1; ; tries++ {
		v, err := do()
		if err == nil || tries == 3 || !strings.Contains(strings.ToLower(err.Error()), "address already in use") {
			return v, err
		}
	}
}
