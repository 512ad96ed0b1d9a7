package deploy

import (
	"fmt"
	"net/http"
	"strconv"
	"testing"
	"time"

	"github.com/osp-platform/osp/handlers"
	"github.com/osp-platform/osp/server"
)

// process is one kind of process on one platform, and where its manifest says what it must say.
type process struct {
	name    string
	role    string
	roleAt  place
	least   place   // how many there are, at least
	grace   place   // seconds from the signal to the kill
	timeout place   // OSP_SHUTDOWN_TIMEOUT, where it is not the default
	health  []place // paths that are asked for
}

const ecs = "containerDefinitions 0 "

var processes = []process{
	{name: "compose api", role: "api", roleAt: "compose/compose.yaml services api environment ROLE", least: "1", grace: "compose/compose.yaml services api stop_grace_period"},
	{name: "compose worker", role: "worker", roleAt: "compose/compose.yaml services worker environment ROLE", least: "compose/compose.yaml services worker deploy replicas", grace: "compose/compose.yaml services worker stop_grace_period"},
	kubernetes("api", "kubernetes/hpa/api.yaml spec minReplicas"),
	kubernetes("worker", "kubernetes/hpa/worker.yaml spec minReplicas"),
	kubernetes("api", "kubernetes/keda/api.yaml spec minReplicas"),
	kubernetes("worker", "kubernetes/keda/worker.yaml#1 spec minReplicaCount"),
	railway("api"), railway("worker"), railway("autoscale"),
	{name: "fly api", role: "api", roleAt: "fly/api.toml env ROLE", least: "fly/api.toml http_service min_machines_running", grace: "fly/api.toml kill_timeout", health: []place{"fly/api.toml http_service checks 0 path"}},
	{name: "fly worker", role: "worker", roleAt: "fly/worker.toml env ROLE", least: "1", grace: "fly/worker.toml kill_timeout", health: []place{"fly/worker.toml checks health path", "fly/worker.toml metrics path"}},
	{name: "heroku web", role: "api", roleAt: "heroku/Dockerfile.web ROLE", least: "heroku/app.json formation web quantity", grace: "30"},
	{name: "heroku worker", role: "worker", roleAt: "heroku/Dockerfile.worker ROLE", least: "heroku/app.json formation worker quantity", grace: "30"},
	{name: "heroku autoscale", role: "autoscale", roleAt: "heroku/Dockerfile.autoscale ROLE", least: "1", grace: "30"},
	cloudRun("api", "cloudrun/service.yaml", "autoscaling.knative.dev/minScale", "spec template "),
	cloudRun("worker", "cloudrun/worker-pool.yaml", "run.googleapis.com/manualInstanceCount", ""),
	{name: "ecs api", role: "api", roleAt: "aws/task-api.json " + ecs + "environment name=ROLE value", least: "1", grace: "aws/task-api.json " + ecs + "stopTimeout"},
	{name: "ecs worker", role: "worker", roleAt: "aws/task-worker.json " + ecs + "environment name=ROLE value", least: "aws/service-worker.json desiredCount", grace: "aws/task-worker.json " + ecs + "stopTimeout"},
	{name: "ecs express", role: "api", roleAt: "aws/express-api.json primaryContainer environment name=ROLE value", least: "aws/express-api.json scalingTarget minTaskCount", grace: "30", health: []place{"aws/express-api.json healthCheckPath"}},
	digitalOcean("api", "services 0 ", "health_check", "liveness_health_check"),
	digitalOcean("worker", "workers 0 ", "liveness_health_check"),
	render("api", "osp-api", "render/render.yaml services name=osp-api healthCheckPath"),
	render("worker", "osp-worker"),
	azure("api"), azure("worker"),
	{name: "systemd", role: "ROLE=%i", roleAt: "systemd/osp@.service Environment", least: "1", grace: "systemd/osp@.service TimeoutStopSec"},
}

func kubernetes(role string, least place) process {
	pod := place("kubernetes/base/" + role + ".yaml spec template spec ")
	return process{
		name: "kubernetes " + role, role: role, roleAt: pod + "containers 0 env name=ROLE value", least: least,
		grace:  pod + "terminationGracePeriodSeconds",
		health: []place{pod + "containers 0 readinessProbe httpGet path", pod + "containers 0 livenessProbe httpGet path"},
	}
}

func railway(role string) process {
	deploy := place("railway/" + role + ".railway.json deploy ")
	return process{
		name: "railway " + role, role: role, roleAt: place("railway/" + role + ".env ROLE"), least: deploy + "numReplicas",
		grace: deploy + "drainingSeconds", health: []place{deploy + "healthcheckPath"},
	}
}

func cloudRun(role, file string, least place, annotated string) process {
	container := place(file + " spec template spec containers 0 ")
	return process{
		name: "cloud run " + role, role: role, roleAt: container + "env name=ROLE value",
		least: place(file+" "+annotated+"metadata annotations ") + least,
		grace: "10", timeout: container + "env name=OSP_SHUTDOWN_TIMEOUT value",
		health: []place{container + "startupProbe httpGet path", container + "livenessProbe httpGet path"},
	}
}

func digitalOcean(role string, at place, checks ...place) process {
	p := process{
		name: "digitalocean " + role, role: role, roleAt: "digitalocean/app.yaml " + at + "envs key=ROLE value",
		least: "digitalocean/app.yaml " + at + "instance_count",
		grace: "digitalocean/app.yaml " + at + "termination grace_period_seconds",
	}
	for _, check := range checks {
		p.health = append(p.health, "digitalocean/app.yaml "+at+check+" http_path")
	}
	return p
}

func render(role, name string, health ...place) process {
	service := place("render/render.yaml services name=" + name + " ")
	return process{
		name: "render " + role, role: role, roleAt: service + "envVars key=ROLE value", least: service + "numInstances",
		grace: service + "maxShutdownDelaySeconds", health: health,
	}
}

func azure(role string) process {
	template := place("azure/" + role + ".yaml properties template ")
	probe := template + "containers 0 probes type="
	return process{
		name: "azure " + role, role: role, roleAt: template + "containers 0 env name=ROLE value", least: template + "scale minReplicas",
		grace:  template + "terminationGracePeriodSeconds",
		health: []place{probe + "Liveness httpGet path", probe + "Readiness httpGet path"},
	}
}

// program is what the program says of itself.
type program struct {
	timeout time.Duration
	paths   map[string]bool
	roles   map[string]bool
}

func ask(t *testing.T) program {
	t.Helper()
	p := program{paths: map[string]bool{"/metrics": true}, roles: map[string]bool{"ROLE=%i": true}}
	for _, role := range []string{"api", "worker", "autoscale"} {
		c, err := server.Load("", server.Environment{Lookup: func(name string) (string, bool) {
			v, ok := map[string]string{
				"ROLE": role, "OSP_RESULTS": "sqlite:/x.db", "OSP_AUTH": "off",
				"OSP_SCALE_DRIVER": "heroku", "OSP_SCALE_TARGET": "my-osp/worker", "OSP_SCALE_TOKEN": "x",
			}[name]
			return v, ok
		}})
		if err != nil {
			t.Fatal(err)
		}
		p.roles[string(c.Role)] = true
		p.timeout = c.ShutdownTimeout
	}
	probes := handlers.New(handlers.Config{Now: time.Now, NewID: func() string { return "" }})
	for _, r := range probes.Routes() {
		if r.Method == http.MethodGet {
			p.paths[r.Path] = true
		}
	}
	return p
}

// slack is what a process takes to stop, beyond OSP_SHUTDOWN_TIMEOUT.
const slack = 5 * time.Second

// complaints are what is wrong with a process.
func (p process) complaints(t *testing.T, m manifests, says program) (wrong []string) {
	t.Helper()
	complain := func(format string, args ...any) { wrong = append(wrong, p.name+": "+fmt.Sprintf(format, args...)) }
	if role := m.find(t, p.roleAt); role != p.role || !says.roles[role] {
		complain("the role is %q, want %q", role, p.role)
	}
	if n, err := strconv.Atoi(m.find(t, p.least)); err != nil || n < 1 {
		complain("%q processes at least", m.find(t, p.least))
	}
	timeout := says.timeout
	if p.timeout != "" {
		seconds, err := strconv.Atoi(m.find(t, p.timeout))
		if err != nil {
			complain("OSP_SHUTDOWN_TIMEOUT is %q", m.find(t, p.timeout))
		}
		timeout = time.Duration(seconds) * time.Second
	}
	grace, err := strconv.Atoi(m.find(t, p.grace))
	if least := timeout + slack; err != nil || time.Duration(grace)*time.Second < least {
		complain("the grace is %q seconds, want %v", m.find(t, p.grace), least)
	}
	for _, at := range p.health {
		if path := m.find(t, at); !says.paths[path] {
			complain("nobody answers at %q", path)
		}
	}
	return wrong
}

func TestEveryPlatformSaysWhatItMust(t *testing.T) {
	says, m := ask(t), manifests{}
	for _, p := range processes {
		for _, wrong := range p.complaints(t, m, says) {
			t.Error(wrong)
		}
	}
}

// Each thing that a manifest says is made wrong in turn, and somebody must notice.
func TestAManifestThatIsWrongIsNoticed(t *testing.T) {
	says := ask(t)
	for _, p := range processes {
		bad := map[place]any{p.roleAt: "server", p.least: 0, p.grace: says.timeout.Seconds() + 4, p.timeout: "6s"}
		for _, at := range p.health {
			bad[at] = "/health"
		}
		for at, value := range bad {
			if _, err := strconv.Atoi(string(at)); err == nil || at == "" {
				continue // not for us to set
			}
			m := manifests{}
			m.set(t, at, value)
			if p.complaints(t, m, says) == nil {
				t.Errorf("%s: %v at %s went unnoticed", p.name, value, at)
			}
		}
	}
}
