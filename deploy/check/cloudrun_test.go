package check

import (
	"fmt"
	"strconv"

	run "google.golang.org/api/run/v1"
)

var cloudRunFiles = []manifest{
	{"cloudrun/service.yaml", readService, []string{
		"containerConcurrency", "concurrency", "kind: Service", "kind: WorkerPool", "timeoutSeconds: 3600", "timeoutSeconds: 1h",
		"key: latest}}}", "version: latest}}}", "startupProbe", "startProbe", `minScale: "1"`, `minScale: "0"`,
	}},
	{"cloudrun/worker-pool.yaml", readWorkerPool, []string{
		"kind: WorkerPool", "kind: Service", "livenessProbe", "livelinessProbe", `manualInstanceCount: "2"`, `manualInstanceCount: "0"`,
		"httpGet: {path: /healthz, port: 8080}", "httpGet: {path: /healthz, port: http}",
	}},
}

func readService(raw []byte) error {
	var s run.Service
	if err := strictYAML(raw, &s); err != nil {
		return err
	}
	if s.ApiVersion != "serving.knative.dev/v1" || s.Kind != "Service" {
		return fmt.Errorf("it is a %s %s", s.ApiVersion, s.Kind)
	}
	return atLeastOne(s.Spec.Template.Metadata.Annotations["autoscaling.knative.dev/minScale"])
}

func readWorkerPool(raw []byte) error {
	var p run.WorkerPool
	if err := strictYAML(raw, &p); err != nil {
		return err
	}
	if p.ApiVersion != "run.googleapis.com/v1" || p.Kind != "WorkerPool" || p.Metadata.Annotations["run.googleapis.com/scalingMode"] != "manual" {
		return fmt.Errorf("it is a %s %s with %v", p.ApiVersion, p.Kind, p.Metadata.Annotations)
	}
	return atLeastOne(p.Metadata.Annotations["run.googleapis.com/manualInstanceCount"])
}

func atLeastOne(written string) error {
	if n, err := strconv.Atoi(written); err != nil || n < 1 {
		return fmt.Errorf("%q instances", written)
	}
	return nil
}
