package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"time"

	"github.com/spf13/cobra"

	"github.com/osp-platform/osp/internal/cli"
	"github.com/osp-platform/osp/server"
)

// patience is how long the server may take to answer a health check.
const patience = 3 * time.Second

func newHealthcheck(env server.Environment) *cobra.Command {
	return &cobra.Command{
		Use: "healthcheck", Short: "Ask the server on PORT whether it lives; for platforms without curl", Args: cli.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			port, err := env.Port()
			if err != nil {
				return err
			}
			ctx, cancel := context.WithTimeout(c.Context(), patience)
			defer cancel()
			req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://localhost:"+port+"/healthz", http.NoBody)
			if err != nil {
				return &server.ConfigError{Variable: "PORT", Reason: "is not a port"}
			}
			client := &http.Client{Transport: &http.Transport{DialContext: dialLoopback, DisableKeepAlives: true}}
			res, err := client.Do(req)
			if err != nil {
				return fmt.Errorf("no answer on port %s: %w", port, errors.Unwrap(err))
			}
			defer func() { _ = res.Body.Close() }()
			if res.StatusCode != http.StatusOK {
				return fmt.Errorf("port %s answers %s", port, res.Status)
			}
			return nil
		},
	}
}

// dialLoopback connects to this machine by number, whatever the name localhost means in a container: nothing at all, or
// the address of the other family.
func dialLoopback(ctx context.Context, network, addr string) (net.Conn, error) {
	_, port, err := net.SplitHostPort(addr)
	if err != nil {
		return nil, err
	}
	var dialer net.Dialer
	conn, err := dialer.DialContext(ctx, network, net.JoinHostPort("127.0.0.1", port))
	if err == nil {
		return conn, nil
	}
	if six, sixErr := dialer.DialContext(ctx, network, net.JoinHostPort("::1", port)); sixErr == nil {
		return six, nil
	}
	return nil, err
}
