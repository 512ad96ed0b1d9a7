package testenv

import (
	"os"
	"path/filepath"
	"testing"
)

// Chromium returns the path of a Chromium or Chrome.
func Chromium(t testing.TB) string {
	t.Helper()
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome"} {
		if path, err := find(name); err == nil {
			return path
		}
	}
	path, err := find("chromium")
	return must(t, path, err)
}

// Axe returns the source of axe-core, which finds out what keeps people from using a page.
func Axe(t testing.TB) string {
	t.Helper()
	cache, err := os.UserCacheDir()
	must(t, cache, err)
	path, err := find("axe.min.js", filepath.Join(cache, "osp", "axe"))
	must(t, path, err)
	raw, err := os.ReadFile(path)
	return string(must(t, raw, err))
}
