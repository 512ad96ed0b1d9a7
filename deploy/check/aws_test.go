package check

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecs"
	"github.com/aws/aws-sdk-go-v2/service/ecs/types"
)

var awsFiles = []manifest{
	{"aws/task-api.json", readTask, task},
	{"aws/task-worker.json", readTask, task},
	{"aws/service-worker.json", readECSService, []string{
		"desiredCount", "count", `"desiredCount": 2`, `"desiredCount": "2"`, `"serviceName": "osp-worker",`, "", "FARGATE", "FARGET",
	}},
	{"aws/express-api.json", readExpress, []string{
		"healthCheckPath", "healthPath", "minTaskCount", "minCount", "AVERAGE_CPU", "AVERAGE_BACKLOG", "\"containerPort\": 8080", "\"containerPort\": \"http\"",
		`"infrastructureRoleArn": "arn:aws:iam::ACCOUNT:role/ecsInfrastructureRoleForExpressServices",`, "",
	}},
}

var task = []string{
	"stopTimeout", "stopTime", `"stopTimeout": 30`, `"stopTimeout": "30"`, `"stopTimeout": 30`, `"stopTimeout": 121`,
	"readonlyRootFilesystem", "readonlyFilesystem", `"valueFrom": "arn:aws:ssm:REGION:ACCOUNT:parameter/osp/REDIS_URL"`, `"value": "redis://"`,
	`"networkMode": "awsvpc"`, `"networkMode": "vpc"`, `"cpuArchitecture": "ARM64"`, `"cpuArchitecture": "arm"`,
}

// client is the SDK's, before a service that takes everything: what it refuses, it refuses itself.
func client() *ecs.Client {
	return ecs.New(ecs.Options{Region: "eu-central-1", Credentials: aws.AnonymousCredentials{}, HTTPClient: everything{}})
}

type everything struct{}

func (everything) Do(*http.Request) (*http.Response, error) {
	return &http.Response{
		StatusCode: http.StatusOK, Header: http.Header{"Content-Type": {"application/x-amz-json-1.1"}}, Body: io.NopCloser(strings.NewReader("{}")),
	}, nil
}

func readTask(raw []byte) error {
	var in ecs.RegisterTaskDefinitionInput
	if err := strictJSON(raw, &in); err != nil {
		return err
	}
	if !slices.Contains(in.NetworkMode.Values(), in.NetworkMode) {
		return fmt.Errorf("there is no network mode %s", in.NetworkMode)
	}
	if a := in.RuntimePlatform.CpuArchitecture; !slices.Contains(a.Values(), a) {
		return fmt.Errorf("there is no architecture %s", a)
	}
	for _, c := range in.ContainerDefinitions {
		if c.StopTimeout == nil || *c.StopTimeout < 2 || *c.StopTimeout > 120 {
			return fmt.Errorf("Fargate takes a stopTimeout from 2 to 120")
		}
	}
	_, err := client().RegisterTaskDefinition(context.Background(), &in)
	return err
}

func readECSService(raw []byte) error {
	var in ecs.CreateServiceInput
	if err := strictJSON(raw, &in); err != nil {
		return err
	}
	if !slices.Contains(types.LaunchType("").Values(), in.LaunchType) {
		return fmt.Errorf("there is no launch type %s", in.LaunchType)
	}
	_, err := client().CreateService(context.Background(), &in)
	return err
}

func readExpress(raw []byte) error {
	var in ecs.CreateExpressGatewayServiceInput
	if err := strictJSON(raw, &in); err != nil {
		return err
	}
	if m := in.ScalingTarget.AutoScalingMetric; !slices.Contains(m.Values(), m) {
		return fmt.Errorf("there is no metric %s", m)
	}
	_, err := client().CreateExpressGatewayService(context.Background(), &in)
	return err
}
