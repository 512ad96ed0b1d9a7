package tasks_test

import (
	"context"
	"encoding/binary"
	"io"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"testing"

	"golang.org/x/net/dns/dnsmessage"

	"github.com/osp-platform/osp/saga"
	"github.com/osp-platform/osp/tasks"
)

// newGuardedWorld runs http.saga as it is without any setting, with names looked up by resolver (nil: the system's).
func newGuardedWorld(t *testing.T, resolver *net.Resolver) *world {
	t.Helper()
	h := tasks.NewHTTP(tasks.HTTPOptions{Resolver: resolver})
	t.Cleanup(h.Close)
	return newWorld(t, tasks.HTTPSaga(h))
}

const refusal = "refused: it is private, loopback or link-local, or otherwise not on the internet; " +
	"set OSP_HTTP_ALLOW_PRIVATE=true on API and workers if steps may call such addresses"

func TestPrivateAddressesAreRefusedBeforeTheTaskIsAccepted(t *testing.T) {
	w := newGuardedWorld(t, nil)
	for _, host := range []string{
		"127.0.0.1", "127.9.9.9:8080", "10.1.2.3", "172.16.0.1", "192.168.1.1", "169.254.169.254", "100.64.0.1", "0.0.0.0",
		"224.0.0.1", "255.255.255.255", "[::1]", "[::]", "[fe80::1]", "[fd00::1]", "[::ffff:127.0.0.1]", "[64:ff9b::7f00:1]",
	} {
		err := w.catalogue.Validate(httpRequest("http://"+host, get("a", "/")))
		if got := complaints(t, err); !strings.HasPrefix(got, "/input/steps/0/do/url: The address") || !strings.Contains(got, refusal) {
			t.Errorf("%s: got %q", host, got)
		}
	}
	for _, host := range []string{"2130706433", "0x7f.0.0.1", "0177.1", "127.1"} {
		err := w.catalogue.Validate(httpRequest("http://"+host, get("a", "/")))
		if got := complaints(t, err); !strings.Contains(got, "is a number: write an address as") {
			t.Errorf("%s: got %q", host, got)
		}
	}
	for _, host := range []string{"example.com", "8.8.8.8", "[2606:4700::1111]"} {
		if err := w.catalogue.Validate(httpRequest("http://"+host, get("a", "/"))); err != nil {
			t.Errorf("%s: %v", host, err)
		}
	}
}

func TestPrivateAddressesAreRefusedWhenTheyAreCalled(t *testing.T) {
	e := newEndpoint(t, nil)
	port := e.URL[strings.LastIndexByte(e.URL, ':'):]
	for _, test := range []struct {
		name, host string
		resolver   *net.Resolver
		want       string
	}{
		{"a literal", e.URL, nil, "the address 127.0.0.1 is " + refusal},
		{"a literal of IPv6", "http://[::1]" + port, nil, "the address ::1 is " + refusal},
		{"IPv4 in IPv6", "http://[::ffff:127.0.0.1]" + port, nil, refusal},
		{"the metadata of a cloud", "http://169.254.169.254", nil, refusal},
		{"a number", "http://2130706433" + port, nil, `the host "2130706433" is a number`},
		{"localhost", "http://localhost" + port, nil, "its address is " + refusal},
		{"a name that leads home", "http://evil.example" + port, pointing("127.0.0.1"), "its address is " + refusal},
		{"a name that leads home by IPv6", "http://evil.example" + port, pointing("::1"), "its address is " + refusal},
		{"a name that leads into the network", "http://evil.example", pointing("10.0.0.1"), "its address is " + refusal},
	} {
		t.Run(test.name, func(t *testing.T) {
			w := newGuardedWorld(t, test.resolver)
			w.accept("one", httpRequest(test.host, get("a", "/")))
			r := w.settle("one")
			wantState(t, r, saga.Failed, test.want)
			if a := r.Step("a").Do; a.Failed != 1 || a.N != 1 {
				t.Errorf("%d attempts, %d definite failures; want one, which is final", a.Failed, a.N)
			}
		})
	}
	wantTold(t, e, "")
}

func TestRedirectsToPrivateAddressesAreRefused(t *testing.T) {
	inside := newEndpoint(t, nil)
	port := inside.URL[strings.LastIndexByte(inside.URL, ':'):]
	for name, target := range map[string]string{
		"a literal": inside.URL, "a name": "http://localhost" + port, "IPv6": "http://[::1]" + port, "a number": "http://2130706433" + port,
	} {
		t.Run(name, func(t *testing.T) {
			outside := newEndpoint(t, map[string]http.HandlerFunc{"/a": to(302, target)})
			h := tasks.NewHTTP(tasks.HTTPOptions{Resolver: pointing("127.0.0.1")})
			t.Cleanup(h.Close)
			tasks.LetThrough(h, strings.TrimPrefix(outside.URL, "http://"))
			_, outsidePort, _ := strings.Cut(outside.URL, "127.0.0.1")
			r := newWorld(t, tasks.HTTPSaga(h)).run("one", httpRequest("http://outside.example"+outsidePort, post("a", "/a", `1`, "", "")))
			wantState(t, r, saga.Failed, "refused")
			if a := r.Step("a").Do; a.Failed != 1 || a.N != 0 {
				t.Errorf("%d attempts, %d definite failures; want one, whose effect is not known", a.Failed, a.N)
			}
			wantTold(t, outside, "POST /a 1")
		})
	}
	wantTold(t, inside, "")
}

func TestAGuardedCallAsksNoProxy(t *testing.T) {
	proxy := newEndpoint(t, nil)
	through := func(*http.Request) (*url.URL, error) { return url.Parse(proxy.URL) }
	for _, allowed := range []bool{false, true} {
		h := tasks.NewHTTP(tasks.HTTPOptions{AllowPrivate: allowed, Proxy: through, Resolver: pointing("10.0.0.1")})
		t.Cleanup(h.Close)
		if !allowed {
			tasks.LetThrough(h, strings.TrimPrefix(proxy.URL, "http://"))
		}
		w := newWorld(t, tasks.HTTPSaga(h))
		w.run("one", httpRequest("http://inside.example", get("a", "/")))
		if asked := len(proxy.calls) > 0; asked != allowed {
			t.Errorf("allowed %t: the proxy was asked: %t", allowed, asked)
		}
	}
}

// pointing is a resolver that gives one address for every name. Its server is at the other end of a pipe.
func pointing(address string) *net.Resolver {
	ip := netip.MustParseAddr(address)
	return &net.Resolver{PreferGo: true, Dial: func(context.Context, string, string) (net.Conn, error) {
		ours, theirs := net.Pipe()
		go serveDNS(theirs, ip)
		return ours, nil
	}}
}

// serveDNS answers questions as over TCP: each message after its length.
func serveDNS(conn net.Conn, ip netip.Addr) {
	defer func() { _ = conn.Close() }()
	for {
		var size [2]byte
		if _, err := io.ReadFull(conn, size[:]); err != nil {
			return
		}
		raw := make([]byte, binary.BigEndian.Uint16(size[:]))
		var m dnsmessage.Message
		if _, err := io.ReadFull(conn, raw); err != nil || m.Unpack(raw) != nil {
			return
		}
		raw, err := answerDNS(m, ip).Pack()
		if err != nil {
			return
		}
		binary.BigEndian.PutUint16(size[:], uint16(len(raw)))
		if _, err := conn.Write(append(size[:], raw...)); err != nil {
			return
		}
	}
}

func answerDNS(m dnsmessage.Message, ip netip.Addr) *dnsmessage.Message {
	q := m.Questions[0]
	answer := dnsmessage.Message{Header: dnsmessage.Header{ID: m.ID, Response: true, Authoritative: true}, Questions: m.Questions}
	head := dnsmessage.ResourceHeader{Name: q.Name, Type: q.Type, Class: q.Class}
	switch {
	case q.Type == dnsmessage.TypeA && ip.Is4():
		answer.Answers = []dnsmessage.Resource{{Header: head, Body: &dnsmessage.AResource{A: ip.As4()}}}
	case q.Type == dnsmessage.TypeAAAA && ip.Is6():
		answer.Answers = []dnsmessage.Resource{{Header: head, Body: &dnsmessage.AAAAResource{AAAA: ip.As16()}}}
	}
	return &answer
}
