package results

import "strings"

type stored struct {
	Version int `json:"version"`
}

func (t tx) audit(a args, version int, action, note string) error {
	return t.exec(`insert into "osp.manifest_audit" (schema, version, action, by, note) values (?, ?, ?, ?, nullif(?, ''))`,
		a.Schema, version, action, a.By, note)
}

func storeManifest(t tx, a args) (s stored, err error) {
	if err := checkService(t, a); err != nil {
		return s, err
	}
	if !strings.HasPrefix(string(a.Manifest), "{") {
		return s, refuse("manifest", "it is not an object")
	}
	_, err = t.one([]any{&s.Version}, `insert into "osp.manifests" (schema, version, manifest, created_by)
		select ?1, coalesce(max(version), 0) + 1, ?2, ?3 from "osp.manifests" where schema = ?1 returning version`,
		a.Schema, string(a.Manifest), a.By)
	if err != nil {
		return s, err
	}
	return s, t.audit(a, s.Version, "create", "")
}

func removeManifest(t tx, a args, s stored) error {
	return t.exec(`delete from "osp.manifests" where schema = ? and version = ?`, a.Schema, s.Version)
}

// activated tells what the version was before, and which version was active.
type activated struct {
	Version int    `json:"version"`
	Was     string `json:"was"`
	Earlier *int   `json:"earlier"`
}

func activateManifest(t tx, a args) (r activated, err error) {
	if err := checkService(t, a); err != nil {
		return r, err
	}
	found, err := t.one([]any{&r.Version, &r.Was}, `select version, status from "osp.manifests"
		where schema = ?1 and version = coalesce(?2, version) order by version desc limit 1`, a.Schema, a.Version)
	switch {
	case err != nil:
		return r, err
	case !found:
		return r, refuse("version", "the service has no such manifest")
	case r.Was == "locked":
		return r, refuse("version", "manifest %d is locked", r.Version)
	}
	var earlier int
	found, err = t.one([]any{&earlier}, `update "osp.manifests" set status = 'deprecated'
		where schema = ? and status = 'active' and version <> ? returning version`, a.Schema, r.Version)
	if err != nil {
		return r, err
	}
	if found {
		r.Earlier = &earlier
		if err := t.audit(a, earlier, "deprecate", ""); err != nil {
			return r, err
		}
	}
	if err := t.exec(`update "osp.manifests" set status = 'active' where schema = ? and version = ?`, a.Schema, r.Version); err != nil {
		return r, err
	}
	return r, t.audit(a, r.Version, "activate", "")
}

func deactivateManifest(t tx, a args, r activated) error {
	const note = "activation undone"
	n, err := t.change(`update "osp.manifests" set status = ?1
		where schema = ?2 and version = ?3 and status = 'active' and ?1 <> 'active'`, r.Was, a.Schema, r.Version)
	if err != nil || n == 0 { // none: somebody has moved on from it
		return err
	}
	if err := t.audit(a, r.Version, "update", note); err != nil || r.Earlier == nil {
		return err
	}
	n, err = t.change(`update "osp.manifests" set status = 'active'
		where schema = ? and version = ? and status = 'deprecated'`, a.Schema, *r.Earlier)
	if err != nil || n == 0 {
		return err
	}
	return t.audit(a, *r.Earlier, "activate", note)
}
