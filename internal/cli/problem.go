package cli

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"regexp"
	"strconv"
	"strings"
)

// problem is an RFC 9457 problem, as the API answers errors.
type problem struct {
	Type      string  `json:"type"`
	Title     string  `json:"title"`
	Status    int     `json:"status"`
	Detail    string  `json:"detail"`
	RequestID string  `json:"request_id"`
	Faults    []fault `json:"errors"`

	advice string
}

type fault struct {
	Parameter string  `json:"parameter"`
	Header    string  `json:"header"`
	Pointer   *string `json:"pointer"`
	Line      int     `json:"line"`
	Column    int     `json:"column"`
	Detail    string  `json:"detail"`
}

// slug is the last part of the type, which is stable.
func (p *problem) slug() string { return p.Type[strings.LastIndex(p.Type, "/")+1:] }

// Error tells the whole problem: what, each fault with its place, what to do.
func (p *problem) Error() string {
	var b strings.Builder
	b.WriteString(plain(p.Title))
	if p.Detail != "" && len(p.Faults) == 0 {
		b.WriteString(": " + plain(p.Detail))
	}
	fmt.Fprintf(&b, " (%d)", p.Status)
	for _, f := range p.Faults {
		b.WriteString("\n  " + f.String())
	}
	if p.advice != "" {
		b.WriteString("\n" + p.advice)
	}
	if p.Status >= 500 && p.RequestID != "" {
		b.WriteString("\nThe API's log has more under " + plain(p.RequestID) + ".")
	}
	return b.String()
}

func (f fault) String() string {
	where := f.Parameter
	switch {
	case f.Header != "":
		where = "header " + f.Header
	case f.Pointer != nil:
		where = dotted(*f.Pointer)
	}
	if f.Line > 0 {
		where = strings.TrimSpace(fmt.Sprintf("line %d, column %d: %s", f.Line, f.Column, where))
	}
	if where == "" {
		return plain(f.Detail)
	}
	return plain(where) + ": " + plain(f.Detail)
}

var number = regexp.MustCompile(`^[0-9]+$`)

// dotted writes a JSON pointer as people write it: /input/lines/3/name is input.lines[3].name.
func dotted(pointer string) string {
	var b strings.Builder
	for i, part := range strings.Split(pointer, "/") {
		part = strings.NewReplacer("~1", "/", "~0", "~").Replace(part)
		switch {
		case i == 0:
		case number.MatchString(part):
			b.WriteString("[" + part + "]")
		case b.Len() == 0:
			b.WriteString(part)
		default:
			b.WriteString("." + part)
		}
	}
	return b.String()
}

// refused makes the error of an answer that is one.
func (c *client) refused(res *http.Response, raw []byte) error {
	if to := res.Header.Get("Location"); res.StatusCode/100 == 3 && to != "" {
		return ended(exitUnreachable, "%s sends on to %s: is that where the API is? Then %s", c.target.url, clip(plain(to), 200), c.target.otherURL())
	}
	p := &problem{}
	if err := json.Unmarshal(raw, p); err != nil || p.Title == "" {
		return ended(exitUnreachable, "%s answered %d %s, and not as osp does: %s", c.target.url, res.StatusCode,
			http.StatusText(res.StatusCode), clip(plain(or(string(raw), "nothing")), 200))
	}
	p.Status = res.StatusCode
	p.advice = c.advice(p, res.Header.Get("Retry-After"))
	return p
}

// advice is what to do about a problem, where that is not said by what is wrong.
func (c *client) advice(p *problem, after string) string {
	switch {
	case p.Status == http.StatusUnauthorized && c.target.key == "":
		return "Give a key: OSP_KEY, OSP_KEY_FILE, --key or a profile (osp profile add). osp key makes one."
	case p.Status == http.StatusUnauthorized:
		return "The key is the one of " + plain(c.target.origin) + "."
	case p.Status == http.StatusForbidden && c.target.key != "":
		return "The key of " + plain(c.target.origin) + " may not do this: it needs another role, or belongs to another service."
	case p.slug() == "no-such-task":
		return "osp task list lists those that there are."
	case p.slug() == "no-such-route" && c.target.url.Path != "":
		return "The API does not seem to be at " + c.target.url.String() + ": " + c.target.rightURL() + ". Or this API is older than the command."
	case p.slug() == "no-such-route" || p.slug() == "method-not-allowed":
		return "This API is older than the command, and does not have this: osp version tells the command's."
	case p.slug() == "unknown-type":
		return "osp workflow list lists workflows."
	case p.Status == http.StatusTooManyRequests || p.Status == http.StatusServiceUnavailable:
		if n, err := strconv.Atoi(after); err == nil {
			return fmt.Sprintf("Try again in %d s.", n)
		}
		return "Try again later."
	}
	return ""
}

// brief is an error's first line, for talk.
func brief(err error) string {
	if p, ok := errors.AsType[*problem](err); ok {
		return fmt.Sprintf("%s (%d).", plain(p.Title), p.Status)
	}
	head, _, _ := strings.Cut(err.Error(), "\n")
	return head
}

func capital(s string) string {
	if s == "" {
		return s
	}
	return strings.ToUpper(s[:1]) + s[1:]
}
