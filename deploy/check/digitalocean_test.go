package check

import (
	"fmt"

	"github.com/digitalocean/godo"
)

var digitalOceanFiles = []manifest{{"digitalocean/app.yaml", readApp, []string{
	"instance_count: 2", "instances: 2", "instance_count: 2", "instance_count: 0", "drain_seconds: 15", "drain_seconds: 15s", "drain_seconds: 15", "drain_seconds: 111",
	"http_path", "path_http", "registry_type: GHCR", "registry_type: QUAY", "engine: VALKEY", "engine: MEMCACHED", "type: SECRET", "type: HIDDEN",
	"component: {name: api,", "component: {name: apis,",
}}}

func readApp(raw []byte) error {
	var spec godo.AppSpec
	if err := strictYAML(raw, &spec); err != nil {
		return err
	}
	images, names := []*godo.ImageSourceSpec{}, map[string]bool{}
	envs := spec.Envs
	for _, s := range spec.Services {
		images, envs, names[s.Name] = append(images, s.Image), append(envs, s.Envs...), true
		if t := s.Termination; s.InstanceCount < 1 || t.DrainSeconds < 1 || t.DrainSeconds > 110 || t.GracePeriodSeconds < 1 || t.GracePeriodSeconds > 600 {
			return fmt.Errorf("service %s: %d instances, drain %d, grace %d", s.Name, s.InstanceCount, t.DrainSeconds, t.GracePeriodSeconds)
		}
	}
	for _, w := range spec.Workers {
		images, envs = append(images, w.Image), append(envs, w.Envs...)
		if w.InstanceCount < 1 || w.Termination.GracePeriodSeconds < 1 || w.Termination.GracePeriodSeconds > 600 {
			return fmt.Errorf("worker %s: %d instances, grace %d", w.Name, w.InstanceCount, w.Termination.GracePeriodSeconds)
		}
	}
	for _, i := range images {
		if i.RegistryType != godo.ImageSourceSpecRegistryType_Ghcr {
			return fmt.Errorf("the image is in %s", i.RegistryType)
		}
	}
	for _, e := range envs {
		if e.Type != "" && e.Type != godo.AppVariableType_Secret || e.Scope != godo.AppVariableScope_RunTime {
			return fmt.Errorf("%s is a %s, %s", e.Key, e.Type, e.Scope)
		}
	}
	for _, d := range spec.Databases {
		if d.Engine != "VALKEY" {
			return fmt.Errorf("there is no engine %s", d.Engine)
		}
	}
	for _, r := range spec.Ingress.Rules {
		if !names[r.Component.Name] {
			return fmt.Errorf("requests go to %s, which is not there", r.Component.Name)
		}
	}
	return nil
}
