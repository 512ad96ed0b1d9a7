package main

import (
	"encoding/json"
	"path/filepath"
	"strings"
	"testing"

	"github.com/redis/go-redis/v9"

	"github.com/osp-platform/osp/internal/testenv"
	"github.com/osp-platform/osp/results"
	"github.com/osp-platform/osp/server"
)

// aFile is a result store that is there, as OSP_RESULTS has it.
func aFile(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "osp.db")
	store, err := results.OpenSQLite(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	if err := store.Close(); err != nil {
		t.Fatal(err)
	}
	return "sqlite:" + path
}

// note writes what a process of another configuration has noted.
func note(t *testing.T, redisURL, key, value string) {
	t.Helper()
	options, err := redis.ParseURL(redisURL)
	if err != nil {
		t.Fatal(err)
	}
	client := redis.NewClient(options)
	defer func() { _ = client.Close() }()
	if err := client.Set(t.Context(), key, value, 0).Err(); err != nil {
		t.Fatal(err)
	}
}

func TestDoctorTellsWhatIsWrong(t *testing.T) {
	healthy := testenv.Redis(t, "--appendonly", "yes")
	evicting := testenv.Redis(t, "--maxmemory-policy", "allkeys-lru")
	forgetful := testenv.Redis(t)
	claimed := testenv.Redis(t, "--appendonly", "yes")
	note(t, claimed, "osp:partitions", "4")
	note(t, claimed, "osp:store", "another")
	file, none := aFile(t), filepath.Join(t.TempDir(), "osp.db")
	for _, c := range []struct {
		name    string
		env     []string
		code    int
		want    []string // each is a line's beginning, whatever the spaces
		missing string
	}{
		{
			"all is well",
			[]string{"REDIS_URL=" + healthy, "OSP_RESULTS=" + file},
			exitOK,
			[]string{"redis connection OK it answers", "redis maxmemory-policy OK noeviction", "result store OK"},
			"WARNING",
		},
		{
			"an evicting Redis without persistence",
			[]string{"REDIS_URL=" + evicting, "OSP_RESULTS=" + file},
			exitFailed,
			[]string{"redis maxmemory-policy REFUSED allkeys-lru", "redis persistence WARNING none", "osp: something needs mending"},
			"sqlite:",
		},
		{
			"warnings leave the code 0",
			[]string{"REDIS_URL=" + forgetful, "OSP_RESULTS=" + file},
			exitOK,
			[]string{"redis persistence WARNING none: a restart loses every journal, and osp recover brings back only what was stored"},
			"REFUSED",
		},
		{
			"a file that is not there yet",
			[]string{"REDIS_URL=" + healthy, "OSP_RESULTS=sqlite:" + none},
			exitOK,
			[]string{"result store WARNING there is no file " + none + " yet: a start makes it, empty"},
			"REFUSED",
		},
		{
			"a misspelt variable",
			[]string{"REDIS_URL=" + healthy, "OSP_RESULTS=" + file, "OSP_CONCURENCY=5"},
			exitOK,
			[]string{"variable OSP_CONCURENCY WARNING osp knows no such variable and ignores it: is it meant to be OSP_CONCURRENCY?"},
			"REFUSED",
		},
		{
			"Redis is away",
			[]string{"REDIS_URL=redis://127.0.0.1:1", "OSP_RESULTS=" + file},
			exitFailed,
			[]string{
				"redis connection REFUSED it cannot be reached (dial tcp 127.0.0.1:1: connect: connection refused): start it, or set REDIS_URL to where it is",
				"result store OK",
			},
			"partitions",
		},
		{
			"Supabase is away",
			[]string{"REDIS_URL=" + healthy, "SUPABASE_URL=http://127.0.0.1:1", "SUPABASE_SERVICE_ROLE_KEY=sb_secret_x"},
			exitFailed,
			[]string{"result store REFUSED supabase cannot be reached (dial tcp 127.0.0.1:1: connect: connection refused): is SUPABASE_URL right?"},
			"sb_secret",
		},
		{
			"a Redis whose tasks belong to another result store, in another number of partitions",
			[]string{"REDIS_URL=" + claimed, "OSP_RESULTS=" + file},
			exitFailed,
			[]string{
				"partitions REFUSED is 1 here, but the tasks in this Redis are spread over 4",
				"result store REFUSED it is another result store than the one that the tasks in REDIS_URL's Redis belong to",
			},
			"the file can be used",
		},
		{
			"a Redis that is full",
			[]string{"REDIS_URL=" + testenv.Redis(t, "--appendonly", "yes", "--maxmemory", "100kb"), "OSP_RESULTS=" + file},
			exitOK,
			[]string{"redis memory WARNING all 102400 bytes are used, and it takes no writes: give it more memory"},
			"REFUSED",
		},
		{"a wrong variable", []string{"REDIS_URL=http://x", "OSP_RESULTS=" + file}, exitUsage, []string{"osp: REDIS_URL"}, "CHECK"},
	} {
		t.Run(c.name, func(t *testing.T) {
			code, out := command(t, c.env, "doctor")
			lines := strings.Split(out, "\n")
			for i := range lines {
				lines[i] = strings.Join(strings.Fields(lines[i]), " ")
			}
			text := strings.Join(lines, "\n")
			if code != c.code {
				t.Errorf("exit code %d, want %d", code, c.code)
			}
			for _, want := range c.want {
				if !strings.Contains("\n"+text, "\n"+want) {
					t.Errorf("no line %q in\n%s", want, text)
				}
			}
			if strings.Contains(text, c.missing) {
				t.Errorf("it tells %q:\n%s", c.missing, text)
			}
		})
	}
}

func TestDoctorSpeaksJSON(t *testing.T) {
	code, out := command(t, []string{"REDIS_URL=" + testenv.Redis(t), "OSP_RESULTS=" + aFile(t)}, "doctor", "-o", "json")
	var said struct{ Findings []server.Finding }
	if err := json.Unmarshal([]byte(out), &said); err != nil || code != exitOK || len(said.Findings) < 7 {
		t.Errorf("exit code %d, %v:\n%s", code, err, out)
	}
	if code, _ := command(t, nil, "doctor", "-o", "xml"); code != exitUsage {
		t.Errorf("an unknown format: exit code %d, want %d", code, exitUsage)
	}
}
