package activities

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"

	"github.com/osp-platform/osp/saga"
)

// manifestParams are a manifest to be stored as a new version, or a version to be activated, or both.
type manifestParams struct {
	Manifest json.RawMessage `json:"manifest"`
	Version  int             `json:"version"`
	Activate bool            `json:"activate"`
}

type manifestArgs struct {
	Schema   string          `json:"schema"`
	UserID   string          `json:"user_id"`
	By       string          `json:"by"`
	Manifest json.RawMessage `json:"manifest,omitempty"`
	Version  int             `json:"version,omitempty"`
}

// updateManifest stores a manifest, activates a version, or does both: two effects, each with a fence of its own.
func (a *Activities) updateManifest(ctx context.Context, c saga.Call, params json.RawMessage) (json.RawMessage, error) {
	given, err := decode[manifestParams](params)
	if string(given.Manifest) == "null" { // a value that a template stands for
		given.Manifest = nil
	}
	switch {
	case err != nil:
		return nil, err
	case (given.Manifest == nil) == (given.Version == 0):
		return nil, refuse("", "update_manifest takes either manifest, an object to store, or version, a number to activate")
	case given.Version < 0:
		return nil, refuse("/version", "%d is no version: they count from 1", given.Version)
	}
	args := manifestArgs{Schema: c.Task.Service, UserID: c.Task.Owner, By: cmp.Or(c.Task.By, c.Task.Owner), Manifest: given.Manifest}
	if given.Version > 0 {
		args.Version = given.Version
		return a.effect(ctx, fence(c).Part("activate"), "manifest.activate", args)
	}
	out, err := a.effect(ctx, fence(c).Part("store"), "manifest.store", args)
	if err != nil || !given.Activate {
		return out, err
	}
	var stored struct {
		Version int `json:"version"`
	}
	if err := json.Unmarshal(out, &stored); err != nil {
		return nil, fmt.Errorf("decode the stored version: %w", err)
	}
	args.Manifest, args.Version = nil, stored.Version
	return a.effect(ctx, fence(c).Part("activate"), "manifest.activate", args)
}
