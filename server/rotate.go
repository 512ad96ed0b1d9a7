package server

import (
	"context"
	"log/slog"
	"time"

	"github.com/osp-platform/osp/handlers"
	"github.com/osp-platform/osp/results"
)

// File is a setting that came from a file, whose contents may change while the process runs.
type File struct {
	Variable string // that names the file
	Read     func() (string, error)
}

// Files are the settings that are read again when their files change; nil: the setting did not come from a file.
type Files struct {
	Keys, SupabaseKey, JWTSecret, Password *File
}

// files finds which settings come from files.
func (e Environment) files() Files {
	return Files{
		Keys:        e.file("OSP_API_KEYS"),
		SupabaseKey: e.file("SUPABASE_SERVICE_ROLE_KEY", "SUPABASE_SECRET_KEY"),
		JWTSecret:   e.file("SUPABASE_JWT_SECRET"),
		Password:    e.file("OSP_OPERATOR_PASSWORD"),
	}
}

// file is what [Environment.get] reads, if that is a file.
func (e Environment) file(names ...string) *File {
	for _, name := range names {
		if v, ok := e.Lookup(name); ok && v != "" {
			return nil
		}
		if path, ok := e.Lookup(name + "_FILE"); ok && path != "" {
			variable := name + "_FILE"
			return &File{variable, func() (string, error) { return e.read(variable, path) }}
		}
	}
	return nil
}

// lookEvery is how often files are looked at. Contents count when they have been seen twice, so what is written there
// holds within 4 s.
const lookEvery = 2 * time.Second

// rotation keeps one setting as its file has it.
type rotation struct {
	file  *File
	apply func(string) error
	log   *slog.Logger

	began  bool   // something was applied: the first time always, for the file may have changed since the process read it
	now    string // what was applied
	looked bool   // seen is
	seen   string // what stood in the file the last time
	told   string // the last trouble that was logged
}

// look applies what the file has, if it is new. A file is not written in one go, so half of a content may be read; the
// contents are compared, for mounted secrets are symbolic links to folders that are swapped.
func (r *rotation) look(ctx context.Context) {
	content, err := r.file.Read()
	if err != nil {
		r.trouble(ctx, err)
		return
	}
	settled := r.looked && content == r.seen
	r.looked, r.seen = true, content
	switch {
	case !settled:
		return
	case r.began && content == r.now:
		r.told = ""
		return
	}
	if err := r.apply(content); err != nil {
		r.trouble(ctx, err)
		return
	}
	if r.began {
		r.log.InfoContext(ctx, "a setting has changed", "variable", r.file.Variable)
	}
	r.now, r.told, r.began = content, "", true
}

// trouble is logged once for each kind of it.
func (r *rotation) trouble(ctx context.Context, err error) {
	if r.told == err.Error() {
		return
	}
	r.told = err.Error()
	r.log.WarnContext(ctx, "a setting's file is wrong; what was read before stays", "variable", r.file.Variable, "error", err)
}

// rotations are the settings of this process that came from files.
func (s *Server) rotations() []*rotation {
	var list []*rotation
	add := func(file *File, apply func(string) error) {
		if file != nil {
			list = append(list, &rotation{file: file, apply: apply, log: s.log})
		}
	}
	if s.keys != nil {
		add(s.config.Files.Keys, s.replaceKeys)
		add(s.config.Files.Password, s.replacePassword)
	}
	if s.users != nil {
		add(s.config.Files.JWTSecret, s.replaceJWTSecret)
	}
	if store, ok := s.store.(*results.PostgREST); ok {
		add(s.config.Files.SupabaseKey, func(key string) error {
			err := store.SetKey(key)
			if err == nil {
				s.projectKey.Store(&key)
			}
			return err
		})
	}
	return list
}

// replaceKeys takes an empty file at its word: there are no keys any longer.
func (s *Server) replaceKeys(written string) error {
	if written == "" {
		s.keys.Replace(nil)
		return nil
	}
	keys, err := handlers.ParseKeys(written)
	if err == nil {
		s.keys.Replace(keys)
	}
	return err
}

// replacePassword ends the sessions that began with the password before. An empty file: there is none.
func (s *Server) replacePassword(password string) error {
	if err := checkPassword(password); err != nil {
		return err
	}
	s.password.Replace(password)
	return nil
}

// replaceJWTSecret, too: HS256 is over.
func (s *Server) replaceJWTSecret(secret string) error {
	if secret != "" {
		if err := checkJWTSecret(secret); err != nil {
			return err
		}
	}
	s.users.SetSecret(secret)
	return nil
}

// rotate looks at the files until ctx ends.
func rotate(ctx context.Context, list []*rotation) {
	if len(list) == 0 {
		return
	}
	tick := time.NewTicker(lookEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			for _, r := range list {
				r.look(ctx)
			}
		}
	}
}
