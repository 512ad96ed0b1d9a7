package main

import (
	"context"
	"fmt"
	"net"
	"sync"
	"time"
)

// link is a TCP proxy that stands between two of the parties and can be cut, slowed down and stalled.
type link struct {
	name     string
	listener net.Listener
	wires    sync.WaitGroup

	mu     sync.Mutex
	target string // host:port; empty: nobody is there
	cut    bool
	delay  time.Duration // before each piece that goes through, in both directions
	flow   chan struct{} // closed while pieces may pass
	open   map[*wire]struct{}
	closed bool
}

// wire is one connection through a link.
type wire struct {
	near, far net.Conn
	gone      chan struct{}
	once      sync.Once
}

func (w *wire) end() {
	w.once.Do(func() {
		close(w.gone)
		_, _ = w.near.Close(), w.far.Close()
	})
}

// newLink listens on a free port of this machine.
func newLink(ctx context.Context, name, target string) (*link, error) {
	var lc net.ListenConfig
	listener, err := lc.Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("listen for the link %s: %w", name, err)
	}
	l := &link{name: name, listener: listener, target: target, flow: make(chan struct{}), open: map[*wire]struct{}{}}
	close(l.flow)
	l.wires.Go(l.accept)
	return l, nil
}

func (l *link) address() string { return l.listener.Addr().String() }

// lead has new connections go to another address; those that are open end.
func (l *link) lead(target string) {
	l.change(func() { l.target = target })
	l.hangUp()
}

// sever cuts the link: connections end, and new ones end at once.
func (l *link) sever() {
	l.change(func() { l.cut = true })
	l.hangUp()
}

// slow delays each piece.
func (l *link) slow(by time.Duration) { l.change(func() { l.delay = by }) }

// stall lets nothing through, though connections stay open. What is sent meanwhile arrives late, when they are still
// there.
func (l *link) stall() {
	l.change(func() {
		select {
		case <-l.flow:
			l.flow = make(chan struct{})
		default:
		}
	})
}

// mend ends whatever was done to the link.
func (l *link) mend() {
	l.change(func() {
		l.cut, l.delay = false, 0
		select {
		case <-l.flow:
		default:
			close(l.flow)
		}
	})
}

func (l *link) change(do func()) {
	l.mu.Lock()
	defer l.mu.Unlock()
	do()
}

func (l *link) hangUp() {
	l.mu.Lock()
	defer l.mu.Unlock()
	for w := range l.open {
		w.end()
	}
}

// close ends the link and everything that goes through it.
func (l *link) close() {
	l.change(func() { l.closed = true })
	_ = l.listener.Close()
	l.mend()
	l.hangUp()
	l.wires.Wait()
}

func (l *link) accept() {
	for {
		near, err := l.listener.Accept()
		if err != nil {
			return
		}
		l.wires.Go(func() { l.connect(near) })
	}
}

func (l *link) connect(near net.Conn) {
	var far net.Conn
	var err error
	l.mu.Lock()
	target, cut := l.target, l.cut
	l.mu.Unlock()
	if !cut && target != "" {
		far, err = net.DialTimeout("tcp", target, 2*time.Second) //nolint:noctx // bounded by its own timeout
	}
	if far == nil || err != nil {
		reset(near)
		return
	}
	w := &wire{near: near, far: far, gone: make(chan struct{})}
	if !l.admit(w) {
		return
	}
	l.wires.Go(func() { l.carry(w, far, near) })
	l.carry(w, near, far)
	l.change(func() { delete(l.open, w) })
}

// admit notes a connection, unless the link has been cut since.
func (l *link) admit(w *wire) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.cut || l.closed {
		w.end()
		return false
	}
	l.open[w] = struct{}{}
	return true
}

// carry copies one direction, piece by piece.
func (l *link) carry(w *wire, to, from net.Conn) {
	defer w.end()
	piece := make([]byte, 32<<10)
	for {
		n, err := from.Read(piece)
		if n > 0 {
			if !l.pass(w) {
				return
			}
			if _, err := to.Write(piece[:n]); err != nil {
				return
			}
		}
		if err != nil {
			return
		}
	}
}

// pass waits as long as the link has a piece wait, and tells whether the connection is still there.
func (l *link) pass(w *wire) bool {
	l.mu.Lock()
	delay, flow := l.delay, l.flow
	l.mu.Unlock()
	if delay > 0 {
		select {
		case <-time.After(delay):
		case <-w.gone:
			return false
		}
	}
	select {
	case <-flow:
		return true
	case <-w.gone:
		return false
	}
}

// reset ends a connection as a machine does on which nobody listens.
func reset(conn net.Conn) {
	if tcp, ok := conn.(*net.TCPConn); ok {
		_ = tcp.SetLinger(0)
	}
	_ = conn.Close()
}
