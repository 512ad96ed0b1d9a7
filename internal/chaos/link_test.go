package main

import (
	"bufio"
	"errors"
	"io"
	"net"
	"testing"
	"time"
)

// echo answers each connection with what it says.
func echo(t *testing.T) string {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				_, _ = io.Copy(conn, conn)
				_ = conn.Close()
			}()
		}
	}()
	return l.Addr().String()
}

// end is a client's end of a link.
type end struct {
	net.Conn
	lines *bufio.Reader
}

func through(t *testing.T) (*link, *end) {
	l, err := newLink(t.Context(), "test", echo(t))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(l.close)
	return l, dial(t, l)
}

func dial(t *testing.T, l *link) *end {
	e, err := tryDial(t, l)
	if err != nil {
		t.Fatal(err)
	}
	return e
}

func tryDial(t *testing.T, l *link) (*end, error) {
	conn, err := net.Dial("tcp", l.address())
	if err != nil {
		return nil, err
	}
	t.Cleanup(func() { _ = conn.Close() })
	return &end{conn, bufio.NewReader(conn)}, nil
}

func (e *end) say(t *testing.T, line string) {
	if _, err := io.WriteString(e, line+"\n"); err != nil {
		t.Fatal(err)
	}
}

// hear returns the next line, or why there is none within a time.
func (e *end) hear(within time.Duration) (string, error) {
	_ = e.SetReadDeadline(time.Now().Add(within))
	return e.lines.ReadString('\n')
}

func TestALinkCarriesUntilItIsCut(t *testing.T) {
	l, e := through(t)
	e.say(t, "hello")
	if line, err := e.hear(10 * time.Second); line != "hello\n" {
		t.Fatal(line, err)
	}
	l.sever()
	if line, err := e.hear(10 * time.Second); err == nil || isTimeout(err) {
		t.Errorf("it went on after the cut: %q, %v", line, err)
	}
	if late, err := tryDial(t, l); err == nil { // it may be reset so soon that nobody sees it open
		if line, err := late.hear(10 * time.Second); err == nil || isTimeout(err) {
			t.Errorf("there is a new connection after the cut: %q, %v", line, err)
		}
	}
	l.mend()
	e = dial(t, l)
	e.say(t, "again")
	if line, err := e.hear(10 * time.Second); line != "again\n" {
		t.Error(line, err)
	}
}

func TestAStalledLinkDeliversLater(t *testing.T) {
	l, e := through(t)
	l.stall()
	e.say(t, "hello")
	if line, err := e.hear(100 * time.Millisecond); !isTimeout(err) {
		t.Fatalf("it came through: %q, %v", line, err)
	}
	l.mend()
	if line, err := e.hear(10 * time.Second); line != "hello\n" {
		t.Error(line, err)
	}
}

func TestASlowLinkDelaysBothWays(t *testing.T) {
	l, e := through(t)
	const delay = 50 * time.Millisecond
	l.slow(delay)
	began := time.Now()
	e.say(t, "hello")
	if line, err := e.hear(10 * time.Second); line != "hello\n" {
		t.Fatal(line, err)
	}
	if took := time.Since(began); took < 2*delay {
		t.Errorf("there and back in %v", took)
	}
}

func isTimeout(err error) bool {
	var timeout net.Error
	return errors.As(err, &timeout) && timeout.Timeout()
}
