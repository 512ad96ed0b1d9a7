//go:build image

package imagetest

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

const (
	mostSize       = 58e6
	mostCompressed = 19e6
)

// counter counts what is written.
type counter int64

func (c *counter) Write(p []byte) (int, error) {
	*c += counter(len(p))
	return len(p), nil
}

func TestTheImageIsSmall(t *testing.T) {
	var size float64
	if err := json.Unmarshal([]byte(docker(t, "image", "inspect", "--format", "{{.Size}}", image())), &size); err != nil {
		t.Fatal(err)
	}
	save := exec.Command(os.Getenv("DOCKER"), "save", image())
	layers, err := save.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := save.Start(); err != nil {
		t.Fatal(err)
	}
	var compressed counter
	squeeze := gzip.NewWriter(&compressed)
	if _, err := io.Copy(squeeze, layers); err != nil {
		t.Fatal(err)
	}
	if err := squeeze.Close(); err != nil {
		t.Fatal(err)
	}
	if err := save.Wait(); err != nil {
		t.Fatal(err)
	}
	t.Logf("image: %.1f MB (58 at most), compressed %.1f MB (19 at most)", size/1e6, float64(compressed)/1e6)
	if size > mostSize || float64(compressed) > mostCompressed {
		t.Error("the image is too large")
	}
}

func TestTheImageIsWhatPlatformsAskFor(t *testing.T) {
	var config struct {
		User            string
		Entrypoint, Cmd []string
		Healthcheck     struct{ Test []string }
		Labels          map[string]string
	}
	if err := json.Unmarshal([]byte(docker(t, "image", "inspect", "--format", "{{json .Config}}", image())), &config); err != nil {
		t.Fatal(err)
	}
	if !regexp.MustCompile(`^[1-9][0-9]*(:[0-9]+)?$`).MatchString(config.User) {
		t.Errorf("the user is %q: Kubernetes can tell of a number only that it is not root", config.User)
	}
	for what, c := range map[string]struct {
		got  []string
		want string
	}{
		"entry point": {config.Entrypoint, "/osp"}, "command": {config.Cmd, "run"}, "health check": {config.Healthcheck.Test, "CMD /osp healthcheck"},
	} {
		if got := strings.Join(c.got, " "); got != c.want {
			t.Errorf("the %s is %q, want %q", what, got, c.want)
		}
	}
	for label, want := range map[string]string{"version": os.Getenv("VERSION"), "revision": os.Getenv("COMMIT"), "created": os.Getenv("DATE")} {
		if got := config.Labels["org.opencontainers.image."+label]; got != want || want == "" {
			t.Errorf("label %s is %q, want %q", label, got, want)
		}
	}
}

// What is in the image is what anybody makes of the same source.
func TestTheImageIsReproducible(t *testing.T) {
	dir := t.TempDir()
	id := docker(t, "create", image())
	docker(t, "cp", id+":/osp", filepath.Join(dir, "inside"))
	docker(t, "rm", id)
	build := exec.Command("internal/build.sh", "build", "-o", filepath.Join(dir, "outside"), "./cmd/osp")
	build.Dir, build.Env = "../..", append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	inside, err := os.ReadFile(filepath.Join(dir, "inside"))
	if err != nil {
		t.Fatal(err)
	}
	outside, err := os.ReadFile(filepath.Join(dir, "outside"))
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(inside, outside) {
		t.Errorf("%d bytes in the image are other than the %d of a build outside", len(inside), len(outside))
	}
}

// Certificates and time zones are all that a program needs of a system.
func TestTheImageHasCertificatesAndTimeZones(t *testing.T) {
	id := docker(t, "create", image())
	t.Cleanup(func() { docker(t, "rm", id) })
	list := exec.Command("tar", "-t")
	var err error
	export := exec.Command(os.Getenv("DOCKER"), "export", id)
	if list.Stdin, err = export.StdoutPipe(); err != nil {
		t.Fatal(err)
	}
	if err := export.Start(); err != nil {
		t.Fatal(err)
	}
	names, err := list.Output()
	if err != nil {
		t.Fatal(err)
	}
	if err := export.Wait(); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"etc/ssl/certs/ca-certificates.crt", "go/lib/time/zoneinfo.zip", "osp"} {
		if !strings.Contains("\n"+string(names), "\n"+want+"\n") {
			t.Errorf("there is no /%s in it", want)
		}
	}
	said := start(t, append(supabase(t), "ROLE=worker", "TZ=Asia/Kathmandu")...).log()
	if !strings.Contains(said, "+05:45\"") {
		t.Errorf("the log's times are not Kathmandu's:\n%s", said)
	}
}
