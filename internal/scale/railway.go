package scale

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
)

// railway sets the replicas of a service, by the public GraphQL API: https://docs.railway.com/reference/public-api and
// https://docs.railway.com/guides/manage-services. A number of replicas holds from the next deployment on, so one is
// made: Railway starts the new replicas before it stops the old ones, and those park what they have.
type railway struct {
	api     caller
	service map[string]any // the variables that name it
}

func newRailway(s Settings, service, environment string) railway {
	// A token of the project is all that is needed. It has a header of its own.
	api := caller{cmp.Or(s.BaseURL, "https://backboard.railway.com"), s.Client, http.Header{"Project-Access-Token": {s.Token}}}
	return railway{api, map[string]any{"service": service, "environment": environment}}
}

const (
	railwayReads = `query ($service: String!, $environment: String!) {
  serviceInstance(serviceId: $service, environmentId: $environment) { numReplicas }
}`
	railwaySets = `mutation ($service: String!, $environment: String!, $input: ServiceInstanceUpdateInput!) {
  serviceInstanceUpdate(serviceId: $service, environmentId: $environment, input: $input)
}`
	railwayDeploys = `mutation ($service: String!, $environment: String!) {
  serviceInstanceDeployV2(serviceId: $service, environmentId: $environment)
}`
)

// Workers implements [Driver].
func (r railway) Workers(ctx context.Context) (int, error) {
	var data struct {
		Instance *struct {
			Replicas *int `json:"numReplicas"`
		} `json:"serviceInstance"`
	}
	err := r.ask(ctx, railwayReads, nil, &data)
	switch {
	case err != nil:
		return 0, err
	case data.Instance == nil:
		return 0, errors.New("railway's answer has no service")
	case data.Instance.Replicas == nil:
		return 1, nil // nobody has set it: Railway runs one
	}
	return *data.Instance.Replicas, nil
}

// SetWorkers implements [Driver].
func (r railway) SetWorkers(ctx context.Context, n int) error {
	if err := r.ask(ctx, railwaySets, map[string]any{"input": map[string]any{"numReplicas": n}}, &struct{}{}); err != nil {
		return err
	}
	return r.ask(ctx, railwayDeploys, nil, &struct{}{})
}

// ask sends one query. GraphQL answers with 200 and a list of errors where something is wrong.
func (r railway) ask(ctx context.Context, query string, more map[string]any, data any) error {
	variables := map[string]any{}
	for _, set := range []map[string]any{r.service, more} {
		maps.Copy(variables, set)
	}
	answer := struct {
		Data   json.RawMessage `json:"data"`
		Errors []struct {
			Message string `json:"message"`
		} `json:"errors"`
	}{}
	err := r.api.call(ctx, http.MethodPost, "/graphql/v2", map[string]any{"query": query, "variables": variables}, &answer)
	switch {
	case err != nil:
		return err
	case len(answer.Errors) > 0:
		return fmt.Errorf("railway refuses: %s", answer.Errors[0].Message)
	case answer.Data == nil:
		return errors.New("railway's answer has no data")
	}
	return json.Unmarshal(answer.Data, data)
}
