package check

import (
	"errors"
	"fmt"
	"maps"
	"net"
	"regexp"
	"slices"
	"strconv"

	keda "github.com/kedacore/keda/v2/apis/keda/v1alpha1"
)

// redisTrigger are the members of a trigger's metadata that https://keda.sh/docs/latest/scalers/redis-lists/ names. KEDA's
// types take any: its scaler looks at them when it runs.
var redisTrigger = []string{"address", "databaseIndex", "enableTLS", "listLength", "listName"}

var operand = regexp.MustCompile(`[a-z_]+`)

func checkScaled(s *keda.ScaledObject) error {
	// KEDA takes a name that no trigger has for a zero, and a trigger that is not named for nothing.
	named, triggers := operand.FindAllString(s.Spec.Advanced.ScalingModifiers.Formula, -1), []string{}
	for _, trigger := range s.Spec.Triggers {
		triggers = append(triggers, trigger.Name)
	}
	slices.Sort(named)
	slices.Sort(triggers)
	if !slices.Equal(named, triggers) {
		return fmt.Errorf("the formula is of %v, the triggers are %v", named, triggers)
	}
	if _, err := keda.ValidateAndCompileScalingModifiers(s); err != nil {
		return fmt.Errorf("scaling modifiers: %w", err)
	}
	if err := keda.CheckReplicaCountBoundsAreValid(s); err != nil {
		return err
	}
	if err := keda.CheckFallbackValid(s); err != nil {
		return err
	}
	if err := keda.ValidateTriggers(s.Spec.Triggers); err != nil {
		return err
	}
	for _, trigger := range s.Spec.Triggers {
		if trigger.Type != "redis" {
			return fmt.Errorf("trigger %s is of type %s", trigger.Name, trigger.Type)
		}
		if err := checkRedisTrigger(trigger.Metadata); err != nil {
			return fmt.Errorf("trigger %s: %w", trigger.Name, err)
		}
	}
	return nil
}

func checkRedisTrigger(metadata map[string]string) error {
	for _, name := range slices.Sorted(maps.Keys(metadata)) {
		if !slices.Contains(redisTrigger, name) {
			return fmt.Errorf("there is no %s", name)
		}
	}
	// A URL would be taken for a host's name.
	if host, port, err := net.SplitHostPort(metadata["address"]); err != nil || host == "" || slices.Contains([]byte(host), '/') || !isNumber(port) {
		return fmt.Errorf("the address %q is not host:port", metadata["address"])
	}
	if metadata["listName"] == "" || !isNumber(metadata["listLength"]) {
		return errors.New("listName and listLength are needed")
	}
	return nil
}

func isNumber(s string) bool {
	_, err := strconv.Atoi(s)
	return err == nil
}
