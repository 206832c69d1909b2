// Package check reads contrib's manifests and dashboard as those read them that they are for. It is a module of its
// own, so that pumpd depends on none of that: cd contrib/check && go test, or make contrib.
package check

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	apps "k8s.io/api/apps/v1"
	core "k8s.io/api/core/v1"
	networking "k8s.io/api/networking/v1"
	policy "k8s.io/api/policy/v1"
	meta "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"sigs.k8s.io/kustomize/api/krusty"
	"sigs.k8s.io/kustomize/kyaml/filesys"
	"sigs.k8s.io/yaml"
)

// A cluster is what kubectl apply -k would send.
type cluster struct {
	services []core.Service
	pods     []pods
	configs  map[string]core.ConfigMap
	policies []networking.NetworkPolicy
	budgets  []policy.PodDisruptionBudget
}

// pods are what a Deployment or a StatefulSet makes.
type pods struct {
	name     string
	selector *meta.LabelSelector
	core.PodTemplateSpec
}

// build has kustomize make the manifests and decodes each strictly into its type.
func build(t *testing.T) cluster {
	t.Helper()
	made, err := krusty.MakeKustomizer(krusty.MakeDefaultOptions()).Run(filesys.MakeFsOnDisk(), "../kubernetes")
	if err != nil {
		t.Fatal(err)
	}
	c := cluster{configs: map[string]core.ConfigMap{}}
	for _, r := range made.Resources() {
		text, err := r.AsYAML()
		if err != nil {
			t.Fatal(err)
		}
		if r.GetNamespace() != "pumpd" {
			t.Errorf("%s: namespace %q", r.CurId(), r.GetNamespace())
		}
		if err := c.add(r.GetApiVersion()+" "+r.GetKind(), text); err != nil {
			t.Errorf("%s: %v", r.CurId(), err)
		}
	}
	return c
}

func (c *cluster) add(kind string, text []byte) error {
	switch kind {
	case "v1 Service":
		return into(&c.services, text)
	case "v1 ConfigMap":
		var m core.ConfigMap
		err := yaml.UnmarshalStrict(text, &m)
		c.configs[m.Name] = m
		return err
	case "networking.k8s.io/v1 NetworkPolicy":
		return into(&c.policies, text)
	case "policy/v1 PodDisruptionBudget":
		return into(&c.budgets, text)
	case "apps/v1 Deployment":
		var d apps.Deployment
		err := yaml.UnmarshalStrict(text, &d)
		c.pods = append(c.pods, pods{d.Name, d.Spec.Selector, d.Spec.Template})
		return err
	case "apps/v1 StatefulSet":
		var s apps.StatefulSet
		err := yaml.UnmarshalStrict(text, &s)
		c.pods = append(c.pods, pods{s.Name, s.Spec.Selector, s.Spec.Template})
		return err
	}
	return fmt.Errorf("%s is of no kind that is known here", kind)
}

func into[T any](list *[]T, text []byte) error {
	var one T
	err := yaml.UnmarshalStrict(text, &one)
	*list = append(*list, one)
	return err
}

// selected are the pods that a selector is for.
func (c *cluster) selected(t *testing.T, by *meta.LabelSelector) (list []pods) {
	t.Helper()
	s, err := meta.LabelSelectorAsSelector(by)
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range c.pods {
		if s.Matches(labels.Set(p.Labels)) {
			list = append(list, p)
		}
	}
	return list
}

// has says whether a pod has a port of that name.
func (p *pods) has(port string) bool {
	return slices.ContainsFunc(p.Spec.Containers[0].Ports, func(c core.ContainerPort) bool { return c.Name == port })
}

func TestKubernetes(t *testing.T) {
	c := build(t)
	if len(c.pods) != 2 || len(c.services) != 3 || len(c.configs) != 2 || len(c.policies) != 1 || len(c.budgets) != 1 {
		t.Fatalf("%d kinds of pods, %d services, %d ConfigMaps, %d policies, %d budgets; want 2, 3, 2, 1, 1", len(c.pods),
			len(c.services), len(c.configs), len(c.policies), len(c.budgets))
	}
	for _, p := range c.pods {
		c.checkPods(t, p)
	}
	for _, s := range c.services {
		to := c.selected(t, &meta.LabelSelector{MatchLabels: s.Spec.Selector})
		if len(to) != 1 {
			t.Fatalf("service %s selects %d kinds of pods, want 1", s.Name, len(to))
		}
		for _, port := range s.Spec.Ports {
			if !to[0].has(port.TargetPort.String()) {
				t.Errorf("service %s: %s has no port %s", s.Name, to[0].name, port.TargetPort.String())
			}
		}
	}
	for _, n := range c.policies {
		if got := len(c.selected(t, &n.Spec.PodSelector)); got != len(c.pods) {
			t.Errorf("policy %s is for %d of %d kinds of pods", n.Name, got, len(c.pods))
		}
		for _, rule := range n.Spec.Ingress {
			for _, port := range rule.Ports {
				if !c.pods[0].has(port.Port.String()) {
					t.Errorf("policy %s: there is no port %s", n.Name, port.Port.String())
				}
			}
		}
	}
	for _, b := range c.budgets {
		if len(c.selected(t, b.Spec.Selector)) != 1 {
			t.Errorf("budget %s selects nothing", b.Name)
		}
	}
}

// checkPods looks at what the parts of a pod say of each other.
func (c *cluster) checkPods(t *testing.T, p pods) {
	t.Helper()
	if got := c.selected(t, p.selector); len(got) != 1 || got[0].name != p.name {
		t.Errorf("%s does not select its own pods alone", p.name)
	}
	k := p.Spec.Containers[0]
	for _, probe := range []*core.Probe{k.LivenessProbe, k.ReadinessProbe} {
		if !p.has(probe.HTTPGet.Port.String()) {
			t.Errorf("%s: a probe asks port %s, which it has not", p.name, probe.HTTPGet.Port.String())
		}
	}
	config := c.configs[p.Spec.Volumes[0].ConfigMap.Name].Data["pump.toml"]
	if k.VolumeMounts[0].Name != p.Spec.Volumes[0].Name || k.VolumeMounts[0].MountPath != "/etc/pumpd" || config == "" {
		t.Errorf("%s has no /etc/pumpd/pump.toml", p.name)
	}
	for _, variable := range k.Env {
		if !strings.Contains(config, "env:"+variable.Name+`"`) {
			t.Errorf("%s: nothing in its configuration wants %s", p.name, variable.Name)
		}
	}
	for _, port := range k.Ports {
		if !strings.Contains(config, fmt.Sprintf(":%d", port.ContainerPort)) {
			t.Errorf("%s: its configuration does not have port %d", p.name, port.ContainerPort)
		}
	}
}
