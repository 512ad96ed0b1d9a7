package check

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	apps "k8s.io/api/apps/v1"
	autoscaling "k8s.io/api/autoscaling/v2"
	batch "k8s.io/api/batch/v1"
	core "k8s.io/api/core/v1"
	disruption "k8s.io/api/policy/v1"
	meta "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	admission "k8s.io/pod-security-admission/api"
	"k8s.io/pod-security-admission/policy"
	"sigs.k8s.io/kustomize/api/krusty"
	"sigs.k8s.io/kustomize/kyaml/filesys"

	keda "github.com/kedacore/keda/v2/apis/keda/v1alpha1"
)

// build is `kubectl apply -k`, but for the cluster.
func build(root, overlay string) ([]any, error) {
	built, err := krusty.MakeKustomizer(krusty.MakeDefaultOptions()).Run(filesys.MakeFsOnDisk(), filepath.Join(root, overlay))
	if err != nil {
		return nil, err
	}
	raw, err := built.AsYaml()
	if err != nil {
		return nil, err
	}
	return decodeKubernetes(raw)
}

func TestOverlaysAreBuilt(t *testing.T) {
	for _, overlay := range []string{"hpa", "keda"} {
		objects, err := build("../kubernetes", overlay)
		if err != nil {
			t.Errorf("%s: %v", overlay, err)
			continue
		}
		for _, wrong := range inspect(t, objects) {
			t.Errorf("%s: %s", overlay, wrong)
		}
	}
}

// inspect tells what does not fit together in what is applied.
func inspect(t *testing.T, objects []any) (wrong []string) {
	t.Helper()
	deployed := map[string]labels.Set{} // the labels of each deployment's pods
	scaled := map[string]bool{}
	for _, object := range objects {
		switch o := object.(type) {
		case *apps.Deployment:
			deployed[o.Name] = o.Spec.Template.Labels
			wrong = append(wrong, restricted(t, o.Name, o.Spec.Template)...)
			if image := o.Spec.Template.Spec.Containers[0].Image; image != "ghcr.io/osp-platform/osp:VERSION" {
				wrong = append(wrong, o.Name+" has the image "+image)
			}
		case *apps.StatefulSet:
			wrong = append(wrong, restricted(t, o.Name, o.Spec.Template)...)
		case *autoscaling.HorizontalPodAutoscaler:
			scaled[o.Spec.ScaleTargetRef.Name] = true
		case *keda.ScaledObject:
			scaled[o.Spec.ScaleTargetRef.Name] = true
		case *core.Namespace:
			continue
		}
		if in := object.(meta.Object).GetNamespace(); in != "osp" {
			wrong = append(wrong, object.(meta.Object).GetName()+" is in the namespace "+in)
		}
	}
	for name := range deployed {
		if !scaled[name] {
			wrong = append(wrong, name+" is scaled by nobody")
		}
	}
	for name := range scaled {
		if deployed[name] == nil {
			wrong = append(wrong, name+" is scaled and is not there")
		}
	}
	return append(wrong, unguarded(objects, deployed)...)
}

// unguarded are deployments without a disruption budget that is theirs.
func unguarded(objects []any, deployed map[string]labels.Set) (wrong []string) {
	for name, pods := range deployed {
		guarded := false
		for _, object := range objects {
			if b, ok := object.(*disruption.PodDisruptionBudget); ok {
				selector, err := meta.LabelSelectorAsSelector(b.Spec.Selector)
				guarded = guarded || err == nil && selector.Matches(pods)
			}
		}
		if !guarded {
			wrong = append(wrong, name+" has no disruption budget")
		}
	}
	return wrong
}

// restricted is what the admission of the level restricted says of a pod.
func restricted(t *testing.T, name string, pod core.PodTemplateSpec) (wrong []string) {
	t.Helper()
	evaluator, err := policy.NewEvaluator(policy.DefaultChecks(), nil)
	if err != nil {
		t.Fatal(err)
	}
	level := admission.LevelVersion{Level: admission.LevelRestricted, Version: admission.LatestVersion()}
	for _, result := range evaluator.EvaluatePod(level, &pod.ObjectMeta, &pod.Spec) {
		if !result.Allowed {
			wrong = append(wrong, name+": "+result.ForbiddenReason+" "+result.ForbiddenDetail)
		}
	}
	return wrong
}

func TestTheMigrationIsRestrictedToo(t *testing.T) {
	objects, err := decodeKubernetes(source(t, "kubernetes/migrate.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	for _, wrong := range restricted(t, "migrate", objects[0].(*batch.Job).Spec.Template) {
		t.Error(wrong)
	}
}

func TestOverlaysThatAreWrongAreNoticed(t *testing.T) {
	for _, c := range []struct{ what, file, from, to string }{
		{"a resource that is not there", "base/kustomization.yaml", "  - network.yaml", "  - networks.yaml"},
		{"a key that kustomize does not know", "base/kustomization.yaml", "resources:", "resource:"},
		{"an image without a tag", "base/kustomization.yaml", "ghcr.io/osp-platform/osp", "ghcr.io/osp-platform/posp"},
		{"no namespace", "hpa/kustomization.yaml", "namespace: osp", "namespace: default"},
		{"a base that is not there", "hpa/kustomization.yaml", "../base", "../bass"},
		{"a target that is not there", "hpa/worker.yaml", "name: osp-worker}", "name: osp-workers}"},
		{"a budget of others", "base/disruption.yaml", "component: worker}", "component: workers}"},
		{"a pod that may become root", "base/worker.yaml", "runAsNonRoot: true", "runAsNonRoot: false"},
		{"a pod with capabilities", "base/api.yaml", "drop: [ALL]", "drop: [NET_RAW]"},
		{"a pod that may escalate", "redis/redis.yaml", "allowPrivilegeEscalation: false", "allowPrivilegeEscalation: true"},
		{"no profile for system calls", "redis/redis.yaml", "RuntimeDefault", "Unconfined"},
	} {
		root := t.TempDir()
		if err := os.CopyFS(root, os.DirFS("../kubernetes")); err != nil {
			t.Fatal(err)
		}
		file := filepath.Join(root, c.file)
		raw, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		spoilt := strings.Replace(string(raw), c.from, c.to, 1)
		if err := os.WriteFile(file, []byte(spoilt), 0o600); err != nil || spoilt == string(raw) {
			t.Fatalf("%s: %s has no %q: %v", c.what, c.file, c.from, err)
		}
		if objects, err := build(root, "hpa"); err == nil && inspect(t, objects) == nil {
			t.Errorf("%s went unnoticed", c.what)
		}
	}
}
