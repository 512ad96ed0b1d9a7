package server

import (
	"crypto/tls"
	"crypto/x509"
)

// trust says which certificates of Redis are good. The zero value: those that this machine trusts.
type trust struct {
	roots *x509.CertPool // a private authority's, from REDIS_CA
	any   bool           // REDIS_TLS_VERIFY=off: encrypted, but who is at the other end is not checked
}

// apply makes a TLS configuration trust so; nil, where there is no TLS, stays nil.
func (t trust) apply(c *tls.Config) {
	if c != nil {
		c.RootCAs, c.InsecureSkipVerify = t.roots, t.any
	}
}

// redisTrust reads REDIS_CA and REDIS_TLS_VERIFY.
func (l *loader) redisTrust() (t trust) {
	if pem := l.text("REDIS_CA"); pem != "" {
		t.roots = x509.NewCertPool()
		if !t.roots.AppendCertsFromPEM([]byte(pem)) {
			l.wrong("REDIS_CA", "holds no certificate: give the authority's in PEM (-----BEGIN CERTIFICATE-----), or its file in REDIS_CA_FILE")
		}
	}
	switch v := l.text("REDIS_TLS_VERIFY"); {
	case (v == "off" || v == "false") && t.roots != nil:
		l.wrong("REDIS_TLS_VERIFY", "is off, and REDIS_CA says what to verify: leave one of them empty")
	case v == "off" || v == "false":
		t.any = true
	case v != "" && v != "on" && v != "true":
		l.wrong("REDIS_TLS_VERIFY", "is %q: set it to off to accept any certificate, or leave it empty", v)
	}
	return t
}
