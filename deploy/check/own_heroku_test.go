package check

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
)

// Heroku: https://devcenter.heroku.com/articles/build-docker-images-heroku-yml and …/app-json-schema

type herokuAddon struct {
	Plan string `json:"plan"`
	As   string `json:"as"`
}

func readHerokuYML(raw []byte) error {
	var c struct {
		Setup struct {
			Addons []herokuAddon     `json:"addons"`
			Config map[string]string `json:"config"`
		} `json:"setup"`
		Build struct {
			Docker map[string]string `json:"docker"`
			Config map[string]string `json:"config"`
		} `json:"build"`
		Release *struct {
			Command []string `json:"command"`
			Image   string   `json:"image"`
		} `json:"release"`
		Run map[string]string `json:"run"`
	}
	if err := strictYAML(raw, &c); err != nil {
		return err
	}
	if len(c.Build.Docker) == 0 {
		return fmt.Errorf("nothing is built")
	}
	for process, file := range c.Build.Docker {
		if _, err := os.Stat(filepath.Join("../heroku", file)); err != nil {
			return fmt.Errorf("process %s: %w", process, err)
		}
	}
	return nil
}

var variableName = regexp.MustCompile(`^[A-Z][A-Z0-9_]*$`)

func readAppJSON(raw []byte) error {
	var a struct {
		Name        string        `json:"name"`
		Description string        `json:"description"`
		Repository  string        `json:"repository"`
		Stack       string        `json:"stack"`
		Addons      []herokuAddon `json:"addons"`
		Env         map[string]struct {
			Description string `json:"description"`
			Value       string `json:"value"`
			Required    *bool  `json:"required"`
		} `json:"env"`
		Formation map[string]struct {
			Quantity int    `json:"quantity"`
			Size     string `json:"size"`
		} `json:"formation"`
	}
	if err := strictJSON(raw, &a); err != nil {
		return err
	}
	for name := range a.Env {
		if !variableName.MatchString(name) {
			return fmt.Errorf("%q is no name of a variable", name)
		}
	}
	return oneOf("stack", a.Stack, "container")
}

var dockerSpoilt = []string{"FROM", "FORM", "ENV ROLE=", "ENV ROLE ", "osp:VERSION", "osp:latest"}

// readDockerfile takes the two instructions that these files are of.
func readDockerfile(raw []byte) error {
	lines := strings.Split(strings.TrimSpace(string(raw)), "\n")
	if len(lines) != 2 || lines[0] != "FROM ghcr.io/osp-platform/osp:VERSION" {
		return fmt.Errorf("it begins with %q", lines[0])
	}
	role, ok := strings.CutPrefix(lines[1], "ENV ROLE=")
	if !ok {
		return fmt.Errorf("%q does not set ROLE", lines[1])
	}
	return oneOf("ROLE", role, "api", "worker", "autoscale")
}
