package testenv

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"testing"
	"time"
)

// RedisTLS starts a redis-server that speaks TLS, lets in nobody but the user `osp` with the password `open/sesame`, and
// has a certificate of a private authority. It returns its URL and the authority's certificate in PEM.
func RedisTLS(t testing.TB) (url, authority string) {
	t.Helper()
	dir := t.TempDir()
	file := func(name string) string { return filepath.Join(dir, name) }
	authority = certify(t, file)
	port, err := freePort()
	must(t, port, err)
	RedisProcess(t,
		"--tls-port", strconv.Itoa(port), "--tls-cert-file", file("redis.pem"), "--tls-key-file", file("redis.key"),
		"--tls-ca-cert-file", file("authority.pem"), "--tls-auth-clients", "no",
		"--user", "osp", "on", ">open/sesame", "~osp:*", "~asynq:*", "&*", "+@all", "--user", "default", "off")
	return "rediss://osp:open%2Fsesame@" + net.JoinHostPort("127.0.0.1", strconv.Itoa(port)), authority
}

// certify writes a certificate for 127.0.0.1, its key, and its authority's certificate, which it returns too.
func certify(t testing.TB, file func(string) string) string {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	must(t, key, err)
	root := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "an authority of the tests"}, IsCA: true,
		BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
	}
	leaf := &x509.Certificate{
		SerialNumber: big.NewInt(2), IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, KeyUsage: x509.KeyUsageDigitalSignature,
		NotBefore: root.NotBefore, NotAfter: root.NotAfter,
	}
	write := func(name, kind string, der []byte) string {
		text := pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der})
		must(t, name, os.WriteFile(file(name), text, 0o600))
		return string(text)
	}
	der, err := x509.CreateCertificate(rand.Reader, root, root, &key.PublicKey, key)
	authority := write("authority.pem", "CERTIFICATE", must(t, der, err))
	der, err = x509.CreateCertificate(rand.Reader, leaf, root, &key.PublicKey, key)
	write("redis.pem", "CERTIFICATE", must(t, der, err))
	der, err = x509.MarshalPKCS8PrivateKey(key)
	write("redis.key", "PRIVATE KEY", must(t, der, err))
	return authority
}
