package check

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/pelletier/go-toml/v2"
)

// The platforms here have no types that can be had as a Go module; the structs have what their references name.
var ownFiles = []manifest{
	{"railway/api.railway.json", readRailway, railwaySpoilt},
	{"railway/worker.railway.json", readRailway, railwaySpoilt},
	{"railway/autoscale.railway.json", readRailway, railwaySpoilt},
	{"fly/api.toml", readFly, append([]string{`auto_stop_machines = "off"`, `auto_stop_machines = "stop"`, "internal_port = 8080", `internal_port = "http"`}, flySpoilt...)},
	{"fly/worker.toml", readFly, append([]string{"[checks.health]", "[check.health]"}, flySpoilt...)},
	{"fly/autoscaler.toml", readFly, []string{"[env]", "[environment]", "image =", "images ="}},
	{"heroku/heroku.yml", readHerokuYML, []string{"docker:", "dockerfile:", "plan:", "name:", "Dockerfile.worker", "Dockerfile.workers"}},
	{"heroku/app.json", readAppJSON, []string{
		`"quantity": 1`, `"quantity": "1"`, "formation", "formations", `"stack": "container"`, `"stack": "heroku-24"`, `"required": true`, `"needed": true`,
		"OSP_SCALE_DRIVER", "osp scale driver",
	}},
	{"heroku/Dockerfile.web", readDockerfile, dockerSpoilt},
	{"heroku/Dockerfile.worker", readDockerfile, dockerSpoilt},
	{"heroku/Dockerfile.autoscale", readDockerfile, dockerSpoilt},
	{"render/render.yaml", readRender, []string{
		"maxShutdownDelaySeconds: 30", "shutdownDelaySeconds: 30", "maxShutdownDelaySeconds: 30", "maxShutdownDelaySeconds: 301",
		"type: worker", "type: wroker", "maxmemoryPolicy: noeviction", "maxmemoryPolicy: allkeys-lru", "ipAllowList: []", "",
		"fromGroup: osp", "fromGroup: ops", "name: osp-redis\n", "name: redis\n", "numInstances: 2", "numInstances: two", "runtime: image", "runtime: docker-image",
	}},
	{"azure/api.yaml", readAzure, append([]string{"targetPort", "port", "transport: auto", "transport: any"}, azureSpoilt...)},
	{"azure/worker.yaml", readAzure, append([]string{
		"pollingInterval: 15", "polling: 15", "type: redis", "type: rediss", "triggerParameter: password, secretRef: redis-password", "triggerParameter: password, secretRef: redis-pass",
		`address: "HOST:10000", enableTLS`, `address: "rediss://HOST:10000", enableTLS`, "listName", "list",
	}, azureSpoilt...)},
	{"systemd/cloud-init.yaml", readCloudInit, []string{"#cloud-config\n", "", "runcmd", "run_cmd", `permissions: "0600"`, "permissions: 0600", "path: /etc", "path: etc"}},
}

func oneOf(what, got string, allowed ...string) error {
	if slices.Contains(allowed, got) {
		return nil
	}
	return fmt.Errorf("%s is %q, want one of %v", what, got, allowed)
}

// --- Railway: https://docs.railway.com/reference/config-as-code

var railwaySpoilt = []string{
	`"drainingSeconds": 20`, `"drainingSeconds": "20"`, "healthcheckPath", "healthCheckPath", `"DOCKERFILE"`, `"Dockerfile"`,
	`"ALWAYS"`, `"UNLESS_STOPPED"`, `"sleepApplication": false`, `"sleepApplication": true`, "numReplicas", "replicas",
}

type railwayConfig struct {
	Schema string `json:"$schema"`
	Build  struct {
		Builder        string   `json:"builder"`
		DockerfilePath string   `json:"dockerfilePath"`
		WatchPatterns  []string `json:"watchPatterns"`
	} `json:"build"`
	Deploy struct {
		StartCommand            string   `json:"startCommand"`
		PreDeployCommand        []string `json:"preDeployCommand"`
		NumReplicas             int      `json:"numReplicas"`
		HealthcheckPath         string   `json:"healthcheckPath"`
		HealthcheckTimeout      int      `json:"healthcheckTimeout"`
		RestartPolicyType       string   `json:"restartPolicyType"`
		RestartPolicyMaxRetries int      `json:"restartPolicyMaxRetries"`
		SleepApplication        bool     `json:"sleepApplication"`
		OverlapSeconds          int      `json:"overlapSeconds"`
		DrainingSeconds         int      `json:"drainingSeconds"`
	} `json:"deploy"`
}

func readRailway(raw []byte) error {
	var c railwayConfig
	// encoding/json takes members whatever their case; Railway does not.
	if bytes.Contains(raw, []byte("healthCheck")) {
		return fmt.Errorf("there is no healthCheck…: it is healthcheck…")
	}
	if err := strictJSON(raw, &c); err != nil {
		return err
	}
	if c.Deploy.SleepApplication {
		return fmt.Errorf("a process that sleeps carries out nothing")
	}
	if err := oneOf("builder", c.Build.Builder, "DOCKERFILE", "RAILPACK", "NIXPACKS"); err != nil {
		return err
	}
	return oneOf("restartPolicyType", c.Deploy.RestartPolicyType, "ALWAYS", "ON_FAILURE", "NEVER")
}

// --- Fly.io: https://fly.io/docs/reference/configuration/

var flySpoilt = []string{
	"kill_timeout", "killtimeout", `kill_signal = "SIGTERM"`, `kill_signal = "TERM"`, `kill_timeout = "30s"`, `kill_timeout = "301s"`,
	`timeout = "3s"`, `timeout = "3"`, "[env]", "[environment]",
}

type flyCheck struct {
	Type        string `toml:"type"`
	Port        int    `toml:"port"`
	GracePeriod string `toml:"grace_period"`
	Interval    string `toml:"interval"`
	Timeout     string `toml:"timeout"`
	Method      string `toml:"method"`
	Path        string `toml:"path"`
}

type flyConfig struct {
	App           string            `toml:"app"`
	PrimaryRegion string            `toml:"primary_region"`
	KillSignal    string            `toml:"kill_signal"`
	KillTimeout   string            `toml:"kill_timeout"`
	Env           map[string]string `toml:"env"`
	Build         struct {
		Image string `toml:"image"`
	} `toml:"build"`
	Deploy struct {
		Strategy       string `toml:"strategy"`
		ReleaseCommand string `toml:"release_command"`
	} `toml:"deploy"`
	HTTPService *struct {
		InternalPort       int        `toml:"internal_port"`
		ForceHTTPS         bool       `toml:"force_https"`
		AutoStopMachines   string     `toml:"auto_stop_machines"`
		AutoStartMachines  bool       `toml:"auto_start_machines"`
		MinMachinesRunning int        `toml:"min_machines_running"`
		Checks             []flyCheck `toml:"checks"`
	} `toml:"http_service"`
	Checks  map[string]flyCheck `toml:"checks"`
	Metrics struct {
		Port int    `toml:"port"`
		Path string `toml:"path"`
	} `toml:"metrics"`
	VM []struct {
		Size   string `toml:"size"`
		Memory string `toml:"memory"`
	} `toml:"vm"`
}

func readFly(raw []byte) error {
	var c flyConfig
	if err := toml.NewDecoder(bytes.NewReader(raw)).DisallowUnknownFields().Decode(&c); err != nil {
		return err
	}
	if c.App == "" || c.Build.Image == "" || len(c.Env) == 0 {
		return fmt.Errorf("app, image and env are needed")
	}
	checks := []flyCheck{}
	for _, check := range c.Checks {
		checks = append(checks, check)
	}
	if s := c.HTTPService; s != nil {
		checks = append(checks, s.Checks...)
		if s.AutoStopMachines != "off" {
			return fmt.Errorf("machines stop by themselves: %q", s.AutoStopMachines)
		}
	}
	for _, check := range checks {
		for _, d := range []string{check.GracePeriod, check.Interval, check.Timeout} {
			if _, err := time.ParseDuration(d); err != nil {
				return err
			}
		}
	}
	if c.App == "osp-autoscaler" {
		return nil
	}
	if d, err := time.ParseDuration(c.KillTimeout); err != nil || d > 5*time.Minute {
		return fmt.Errorf("kill_timeout is %q, at most 300s", c.KillTimeout)
	}
	return oneOf("kill_signal", c.KillSignal, "SIGINT", "SIGTERM", "SIGQUIT", "SIGUSR1", "SIGUSR2", "SIGKILL", "SIGSTOP")
}

// --- cloud-init: https://cloudinit.readthedocs.io/en/latest/reference/modules.html

type cloudConfig struct {
	PackageUpdate bool     `json:"package_update"`
	Packages      []string `json:"packages"`
	WriteFiles    []struct {
		Path        string `json:"path"`
		Permissions string `json:"permissions"`
		Content     string `json:"content"`
	} `json:"write_files"`
	RunCmd []string `json:"runcmd"`
}

func readCloudInit(raw []byte) error {
	if !strings.HasPrefix(string(raw), "#cloud-config\n") {
		return fmt.Errorf("the first line has to be #cloud-config")
	}
	var c cloudConfig
	if err := strictYAML(raw, &c); err != nil {
		return err
	}
	for _, f := range c.WriteFiles {
		if !strings.HasPrefix(f.Path, "/") {
			return fmt.Errorf("%s is no absolute path", f.Path)
		}
	}
	return nil
}
