package check

import "fmt"

// Azure Container Apps: https://learn.microsoft.com/azure/container-apps/azure-resource-manager-api-spec

var azureSpoilt = []string{
	"terminationGracePeriodSeconds: 30", "terminationGracePeriodSeconds: 601", "terminationGracePeriodSeconds", "gracePeriodSeconds",
	"minReplicas: 1", "minReplicas: 0", "type: Liveness", "type: Live", "secretRef: supabase-key", "secretRef: supabase",
	"activeRevisionsMode: Single", "activeRevisionsMode: One", "memory: 0.5Gi", "memory: 1.5Gi",
}

type azureApp struct {
	Location   string `json:"location"`
	Type       string `json:"type"`
	Properties struct {
		EnvironmentID string `json:"environmentId"`
		Configuration struct {
			ActiveRevisionsMode string `json:"activeRevisionsMode"`
			Ingress             *struct {
				External      bool   `json:"external"`
				TargetPort    int    `json:"targetPort"`
				Transport     string `json:"transport"`
				AllowInsecure bool   `json:"allowInsecure"`
			} `json:"ingress"`
			Secrets []struct {
				Name  string `json:"name"`
				Value string `json:"value"`
			} `json:"secrets"`
		} `json:"configuration"`
		Template azureTemplate `json:"template"`
	} `json:"properties"`
}

type azureTemplate struct {
	TerminationGracePeriodSeconds int `json:"terminationGracePeriodSeconds"`
	Containers                    []struct {
		Name  string `json:"name"`
		Image string `json:"image"`
		Env   []struct {
			Name      string `json:"name"`
			Value     string `json:"value"`
			SecretRef string `json:"secretRef"`
		} `json:"env"`
		Resources struct {
			CPU    float64 `json:"cpu"`
			Memory string  `json:"memory"`
		} `json:"resources"`
		Probes []struct {
			Type    string `json:"type"`
			HTTPGet struct {
				Path string `json:"path"`
				Port int    `json:"port"`
			} `json:"httpGet"`
			PeriodSeconds int `json:"periodSeconds"`
		} `json:"probes"`
	} `json:"containers"`
	Scale struct {
		MinReplicas     int         `json:"minReplicas"`
		MaxReplicas     int         `json:"maxReplicas"`
		PollingInterval int         `json:"pollingInterval"`
		CooldownPeriod  int         `json:"cooldownPeriod"`
		Rules           []azureRule `json:"rules"`
	} `json:"scale"`
}

type azureRule struct {
	Name string `json:"name"`
	HTTP *struct {
		Metadata map[string]string `json:"metadata"`
	} `json:"http"`
	Custom *struct {
		Type     string            `json:"type"`
		Metadata map[string]string `json:"metadata"`
		Auth     []struct {
			TriggerParameter string `json:"triggerParameter"`
			SecretRef        string `json:"secretRef"`
		} `json:"auth"`
	} `json:"custom"`
}

func readAzure(raw []byte) error {
	var a azureApp
	if err := strictYAML(raw, &a); err != nil {
		return err
	}
	c, t := a.Properties.Configuration, a.Properties.Template
	secrets := map[string]bool{"": true}
	for _, s := range c.Secrets {
		secrets[s.Name] = true
	}
	if c.Ingress != nil {
		if err := oneOf("transport", c.Ingress.Transport, "auto", "http", "http2", "tcp"); err != nil {
			return err
		}
	}
	if err := oneOf("activeRevisionsMode", c.ActiveRevisionsMode, "Single", "Multiple"); err != nil {
		return err
	}
	if t.TerminationGracePeriodSeconds < 1 || t.TerminationGracePeriodSeconds > 600 {
		return fmt.Errorf("terminationGracePeriodSeconds is %d, from 1 to 600", t.TerminationGracePeriodSeconds)
	}
	if t.Scale.MinReplicas < 1 || t.Scale.MaxReplicas < t.Scale.MinReplicas {
		return fmt.Errorf("from %d to %d replicas", t.Scale.MinReplicas, t.Scale.MaxReplicas)
	}
	if err := t.checkContainers(secrets); err != nil {
		return err
	}
	for _, r := range t.Scale.Rules {
		if err := r.check(secrets); err != nil {
			return fmt.Errorf("rule %s: %w", r.Name, err)
		}
	}
	return nil
}

func (t azureTemplate) checkContainers(secrets map[string]bool) error {
	for _, c := range t.Containers {
		// The consumption plan has 2 GiB for each CPU, and nothing else.
		if c.Resources.Memory != fmt.Sprintf("%gGi", 2*c.Resources.CPU) {
			return fmt.Errorf("%g CPU have %s", c.Resources.CPU, c.Resources.Memory)
		}
		for _, e := range c.Env {
			if !secrets[e.SecretRef] {
				return fmt.Errorf("%s: there is no secret %s", e.Name, e.SecretRef)
			}
		}
		for _, p := range c.Probes {
			if err := oneOf("probe", p.Type, "Liveness", "Readiness", "Startup"); err != nil {
				return err
			}
		}
	}
	return nil
}

func (r azureRule) check(secrets map[string]bool) error {
	if (r.HTTP == nil) == (r.Custom == nil) {
		return fmt.Errorf("it is neither http nor custom, or both")
	}
	if r.Custom == nil {
		return nil
	}
	for _, a := range r.Custom.Auth {
		if !secrets[a.SecretRef] {
			return fmt.Errorf("there is no secret %s", a.SecretRef)
		}
	}
	if err := oneOf("type", r.Custom.Type, "redis"); err != nil {
		return err
	}
	return checkRedisTrigger(r.Custom.Metadata)
}
