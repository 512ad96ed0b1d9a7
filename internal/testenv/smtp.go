package testenv

import (
	"bufio"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"fmt"
	"io"
	"net"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
)

// MailServer is an SMTP server for tests: it keeps what it is sent, and lets in who says what Login says.
type MailServer struct {
	Addr  string      // host and port
	Trust *tls.Config // trusts its certificate

	options MailOptions
	cert    tls.Certificate
	mu      sync.Mutex
	mails   []ReceivedMail
}

// MailOptions say how a mail server behaves.
type MailOptions struct {
	Implicit bool              // it speaks TLS from the first byte on
	Plain    bool              // it has no TLS
	Login    string            // user:password; empty: it asks nobody
	Answers  map[string]string // what it says to a command instead, such as RCPT: "550 no such user"; "" hangs up
}

// ReceivedMail is a mail that the server has taken.
type ReceivedMail struct {
	From string
	To   []string
	Data string
	User string // who has signed in
	TLS  bool
}

// SMTP starts a mail server, which ends with the test.
func SMTP(t testing.TB, o MailOptions) *MailServer {
	t.Helper()
	certified := httptest.NewTLSServer(nil)
	pool := x509.NewCertPool()
	pool.AddCert(certified.Certificate())
	s := &MailServer{options: o, cert: certified.TLS.Certificates[0], Trust: &tls.Config{RootCAs: pool, MinVersion: tls.VersionTLS12}}
	certified.Close()
	l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	must(t, l, err)
	s.Addr = l.Addr().String()
	var sessions sync.WaitGroup
	sessions.Go(func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			sessions.Go(func() { s.serve(conn) })
		}
	})
	t.Cleanup(func() {
		_ = l.Close()
		sessions.Wait()
	})
	return s
}

// Mails are those that were taken.
func (s *MailServer) Mails() []ReceivedMail {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]ReceivedMail(nil), s.mails...)
}

// mailSession is one connection.
type mailSession struct {
	*MailServer
	conn  net.Conn
	lines *bufio.Reader
	mail  ReceivedMail
	user  string
}

func (s *MailServer) serve(conn net.Conn) {
	session := &mailSession{MailServer: s, conn: conn}
	defer func() { _ = session.conn.Close() }()
	if s.options.Implicit {
		session.encrypt()
	}
	session.lines = bufio.NewReader(session.conn)
	session.say("220 ready")
	for {
		line, err := session.lines.ReadString('\n')
		if err != nil || !session.command(strings.TrimSpace(line)) {
			return
		}
	}
}

func (s *mailSession) encrypt() {
	s.conn = tls.Server(s.conn, &tls.Config{Certificates: []tls.Certificate{s.cert}, MinVersion: tls.VersionTLS12})
	s.lines = bufio.NewReader(s.conn)
	s.mail.TLS = true
}

func (s *mailSession) say(lines ...string) bool {
	_, err := io.WriteString(s.conn, strings.Join(lines, "\r\n")+"\r\n")
	return err == nil
}

// command answers one command, and tells whether the session goes on.
func (s *mailSession) command(line string) bool {
	verb, rest, _ := strings.Cut(line, " ")
	if answer, said := s.options.Answers[strings.ToUpper(verb)]; said {
		return answer != "" && s.say(answer)
	}
	switch strings.ToUpper(verb) {
	case "EHLO":
		return s.say(s.extensions()...)
	case "STARTTLS":
		if !s.say("220 go ahead") {
			return false
		}
		s.encrypt()
		return true
	case "AUTH":
		return s.login(rest)
	case "MAIL":
		if s.options.Login != "" && s.user == "" {
			return s.say("530 sign in first")
		}
		s.mail = ReceivedMail{From: inBrackets(rest), User: s.user, TLS: s.mail.TLS}
		return s.say("250 ok")
	case "RCPT":
		s.mail.To = append(s.mail.To, inBrackets(rest))
		return s.say("250 ok")
	case "DATA":
		return s.say("354 go on") && s.data()
	case "QUIT":
		s.say("221 bye")
		return false
	}
	return s.say("250 ok")
}

func (s *mailSession) extensions() []string {
	list := []string{"250-mail.example.com", "250-8BITMIME"}
	if !s.options.Plain && !s.mail.TLS {
		list = append(list, "250-STARTTLS")
	}
	return append(list, "250 AUTH PLAIN")
}

func (s *mailSession) login(how string) bool {
	_, encoded, _ := strings.Cut(how, " ")
	raw, err := base64.StdEncoding.DecodeString(encoded)
	parts := strings.Split(string(raw), "\x00")
	if err != nil || len(parts) != 3 || parts[1]+":"+parts[2] != s.options.Login {
		return s.say(fmt.Sprintf("535 no such user or password: %s", strings.Join(parts, " ")))
	}
	s.user = parts[1]
	return s.say("235 welcome")
}

// data reads a mail. What is said at its end may be another answer, by the name END.
func (s *mailSession) data() bool {
	var b strings.Builder
	for {
		line, err := s.lines.ReadString('\n')
		if err != nil {
			return false
		}
		if line == ".\r\n" {
			break
		}
		b.WriteString(strings.TrimPrefix(line, "."))
	}
	if answer, said := s.options.Answers["END"]; said {
		return answer != "" && s.say(answer)
	}
	s.mail.Data = b.String()
	s.mu.Lock()
	s.mails = append(s.mails, s.mail)
	s.mu.Unlock()
	return s.say("250 taken")
}

func inBrackets(s string) string {
	_, s, _ = strings.Cut(s, "<")
	s, _, _ = strings.Cut(s, ">")
	return s
}
