// Package check has the manifests of deploy read by what their platforms read them with, or with the platforms' own
// types: `make deploy-test`. It is a module of its own, so that none of that is in osp's.
//
//	compose                 compose-go, with its JSON schema
//	kubernetes              kustomize, strict decoding into k8s.io/api, the admission of pod security
//	kubernetes/keda         KEDA's types, and KEDA's own check of the formula
//	cloudrun                strict decoding into google.golang.org/api/run/v1
//	aws                     strict decoding into the SDK's inputs, and the SDK's check of required members
//	digitalocean            strict decoding into godo.AppSpec
//	systemd                 systemd-analyze verify, whose every word is an error
//	alerts, dashboards      Prometheus' rule files and PromQL, against the metrics that docs/operations.md lists
//	railway, fly, heroku,   no public parser or type can be had as a Go module: strict structs of our own, of the keys and
//	render, azure,          values that the platforms' references name
//	cloud-init
//
// Every manifest is also made wrong on purpose, and has to be refused.
package check
