package deploy

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/goccy/go-yaml"
	"github.com/pelletier/go-toml/v2"
)

// place is where a value stands: a file, and the way through it, separated by spaces. A number takes an item of a list,
// name=value the item that has it; "#1" after the file takes its second document. A place that is only a number stands
// for itself: what the platform does not let one set.
type place string

// manifests are files by name, parsed once. A test may change what it got.
type manifests map[string][]any

func (m manifests) document(t *testing.T, file string) any {
	t.Helper()
	file, nth, _ := strings.Cut(file, "#")
	if m[file] == nil {
		raw, err := os.ReadFile(file)
		if err == nil {
			m[file], err = parse(file, raw)
		}
		if err != nil {
			t.Fatalf("%s: %v", file, err)
		}
	}
	n, _ := strconv.Atoi(nth)
	return m[file][n]
}

func parse(file string, raw []byte) ([]any, error) {
	var doc any
	var err error
	switch path.Ext(file) {
	case ".json":
		err = json.Unmarshal(raw, &doc)
	case ".toml":
		err = toml.Unmarshal(raw, &doc)
	case ".yaml", ".yml":
		return parseYAML(raw)
	default:
		doc = parseLines(string(raw))
	}
	return []any{doc}, err
}

func parseYAML(raw []byte) (docs []any, err error) {
	d := yaml.NewDecoder(bytes.NewReader(raw))
	for {
		var doc any
		err := d.Decode(&doc)
		if errors.Is(err, io.EOF) {
			return docs, nil
		}
		if err != nil {
			return nil, err
		}
		docs = append(docs, doc)
	}
}

// parseLines reads NAME=value lines: files of variables, units of systemd, and the ENV instructions of a Dockerfile.
func parseLines(text string) any {
	values := map[string]any{}
	for line := range strings.Lines(text) {
		name, value, ok := strings.Cut(strings.TrimPrefix(strings.TrimSpace(line), "ENV "), "=")
		if ok && !strings.HasPrefix(name, "#") {
			values[name] = value
		}
	}
	return values
}

// find returns what stands at a place, as text; nothing, when there is nothing.
func (m manifests) find(t *testing.T, p place) string {
	t.Helper()
	way := strings.Fields(string(p))
	if _, err := strconv.Atoi(string(p)); err == nil || len(way) == 0 {
		return string(p)
	}
	v := m.document(t, way[0])
	for _, step := range way[1:] {
		v = enter(v, step)
	}
	if v == nil {
		return ""
	}
	text := fmt.Sprint(v)
	if d, err := time.ParseDuration(text); err == nil { // 20s is 20
		text = fmt.Sprint(d.Seconds())
	}
	return text
}

func enter(v any, step string) any {
	switch x := v.(type) {
	case map[string]any:
		return x[step]
	case []any:
		name, value, named := strings.Cut(step, "=")
		for i, item := range x {
			if named && fmt.Sprint(enter(item, name)) == value || !named && strconv.Itoa(i) == step {
				return item
			}
		}
	}
	return nil
}

// set puts another value at a place.
func (m manifests) set(t *testing.T, p place, value any) {
	t.Helper()
	way := strings.Fields(string(p))
	v := m.document(t, way[0])
	for _, step := range way[1 : len(way)-1] {
		v = enter(v, step)
	}
	v.(map[string]any)[way[len(way)-1]] = value
}
