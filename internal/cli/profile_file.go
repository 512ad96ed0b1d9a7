package cli

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"

	"github.com/pelletier/go-toml/v2"
)

// profiles is the file that keeps where APIs are, and their keys.
type profiles struct {
	Use      string             `toml:"use,omitempty"`
	Profiles map[string]profile `toml:"profiles"`
}

type profile struct {
	URL string `toml:"url"`
	Key string `toml:"key,omitempty"`
}

// fill makes the target of a profile. Its key is for its URL alone.
func (p profile) fill(at, key, name string) (target, error) {
	mine := "the profile " + name
	from := mine
	if at != "" {
		from = "--url"
	}
	switch {
	case key != "":
		return newTarget(or(at, p.URL), from, key, "--key")
	case at != "" && at != p.URL:
		return newTarget(at, from, "", "")
	}
	return newTarget(p.URL, from, p.Key, mine)
}

func or(a, b string) string {
	if a != "" {
		return a
	}
	return b
}

// profilesFile is osp/config.toml where the user keeps configuration.
func profilesFile(w World) (string, error) {
	if dir, _ := w.Lookup("XDG_CONFIG_HOME"); filepath.IsAbs(dir) {
		return filepath.Join(dir, "osp", "config.toml"), nil
	}
	if dir, _ := w.Lookup("APPDATA"); runtime.GOOS == "windows" && dir != "" {
		return filepath.Join(dir, "osp", "config.toml"), nil
	}
	if home, _ := w.Lookup("HOME"); home != "" {
		return filepath.Join(home, ".config", "osp", "config.toml"), nil
	}
	return "", misused("profiles have no place: set XDG_CONFIG_HOME or HOME")
}

// readProfiles reads the file; none is no profiles. What others may read is refused, for it has keys.
func readProfiles(w World) (profiles, error) {
	p := profiles{Profiles: map[string]profile{}}
	path, err := profilesFile(w)
	if err != nil {
		return p, nil //nolint:nilerr // without a place there are no profiles, and the flags and the environment do
	}
	info, err := os.Stat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return p, nil
	}
	if err != nil {
		return p, misused("the profiles cannot be read: %w", err)
	}
	if runtime.GOOS != "windows" && info.Mode().Perm()&0o077 != 0 {
		return p, misused("%s can be read by others, and has keys: chmod 600 it", path)
	}
	raw, err := os.ReadFile(filepath.Clean(path))
	if err != nil {
		return p, misused("the profiles cannot be read: %w", err)
	}
	d := toml.NewDecoder(bytes.NewReader(raw))
	d.DisallowUnknownFields()
	if err := d.Decode(&p); err != nil {
		return p, misused("%s: %s: mend or remove it", path, tomlSays(err))
	}
	if p.Profiles == nil {
		p.Profiles = map[string]profile{}
	}
	return p, nil
}

// tomlSays tells where the file is wrong, and nothing of what stands there: it may be a key.
func tomlSays(err error) string {
	if broken, ok := errors.AsType[*toml.DecodeError](err); ok {
		line, column := broken.Position()
		return fmt.Sprintf("line %d, column %d is not as it should be", line, column)
	}
	if strict, ok := errors.AsType[*toml.StrictMissingError](err); ok && len(strict.Errors) > 0 {
		line, _ := strict.Errors[0].Position()
		return fmt.Sprintf("line %d has something that no profile has", line)
	}
	return "it is not as it should be"
}

// write replaces the file in one step, for its owner only.
func (p profiles) write(w World) error {
	path, err := profilesFile(w)
	if err != nil {
		return err
	}
	raw, err := toml.Marshal(p)
	if err != nil {
		return fmt.Errorf("write the profiles: %w", err)
	}
	dir := filepath.Dir(path)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return fmt.Errorf("write the profiles: %w", err)
	}
	f, err := os.CreateTemp(dir, ".config-*") // which is 0600
	if err != nil {
		return fmt.Errorf("write the profiles: %w", err)
	}
	_, err = f.Write(raw)
	err = errors.Join(err, f.Close())
	if err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		_ = os.Remove(f.Name())
		return fmt.Errorf("write the profiles: %w", err)
	}
	return nil
}
