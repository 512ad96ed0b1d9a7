package server

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/url"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/osp-platform/osp/results"
)

// reachRedis is [knock] for a command. Errors: *[ConfigError] for what will not be over by itself.
func reachRedis(ctx context.Context, client redis.UniversalClient) error {
	ctx, cancel := context.WithTimeout(ctx, preflightTimeout)
	defer cancel()
	refused, err := knock(ctx, client)
	if err != nil {
		return err
	}
	if refused != "" {
		return Refusal([]Finding{redisFinding("connection", LevelRefused, "%s", refused)})
	}
	return nil
}

// awayError means that Redis does not do its work, which may be over in a moment.
type awayError struct {
	says  string // what is wrong, and the mend
	cause error
}

func (e *awayError) Error() string { return "redis: " + e.says }
func (e *awayError) Unwrap() error { return e.cause }

// knock asks Redis for a sign of life. It returns why Redis will never let us in, with the mend, or an *[awayError].
func knock(ctx context.Context, client redis.UniversalClient) (refused string, err error) {
	err = client.Ping(ctx).Err()
	if err == nil {
		return "", nil
	}
	refused = refusedByRedis(err)
	if one, ok := client.(*redis.Client); ok && refused == "" {
		if strings.Contains(err.Error(), "DB index is out of range") {
			refused = fmt.Sprintf("it has no database %d: end the URL in a lower number, such as /0, or raise its setting databases", one.Options().DB)
		} else {
			refused = wrongTLS(context.WithoutCancel(ctx), one.Options())
		}
	}
	if refused != "" {
		return refused, nil
	}
	if _, ok := errors.AsType[redis.Error](err); ok {
		return "", &awayError{fmt.Sprintf("it is not ready (%v): wait, or look at its log", err), err}
	}
	return "", &awayError{fmt.Sprintf("it cannot be reached (%v): start it, or set REDIS_URL to where it is", err), err}
}

// refusedByRedis tells why a connection will never be let in, or nothing when it may be another time.
func refusedByRedis(err error) string {
	text := err.Error()
	switch {
	case redis.HasErrorPrefix(err, "NOAUTH"):
		return "it asks for a password: write redis://user:password@host:port"
	case redis.HasErrorPrefix(err, "WRONGPASS"), strings.Contains(text, "invalid password"):
		return "the user or the password is wrong"
	case redis.HasErrorPrefix(err, "NOPERM"):
		return "the user may not use it: it needs the commands on keys osp:* and asynq:*, EVAL and pub/sub"
	case strings.Contains(text, "SELECT is not allowed in cluster mode"):
		return "a cluster has no numbered databases: take the number from the end of the URL"
	case strings.Contains(text, "failed to verify certificate"):
		return "its certificate is not one that this machine trusts: " + text[strings.Index(text, "failed to verify"):]
	}
	return ""
}

// wrongTLS tells whether the server speaks TLS where we do not, or the other way round: either of the two waits for the
// other then, or hangs up, and neither says why.
func wrongTLS(ctx context.Context, o *redis.Options) string {
	ctx, cancel := context.WithTimeout(ctx, time.Second)
	defer cancel()
	conn, err := new(net.Dialer).DialContext(ctx, o.Network, o.Addr)
	if err != nil {
		return ""
	}
	defer func() { _ = conn.Close() }()
	deadline, _ := ctx.Deadline()
	_ = conn.SetDeadline(deadline)
	if o.TLSConfig == nil {
		// Any certificate will do to see whether there is one.
		if tls.Client(conn, &tls.Config{InsecureSkipVerify: true}).HandshakeContext(ctx) == nil { //nolint:gosec // nothing is sent
			return "it speaks TLS: begin with rediss:// instead of redis://"
		}
		return ""
	}
	answer := make([]byte, 1)
	if _, err := io.WriteString(conn, "PING\r\n"); err != nil {
		return ""
	}
	if _, err := conn.Read(answer); err == nil && (answer[0] == '+' || answer[0] == '-') {
		return "it does not speak TLS: begin with redis:// instead of rediss://"
	}
	return ""
}

// reachStore asks the result store whether it can be used, and says what is wrong, with the mend.
func reachStore(ctx context.Context, store results.Store) error {
	ctx, cancel := context.WithTimeout(ctx, preflightTimeout)
	defer cancel()
	err := store.Ping(ctx)
	if _, supabase := store.(*results.PostgREST); err == nil || !supabase {
		return err
	}
	if _, ok := errors.AsType[*results.APIError](err); ok {
		return err // which says it
	}
	if _, ok := errors.AsType[*results.SchemaError](err); ok {
		return err
	}
	if sent, ok := errors.AsType[*url.Error](err); ok {
		return fmt.Errorf("supabase cannot be reached (%w): is SUPABASE_URL right?", sent.Err) // without our function's name
	}
	return fmt.Errorf("no Supabase answers (%w): is SUPABASE_URL right?", err)
}
