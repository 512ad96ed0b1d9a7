package check

import "fmt"

// Render: https://render.com/docs/blueprint-spec

type renderVariable struct {
	Key         string `json:"key"`
	Value       string `json:"value"`
	Sync        *bool  `json:"sync"`
	FromGroup   string `json:"fromGroup"`
	FromService *struct {
		Type     string `json:"type"`
		Name     string `json:"name"`
		Property string `json:"property"`
	} `json:"fromService"`
}

type renderService struct {
	Type    string `json:"type"`
	Name    string `json:"name"`
	Runtime string `json:"runtime"`
	Image   *struct {
		URL string `json:"url"`
	} `json:"image"`
	Plan                    string            `json:"plan"`
	Region                  string            `json:"region"`
	NumInstances            int               `json:"numInstances"`
	HealthCheckPath         string            `json:"healthCheckPath"`
	MaxShutdownDelaySeconds int               `json:"maxShutdownDelaySeconds"`
	EnvVars                 []renderVariable  `json:"envVars"`
	IPAllowList             *[]map[string]any `json:"ipAllowList"`
	MaxmemoryPolicy         string            `json:"maxmemoryPolicy"`
}

type blueprint struct {
	EnvVarGroups []struct {
		Name    string           `json:"name"`
		EnvVars []renderVariable `json:"envVars"`
	} `json:"envVarGroups"`
	Services []renderService `json:"services"`
}

func readRender(raw []byte) error {
	var b blueprint
	if err := strictYAML(raw, &b); err != nil {
		return err
	}
	groups, services := map[string]bool{}, map[string]bool{}
	for _, g := range b.EnvVarGroups {
		groups[g.Name] = true
	}
	for _, s := range b.Services {
		services[s.Type+" "+s.Name] = true
	}
	for _, s := range b.Services {
		if err := s.check(groups, services); err != nil {
			return fmt.Errorf("%s: %w", s.Name, err)
		}
	}
	return nil
}

func (s renderService) check(groups, services map[string]bool) error {
	if s.Type == "keyvalue" {
		if s.IPAllowList == nil {
			return fmt.Errorf("ipAllowList is required")
		}
		return oneOf("maxmemoryPolicy", s.MaxmemoryPolicy, "noeviction")
	}
	if s.MaxShutdownDelaySeconds < 1 || s.MaxShutdownDelaySeconds > 300 {
		return fmt.Errorf("maxShutdownDelaySeconds is %d, from 1 to 300", s.MaxShutdownDelaySeconds)
	}
	for _, v := range s.EnvVars {
		if v.FromGroup != "" && !groups[v.FromGroup] {
			return fmt.Errorf("there is no group %s", v.FromGroup)
		}
		if f := v.FromService; f != nil && !services[f.Type+" "+f.Name] {
			return fmt.Errorf("there is no %s %s", f.Type, f.Name)
		}
	}
	if err := oneOf("runtime", s.Runtime, "image"); err != nil {
		return err
	}
	return oneOf("type", s.Type, "web", "worker", "pserv", "cron")
}
