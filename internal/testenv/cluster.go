package testenv

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strconv"
	"strings"
	"testing"

	"github.com/redis/go-redis/v9"
)

// slots is how many hash slots a cluster has.
const slots = 16384

// RedisCluster starts a cluster of three masters without replicas and returns their addresses. It ends with the test.
func RedisCluster(t testing.TB) []string {
	t.Helper()
	addrs := make([]string, 3)
	nodes := make([]*redis.Client, len(addrs))
	for i := range addrs {
		bus, err := freePort()
		must(t, bus, err)
		// None of them is to be taken for dead when the machine is busy.
		timeout := strconv.FormatInt(startTimeout.Milliseconds(), 10)
		r := RedisProcess(t, "--cluster-enabled", "yes", "--cluster-port", strconv.Itoa(bus), "--cluster-node-timeout", timeout)
		addrs[i], nodes[i] = r.Addr, redis.NewClient(&redis.Options{Addr: r.Addr})
		t.Cleanup(func() { _ = nodes[i].Close() })
		must(t, r, meet(t.Context(), nodes[i], i, len(addrs), bus, nodes[0]))
	}
	for _, node := range nodes {
		must(t, node, poll(func() error { return serves(t.Context(), node, len(nodes)) }))
	}
	return addrs
}

// meet gives a node its part of the slots and makes it known to the first one.
func meet(ctx context.Context, node *redis.Client, i, of, bus int, first *redis.Client) error {
	if err := node.ClusterAddSlotsRange(ctx, i*slots/of, (i+1)*slots/of-1).Err(); err != nil {
		return fmt.Errorf("give slots to a node: %w", err)
	}
	if node == first {
		return nil
	}
	host, port, err := net.SplitHostPort(node.Options().Addr)
	if err != nil {
		return err
	}
	// go-redis' ClusterMeet knows no port of the bus.
	if err := first.Do(ctx, "cluster", "meet", host, port, bus).Err(); err != nil {
		return fmt.Errorf("let nodes meet: %w", err)
	}
	return nil
}

func serves(ctx context.Context, node *redis.Client, of int) error {
	info, err := node.ClusterInfo(ctx).Result()
	if err != nil {
		return fmt.Errorf("cluster info: %w", err)
	}
	if !strings.Contains(info, "cluster_state:ok") || !strings.Contains(info, "cluster_known_nodes:"+strconv.Itoa(of)) {
		return errors.New("the cluster does not serve yet")
	}
	return nil
}
