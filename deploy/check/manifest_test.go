package check

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"sigs.k8s.io/yaml"
)

// manifest is a file of deploy, what reads it, and ways to spoil it: pairs of what stands there and what does instead.
type manifest struct {
	file  string
	read  func(raw []byte) error
	spoil []string
}

func manifests() (all []manifest) {
	for _, list := range [][]manifest{composeFiles, kubernetesFiles, cloudRunFiles, awsFiles, ownFiles, digitalOceanFiles, prometheusFiles} {
		all = append(all, list...)
	}
	return all
}

func TestEveryManifestIsRead(t *testing.T) {
	for _, m := range manifests() {
		if err := m.read(source(t, m.file)); err != nil {
			t.Errorf("%s: %v", m.file, err)
		}
	}
}

func TestEveryManifestThatIsWrongIsRefused(t *testing.T) {
	for _, m := range manifests() {
		if len(m.spoil) < 2 {
			t.Errorf("%s is never wrong", m.file)
		}
		text := string(source(t, m.file))
		for i := 0; i+1 < len(m.spoil); i += 2 {
			spoilt := strings.Replace(text, m.spoil[i], m.spoil[i+1], 1)
			if spoilt == text {
				t.Errorf("%s has no %q", m.file, m.spoil[i])
			} else if m.read([]byte(spoilt)) == nil {
				t.Errorf("%s with %q instead of %q is not refused", m.file, m.spoil[i+1], m.spoil[i])
			}
		}
	}
}

// Nobody adds a manifest without having it read.
func TestNoManifestIsForgotten(t *testing.T) {
	known := map[string]bool{
		"kubernetes/base/kustomization.yaml": true, "kubernetes/redis/kustomization.yaml": true,
		"kubernetes/hpa/kustomization.yaml": true, "kubernetes/keda/kustomization.yaml": true,
	} // built in kustomize_test.go
	for _, m := range manifests() {
		known[m.file] = true
	}
	err := filepath.WalkDir("..", func(path string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() && (d.Name() == "check" || d.Name() == "supabase") {
			return filepath.SkipDir
		}
		name, _ := filepath.Rel("..", path)
		switch filepath.Ext(name) {
		case ".yaml", ".yml", ".json", ".toml", ".web", ".worker", ".autoscale":
			if !known[name] {
				t.Errorf("nothing reads %s", name)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

func source(t *testing.T, file string) []byte {
	t.Helper()
	raw, err := os.ReadFile(filepath.Join("..", file))
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

// strictJSON decodes JSON and refuses members that the target does not have, and anything after it.
func strictJSON(raw []byte, into any) error {
	d := json.NewDecoder(bytes.NewReader(raw))
	d.DisallowUnknownFields()
	if err := d.Decode(into); err != nil {
		return err
	}
	if d.More() {
		return fmt.Errorf("there is more than one value")
	}
	return nil
}

// strictYAML is strictJSON for YAML, which it refuses also where a key is there twice.
func strictYAML(raw []byte, into any) error {
	converted, err := yaml.YAMLToJSONStrict(raw)
	if err != nil {
		return err
	}
	return strictJSON(converted, into)
}
