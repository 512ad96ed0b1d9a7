package check

import (
	"bytes"
	"fmt"

	keda "github.com/kedacore/keda/v2/apis/keda/v1alpha1"
	apps "k8s.io/api/apps/v1"
	autoscaling "k8s.io/api/autoscaling/v2"
	batch "k8s.io/api/batch/v1"
	core "k8s.io/api/core/v1"
	networking "k8s.io/api/networking/v1"
	disruption "k8s.io/api/policy/v1"
	"sigs.k8s.io/yaml"
)

var kubernetesFiles = []manifest{
	{"kubernetes/base/namespace.yaml", readKubernetes, []string{"kind: Namespace", "kind: Namespaze", "automountServiceAccountToken", "automountToken"}},
	{"kubernetes/base/api.yaml", readKubernetes, pods},
	{"kubernetes/base/worker.yaml", readKubernetes, pods},
	{"kubernetes/base/disruption.yaml", readKubernetes, []string{"maxUnavailable", "maxUnavail"}},
	{"kubernetes/base/network.yaml", readKubernetes, []string{"policyTypes: [Ingress, Egress]", "policyTypes: Ingress", "egress:", "outgress:"}},
	{"kubernetes/redis/redis.yaml", readKubernetes, []string{"serviceName: redis", "service: redis", "replicas: 1", "replicas: one"}},
	{"kubernetes/hpa/api.yaml", readKubernetes, []string{"averageUtilization: 70", "averageUtilization: 70%"}},
	{"kubernetes/hpa/worker.yaml", readKubernetes, []string{"autoscaling/v2", "autoscaling/v1", "stabilizationWindowSeconds", "stabilisationWindowSeconds"}},
	{"kubernetes/keda/api.yaml", readKubernetes, []string{"averageUtilization: 70", "averageUtilization: 70%"}},
	{"kubernetes/keda/worker.yaml", readKubernetes, []string{
		"secretTargetRef", "secretRef",
		"minReplicaCount: 1", "minReplicas: 1",
		"maxReplicaCount: 10", "maxReplicaCount: 0",
		"high_pending + high_active", "highest_pending + high_active",
		"high_pending + high_active", "high_pending + (high_active",
		"target: \"64\"", "target: \"many\"",
		"name: low_active", "name: low_pending",
		"metadata: {address: \"redis.osp.svc:6379\", listName: \"asynq:{low}:active\"", "metadata: {address: \"redis://redis.osp.svc:6379\", listName: \"asynq:{low}:active\"",
		"metadata: {address: \"redis.osp.svc:6379\", listName: \"asynq:{low}:active\"", "metadata: {address: \"redis.osp.svc:6379\", list: \"asynq:{low}:active\"",
	}},
	{"kubernetes/migrate.yaml", readKubernetes, []string{"backoffLimit: 4", "retries: 4", "batch/v1", "batch/v2"}},
}

var pods = []string{
	"readinessProbe", "readynessProbe",
	"terminationGracePeriodSeconds: 30", "terminationGracePeriodSeconds: 30s",
	"allowPrivilegeEscalation", "privilegeEscalation",
	"memory: 256Mi", "memory: 256 MiB",
	"maxSkew: 1, topologyKey", "maxSkew: 1, key",
}

// kinds are what a manifest may hold.
var kinds = map[string]func() any{
	"v1 Namespace":                           func() any { return &core.Namespace{} },
	"v1 Service":                             func() any { return &core.Service{} },
	"v1 ServiceAccount":                      func() any { return &core.ServiceAccount{} },
	"apps/v1 Deployment":                     func() any { return &apps.Deployment{} },
	"apps/v1 StatefulSet":                    func() any { return &apps.StatefulSet{} },
	"batch/v1 Job":                           func() any { return &batch.Job{} },
	"policy/v1 PodDisruptionBudget":          func() any { return &disruption.PodDisruptionBudget{} },
	"networking.k8s.io/v1 NetworkPolicy":     func() any { return &networking.NetworkPolicy{} },
	"autoscaling/v2 HorizontalPodAutoscaler": func() any { return &autoscaling.HorizontalPodAutoscaler{} },
	"keda.sh/v1alpha1 ScaledObject":          func() any { return &keda.ScaledObject{} },
	"keda.sh/v1alpha1 TriggerAuthentication": func() any { return &keda.TriggerAuthentication{} },
}

func readKubernetes(raw []byte) error {
	_, err := decodeKubernetes(raw)
	return err
}

// decodeKubernetes decodes all documents strictly into the types of their kinds.
func decodeKubernetes(raw []byte) (objects []any, err error) {
	for _, doc := range bytes.Split(raw, []byte("\n---\n")) {
		var head struct{ APIVersion, Kind string }
		if err := yaml.Unmarshal(doc, &head); err != nil {
			return nil, err
		}
		make_ := kinds[head.APIVersion+" "+head.Kind]
		if make_ == nil {
			return nil, fmt.Errorf("there is no %s %s", head.APIVersion, head.Kind)
		}
		object := make_()
		if err := strictYAML(doc, object); err != nil {
			return nil, err
		}
		if scaled, ok := object.(*keda.ScaledObject); ok {
			if err := checkScaled(scaled); err != nil {
				return nil, err
			}
		}
		objects = append(objects, object)
	}
	return objects, nil
}
