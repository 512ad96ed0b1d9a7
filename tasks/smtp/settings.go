package smtp

import (
	"errors"
	"net"
	"net/mail"
	"net/url"
	"strconv"
	"strings"
)

// Settings say how mail is sent.
type Settings struct {
	Host           string
	Port           int
	User, Password string // empty: nobody signs in
	Implicit       bool   // TLS from the first byte on; else STARTTLS is asked for
	Plain          bool   // no TLS at all
	From           *mail.Address
}

// What a URL has to look like.
var errURL = errors.New("write it like smtp://user:password@mail.example.com:587 (STARTTLS), smtps://… (TLS, port 465) " +
	"or, for a relay on this machine or network, smtp://localhost:25?tls=off; escape @ : / % in user and password as %40 %3A %2F %25")

// ParseURL reads where mail is sent. Errors hold nothing of the URL: there is a password in it.
func ParseURL(written string) (s Settings, err error) {
	u, err := url.Parse(written)
	if err != nil || u.Hostname() == "" || strings.Trim(u.Path, "/") != "" || u.Fragment != "" {
		return s, errURL
	}
	s.Host = u.Hostname()
	s.Password, _ = u.User.Password()
	s.User = u.User.Username()
	switch u.Scheme {
	case "smtp":
		s.Port = 587
	case "smtps":
		s.Port, s.Implicit = 465, true
	default:
		return s, errURL
	}
	if port := u.Port(); port != "" {
		if s.Port, err = strconv.Atoi(port); err != nil || s.Port < 1 || s.Port > 65535 {
			return s, errURL
		}
	}
	return s, s.options(u.RawQuery)
}

func (s *Settings) options(query string) error {
	switch query {
	case "":
	case "tls=off":
		s.Plain = true
	default:
		return errURL
	}
	switch {
	case s.Plain && s.Implicit:
		return errors.New("smtps:// and tls=off contradict each other: keep one")
	case s.Plain && s.User != "":
		return errors.New("with tls=off the password could be read by anybody on the way: use STARTTLS (leave tls=off out) or smtps://")
	case (s.User == "") != (s.Password == ""):
		return errors.New("it has a user or a password, but not both")
	}
	return nil
}

// ParseFrom reads whom mail is from, such as OSP <no-reply@example.com>.
func ParseFrom(written string) (*mail.Address, error) {
	from, err := mail.ParseAddress(written)
	if err != nil || strings.ContainsAny(written, "\r\n") {
		return nil, errors.New("write an address like no-reply@example.com or Restaurant <no-reply@example.com>")
	}
	return from, nil
}

// address is where the server is, for errors.
func (s *Settings) address() string { return net.JoinHostPort(s.Host, strconv.Itoa(s.Port)) }
