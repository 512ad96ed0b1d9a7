package check

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/compose-spec/compose-go/v2/dotenv"
	"github.com/compose-spec/compose-go/v2/loader"
	"github.com/compose-spec/compose-go/v2/types"
)

var composeFiles = []manifest{{"compose/compose.yaml", readCompose, []string{
	"stop_grace_period: 20s", "stop_grace_period: soon",
	"cap_drop: [ALL]", "cap_dorp: [ALL]",
	"replicas: 2", "replicas: two",
	"redis: {condition: service_healthy}", "redis: {condition: healthy}",
	"    redis: {condition", "    rediss: {condition",
	"volumes:\n  redis:\n", "volumes:\n",
	"<<: *environment\n      ROLE: api", "<<: *surroundings\n      ROLE: api",
	"${POSTGRES_PASSWORD:?run ./init.sh first}@postgres:5432/postgres\n    healthcheck", "${POSTGRES_PASSWD:?run ./init.sh first}@postgres:5432/postgres\n    healthcheck",
}}}

// readCompose loads the file as `docker compose` does, with what init.sh writes.
func readCompose(raw []byte) error {
	_, err := loadCompose(raw, map[string]string{
		"POSTGRES_PASSWORD": "p", "JWT_SECRET": strings.Repeat("s", 32), "SUPABASE_SERVICE_ROLE_KEY": "eyJ", "OSP_API_KEYS": "laptop:operator:00",
	})
	return err
}

func loadCompose(raw []byte, env types.Mapping) (*types.Project, error) {
	return loader.LoadWithContext(context.Background(), types.ConfigDetails{
		WorkingDir: "../compose", ConfigFiles: []types.ConfigFile{{Filename: "compose.yaml", Content: raw}}, Environment: env,
	}, func(o *loader.Options) { o.SetProjectName("osp", false) })
}

func TestComposeRunsWithWhatInitWrites(t *testing.T) {
	dir := t.TempDir()
	if out, err := exec.CommandContext(t.Context(), "../compose/init.sh", dir).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	if out, err := exec.CommandContext(t.Context(), "../compose/init.sh", dir).CombinedOutput(); err == nil || !strings.Contains(string(out), "is there already") {
		t.Errorf("a second init.sh: %v: %s", err, out)
	}
	env, err := dotenv.Read(filepath.Join(dir, ".env"))
	if err != nil {
		t.Fatal(err)
	}
	project, err := loadCompose(source(t, "compose/compose.yaml"), env)
	if err != nil {
		t.Fatal(err)
	}
	api, worker, rest := project.Services["api"], project.Services["worker"], project.Services["postgrest"]
	if got := api.Environment["SUPABASE_SERVICE_ROLE_KEY"]; got == nil || strings.Count(*got, ".") != 2 {
		t.Errorf("the service key is no JWT: %v", got)
	}
	if got := rest.Environment["PGRST_JWT_SECRET"]; got == nil || len(*got) < 32 {
		t.Error("the JWT secret is shorter than PostgREST takes")
	}
	if worker.Deploy == nil || *worker.Deploy.Replicas != 2 || !worker.ReadOnly || worker.CapDrop[0] != "ALL" {
		t.Errorf("worker: %+v", worker)
	}
	for _, s := range project.Services {
		for _, v := range s.Volumes {
			if v.Type == types.VolumeTypeBind {
				if _, err := os.Stat(v.Source); err != nil {
					t.Errorf("%s mounts what is not there: %v", s.Name, err)
				}
			}
		}
	}
}

func TestComposeWithoutInitSaysWhatToDo(t *testing.T) {
	if _, err := loadCompose(source(t, "compose/compose.yaml"), nil); err == nil || !strings.Contains(err.Error(), "run ./init.sh first") {
		t.Errorf("got %v", err)
	}
}
