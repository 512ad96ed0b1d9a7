package cli

import (
	"net/netip"
	"net/url"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"
)

const defaultURL = "http://localhost:8080" // where osp dev listens

// remote are the flags of every command that calls the API.
type remote struct {
	url, key, profile string
	output            output
	outputs           []output // those that the command has
}

// addTo adds the flags to a command.
func (f *remote) addTo(w World, c *cobra.Command, outputs ...output) {
	f.outputs = outputs
	c.Flags().StringVar(&f.url, "url", "", "where the API is (OSP_URL; else "+defaultURL+")")
	c.Flags().StringVar(&f.key, "key", "", "the API key; better in OSP_KEY, OSP_KEY_FILE or a profile, where other processes cannot read it")
	c.Flags().StringVar(&f.profile, "profile", "", "the profile to use (see osp profile --help)")
	names := make([]string, len(outputs))
	for i, o := range outputs {
		names[i] = string(o)
	}
	c.Flags().StringVarP((*string)(&f.output), "output", "o", string(outputs[0]), strings.Join(names, ", "))
	complete(c, "output", names...)
	_ = c.RegisterFlagCompletionFunc("profile", completeProfiles(w))
}

// target is where the API is, and the key for it. They belong together: a key is sent to the URL that it was given with.
type target struct {
	url    *url.URL
	from   string // who says the URL, for advice: a flag, a variable or a profile; empty: nobody
	key    string
	origin string // of the key
	aside  bool   // the key is from no profile: the one in use is left aside
}

// rightURL asks whether the URL is right, and tells where it comes from.
func (t target) rightURL() string {
	if t.from == "" {
		return "is the URL right? --url, OSP_URL or a profile says another" + t.notAsked()
	}
	return "is the URL right? It is from " + t.from
}

// otherURL is how to say another URL.
func (t target) otherURL() string {
	if t.from == "" {
		return "say where the API is with --url, OSP_URL or a profile" + t.notAsked()
	}
	return "mend the URL, which is from " + t.from
}

// notAsked tells why the profile in use does not say the URL, where a key is why.
func (t target) notAsked() string {
	if !t.aside {
		return ""
	}
	return " (with a key from " + t.origin + " the profile in use is not asked: --profile names one)"
}

// target takes the flags; what they leave open is from the profile if one is named, else from the environment, else from
// the profile in use.
func (f *remote) target(w World) (target, error) {
	at, from, key, origin := f.url, "--url", f.key, "--key"
	if f.profile != "" {
		p, err := readProfiles(w)
		if err != nil {
			return target{}, err
		}
		named, ok := p.Profiles[f.profile]
		if !ok {
			return target{}, p.none(f.profile)
		}
		return named.fill(at, key, f.profile)
	}
	if key == "" {
		var err error
		if key, origin, err = keyOf(w); err != nil {
			return target{}, err
		}
	}
	if at == "" {
		from = "OSP_URL"
		at, _ = w.Lookup(from)
	}
	if at == "" && key == "" {
		p, err := readProfiles(w)
		if err != nil {
			return target{}, err
		}
		if used, ok := p.Profiles[p.Use]; ok {
			return used.fill("", "", p.Use)
		}
	}
	t, err := newTarget(at, from, key, origin)
	t.aside = key != "" && inUse(w)
	return t, err
}

// inUse tells whether there is a profile in use, as far as that can be read.
func inUse(w World) bool {
	p, err := readProfiles(w)
	_, ok := p.Profiles[p.Use]
	return err == nil && ok
}

// keyOf reads the key of the environment.
func keyOf(w World) (key, origin string, err error) {
	if key, _ = w.Lookup("OSP_KEY"); key != "" {
		return key, "OSP_KEY", nil
	}
	file, _ := w.Lookup("OSP_KEY_FILE")
	if file == "" {
		return "", "", nil
	}
	raw, err := os.ReadFile(filepath.Clean(file))
	if err != nil {
		return "", "", misused("OSP_KEY_FILE names a file that cannot be read: %w", err)
	}
	return strings.TrimSpace(string(raw)), "OSP_KEY_FILE", nil
}

func newTarget(at, from, key, origin string) (target, error) {
	if at == "" {
		at, from = defaultURL, ""
	}
	if !strings.Contains(at, "://") {
		at = schemeOf(at) + at
	}
	u, err := url.Parse(at)
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" || u.RawQuery != "" || u.Fragment != "" {
		return target{}, misused("the URL of the API %q (%s) is not one: write it as %s", redacted(at), from, defaultURL)
	}
	if u.User != nil {
		return target{}, misused("the URL of the API (%s) has a name or password in it: give the key with OSP_KEY or a profile", from)
	}
	u.Path = strings.TrimSuffix(u.Path, "/")
	if strings.ContainsFunc(key, func(r rune) bool { return r <= ' ' || r > '~' }) {
		return target{}, misused("the key (%s) has blanks or characters that no key has", origin)
	}
	return target{url: u, from: from, key: key, origin: origin}, nil
}

// schemeOf is what a URL begins with that does not say: a key goes in clear to this machine only, unless somebody wants it.
func schemeOf(at string) string {
	if u, err := url.Parse("http://" + at); err == nil && loopback(u.Hostname()) {
		return "http://"
	}
	return "https://"
}

func loopback(host string) bool {
	ip, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && ip.IsLoopback()
}

// redacted leaves out what may be a secret: what stands before the host, and what follows the path.
func redacted(at string) string {
	host, query := strings.LastIndex(at, "@"), strings.IndexAny(at, "?#")
	if query >= 0 && host > query { // either may be part of the other
		return "…"
	}
	if query >= 0 {
		at = at[:query+1] + "…"
	}
	if host >= 0 {
		at = "…" + at[host:]
	}
	return at
}
