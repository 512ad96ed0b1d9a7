package server

import (
	"bytes"
	"context"
	"errors"
	"io/fs"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// rig rotates one file in virtual time.
type rig struct {
	mu      sync.Mutex
	content string // of the file
	err     error  // of reading it
	applied []string
	log     bytes.Buffer
}

func (r *rig) put(content string, err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.content, r.err = content, err
}

func (r *rig) read() (string, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.content, r.err
}

func (r *rig) apply(content string) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if strings.HasPrefix(content, "bad") {
		return errors.New("it is malformed")
	}
	r.applied = append(r.applied, content)
	return nil
}

// Write takes the log.
func (r *rig) Write(line []byte) (int, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.log.Write(line)
}

func (r *rig) logged() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.log.String()
}

func newRig(t *testing.T, content string) *rig {
	t.Helper()
	r := &rig{content: content}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		rotate(ctx, []*rotation{{file: &File{"NAME_FILE", r.read}, log: slog.New(slog.NewTextHandler(r, nil)), apply: r.apply}})
	}()
	t.Cleanup(func() { cancel(); <-ended })
	time.Sleep(lookEvery / 2) // virtual; from here on tests look between the looks
	return r
}

// after lets time pass, and tells what has been applied.
func (r *rig) after(d time.Duration) string {
	time.Sleep(d) // virtual
	synctest.Wait()
	r.mu.Lock()
	defer r.mu.Unlock()
	return strings.Join(r.applied, " ")
}

const ten = 10 * time.Second // within which a change must hold

func TestAFileThatChangesIsReadAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, "one")
		for _, step := range []struct {
			content string
			err     error
			want    string
		}{
			{"one", nil, "one"}, // it may have changed since the process read it
			{"two", nil, "one two"},
			{"two", nil, "one two"},
			{"bad", nil, "one two"},
			{"", fs.ErrNotExist, "one two"},
			{"two", nil, "one two"},
			{"three", nil, "one two three"},
			{"one", nil, "one two three one"},
			{"", nil, "one two three one "},
			{"one", nil, "one two three one  one"},
		} {
			r.put(step.content, step.err)
			if got := r.after(ten); got != step.want {
				t.Errorf("with %q, %v: applied %s, want %s", step.content, step.err, got, step.want)
			}
		}
	})
}

func TestAFileThatIsBeingWrittenIsLeftAlone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, "whole")
		r.after(ten)
		for _, part := range []string{"n", "ne", "new", "new-c", "new-content"} {
			r.put(part, nil)
			if got := r.after(lookEvery); got != "whole" {
				t.Fatalf("applied %s", got)
			}
		}
		if got := r.after(lookEvery); got != "whole new-content" {
			t.Errorf("applied %s", got)
		}
	})
}

func TestWhatIsWrongWithAFileIsToldOnceAndWithoutItsContent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, "one")
		r.after(ten)
		r.put("bad-secret", nil)
		r.after(time.Minute)
		if n := strings.Count(r.logged(), "level=WARN"); n != 1 {
			t.Errorf("%d warnings: %s", n, r.logged())
		}
		r.put("", fs.ErrNotExist)
		r.after(time.Minute)
		r.put("two", nil)
		r.after(time.Minute)
		r.put("bad-secret", nil)
		r.after(time.Minute)
		if n := strings.Count(r.logged(), "level=WARN"); n != 3 || strings.Contains(r.logged(), "secret") {
			t.Errorf("%d warnings: %s", n, r.logged())
		}
		if n := strings.Count(r.logged(), "a setting has changed"); n != 1 {
			t.Errorf("%d changes: %s", n, r.logged())
		}
	})
}

func TestWhichSettingsAreReadAgain(t *testing.T) {
	for name, c := range map[string]struct {
		set  vars
		want string
	}{
		"none from files": {vars{"OSP_API_KEYS": "x", "SUPABASE_SECRET_KEY": "x"}, ""},
		"all": {
			vars{"OSP_API_KEYS_FILE": "/k", "SUPABASE_SERVICE_ROLE_KEY_FILE": "/s", "SUPABASE_JWT_SECRET_FILE": "/j"},
			"OSP_API_KEYS_FILE SUPABASE_SERVICE_ROLE_KEY_FILE SUPABASE_JWT_SECRET_FILE",
		},
		"the other name":               {vars{"SUPABASE_SECRET_KEY_FILE": "/s"}, "SUPABASE_SECRET_KEY_FILE"},
		"a variable before its file":   {vars{"OSP_API_KEYS": "x", "OSP_API_KEYS_FILE": "/k"}, ""},
		"a variable before other file": {vars{"SUPABASE_SERVICE_ROLE_KEY": "x", "SUPABASE_SECRET_KEY_FILE": "/s"}, ""},
	} {
		files := c.set.env().files()
		var got []string
		for _, f := range []*File{files.Keys, files.SupabaseKey, files.JWTSecret} {
			if f != nil {
				got = append(got, f.Variable)
			}
		}
		if strings.Join(got, " ") != c.want {
			t.Errorf("%s: %v, want %s", name, got, c.want)
		}
	}
}
