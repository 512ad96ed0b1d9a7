package tasks

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// Signature has a call signed as Standard Webhooks (https://www.standardwebhooks.com) say: webhook-id is the same for each
// attempt, webhook-timestamp is this attempt's, and webhook-signature is v1, HMAC-SHA256 over both and the body.
type Signature struct {
	// Secret is the name of the secret whose value is whsec_ and a key in base64.
	Secret string
	At     time.Time
}

const (
	signaturePrefix = "whsec_"
	// minSignatureKey is what the standard asks for: keys of 24 to 64 bytes.
	minSignatureKey = 24
)

// sign adds the headers; a nil signature adds none.
func (s *Signature) sign(m *message, key string, k *keyring) error {
	if s == nil {
		return nil
	}
	secret, err := s.key(k)
	if err != nil {
		return err
	}
	m.sign(webhookID(key), s.At, secret)
	return nil
}

// sign adds the headers of Standard Webhooks, with a signature by each of the keys.
func (m *message) sign(id string, now time.Time, keys ...[]byte) {
	at := strconv.FormatInt(now.Unix(), 10)
	m.header.Set("Webhook-Id", id)
	m.header.Set("Webhook-Timestamp", at)
	var signatures []string
	for _, key := range keys {
		mac := hmac.New(sha256.New, key)
		_, _ = mac.Write([]byte(id + "." + at + ".")) // a hash takes everything
		_, _ = mac.Write(m.body)
		signatures = append(signatures, "v1,"+base64.StdEncoding.EncodeToString(mac.Sum(nil)))
	}
	if len(signatures) > 0 {
		m.header.Set("Webhook-Signature", strings.Join(signatures, " "))
	}
}

// key decodes the secret. What is wrong with it is told without a character of it.
func (s *Signature) key(k *keyring) ([]byte, error) {
	v, err := k.value(s.Secret)
	if err != nil {
		return nil, err
	}
	written, _ := v.(string)
	return signingKey(s.Secret, written)
}

// signingKey decodes one secret by its name.
func signingKey(name, written string) ([]byte, error) {
	encoded, found := strings.CutPrefix(strings.TrimSpace(written), signaturePrefix)
	key, err := base64.StdEncoding.DecodeString(encoded)
	if !found || err != nil || len(key) < minSignatureKey {
		return nil, fmt.Errorf("the secret %s cannot sign: it must be %s and at least %d random bytes in base64, such as "+
			`echo whsec_$(openssl rand -base64 32) prints`, name, signaturePrefix, minSignatureKey)
	}
	return key, nil
}

// webhookID is the id of what is sent under an idempotency key: receivers drop what they have had. It has no dots, which
// separate the parts of what is signed.
func webhookID(key string) string {
	sum := sha256.Sum256([]byte(key))
	return "msg_" + base64.RawURLEncoding.EncodeToString(sum[:18])
}
