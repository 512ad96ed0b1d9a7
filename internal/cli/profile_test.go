package cli

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestProfiles(t *testing.T) {
	home := t.TempDir()
	a := newAPI().says("GET /v1/tasks/t1", 200, done)
	s := setting{env: map[string]string{"HOME": home}, transport: a, stdin: "osp_live\n"}
	run := func(line string) ran { return s.run(t.Context(), strings.Fields(line)...) }
	sent := func(line, url, key string) {
		t.Helper()
		run(line).is(t, 0, "work  t1", "")
		last := a.got[len(a.got)-1]
		if got := strings.TrimPrefix(last.header.Get("Authorization"), "Bearer "); got != key {
			t.Errorf("%s: the key is %q, want %q", line, got, key)
		}
	}
	run("profile list").is(t, 0, "", "There are no profiles: osp profile add makes one.")
	run("profile add live --url https://live.test/").is(t, 0, "", "The profile live has been kept. In use: live.")
	run("profile add dev --url http://dev.test --no-key").is(t, 0, "", "In use: live.")
	run("profile list").is(t, 0, "NAME  URL                KEY  IN USE\ndev   http://dev.test    no\nlive  https://live.test  yes  in use\n", "")

	file := filepath.Join(home, ".config", "osp", "config.toml")
	if info, err := os.Stat(file); err != nil || info.Mode().Perm() != 0o600 {
		t.Fatalf("%v, %v", info, err)
	}
	sent("task get t1", "https://live.test", "osp_live")
	sent("task get t1 --profile dev", "http://dev.test", "")
	sent("task get t1 --profile live --key osp_other", "https://live.test", "osp_other")
	sent("task get t1 --url http://elsewhere.test", "http://elsewhere.test", "") // the profile's key is for its URL
	sent("task get t1 --profile live --url http://elsewhere.test", "http://elsewhere.test", "")
	s.env["OSP_URL"], s.env["OSP_KEY"] = "http://env.test", "osp_env"
	sent("task get t1", "http://env.test", "osp_env")
	sent("task get t1 --profile live", "https://live.test", "osp_live")
	delete(s.env, "OSP_URL")
	delete(s.env, "OSP_KEY")

	run("profile use dev").is(t, 0, "", "In use: dev.")
	sent("task get t1", "http://dev.test", "")
	run("profile use none").is(t, 2, "", `there is no profile "none"`)
	run("profile remove dev").is(t, 0, "", "has been forgotten")
	run("profile add bad\x1b --url x").is(t, 2, "", `the name "bad\x1b"`)
	run("profile add other").is(t, 2, "", "--url is missing")
	for _, r := range []ran{run("profile list"), run("task get t1 --profile live -o json")} {
		if strings.Contains(r.out+r.err, "osp_live") {
			t.Errorf("the key is told: %s%s", r.out, r.err)
		}
	}

	if err := os.Chmod(file, 0o640); err != nil {
		t.Fatal(err)
	}
	run("task get t1").is(t, 2, "", "config.toml can be read by others, and has keys: chmod 600 it")
	for _, content := range []string{"[profiles.live]\nurl = osp_secret", "[profiles.live]\npassword = 'osp_secret'"} {
		if err := os.WriteFile(file, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Chmod(file, 0o600); err != nil {
			t.Fatal(err)
		}
		r := run("task get t1")
		r.is(t, 2, "", "config.toml: line 2")
		if strings.Contains(r.err, "osp_secret") {
			t.Errorf("what stands in the file is told: %s", r.err)
		}
	}
}

func TestAKeyInAFile(t *testing.T) {
	file := filepath.Join(t.TempDir(), "key")
	if err := os.WriteFile(file, []byte("osp_file\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	a := newAPI().says("GET /v1/tasks/t1", 200, done)
	s := setting{env: map[string]string{"OSP_KEY_FILE": file, "OSP_URL": "osp.test:81"}, transport: a}
	s.run(t.Context(), "task", "get", "t1").is(t, 0, "work", "")
	if got := a.got[0]; got.header.Get("Authorization") != "Bearer osp_file" {
		t.Errorf("sent %q", got.header.Get("Authorization"))
	}
	s.env["OSP_KEY_FILE"] = "/nowhere"
	s.run(t.Context(), "task", "get", "t1").is(t, 2, "", "OSP_KEY_FILE names a file that cannot be read")
	s.env["OSP_KEY_FILE"], s.env["OSP_KEY"] = "", "osp_two words"
	r := s.run(t.Context(), "task", "get", "t1")
	r.is(t, 2, "", "the key (OSP_KEY) has blanks or characters that no key has")
	if strings.Contains(r.err, "osp_two") {
		t.Errorf("the key is told: %s", r.err)
	}
}
