package tasks

import (
	"net/url"
	"testing"
)

func TestCredentialsGoOnToTheSameHostOnly(t *testing.T) {
	for _, test := range []struct {
		from, to string
		want     bool
	}{
		{"http://a/x", "http://a/y?z", true},
		{"https://a/", "https://a:443/", true},
		{"http://a:80/", "https://a/", true},
		{"http://a/", "https://a:8443/", false},
		{"http://a:8080/", "https://a:8080/", false},
		{"https://a/", "http://a/", false},
		{"https://a:8080/", "http://a:8080/", false},
		{"https://a/", "https://b/", false},
		{"https://a/", "https://x.a/", false},
		{"http://a/", "http://a:81/", false},
		{"https://a:80/", "https://a/", false},
	} {
		from, err1 := url.Parse(test.from)
		to, err2 := url.Parse(test.to)
		if err1 != nil || err2 != nil {
			t.Fatal(err1, err2)
		}
		if got := sameHost(from, to); got != test.want {
			t.Errorf("%s to %s: %t", from, to, got)
		}
	}
}
