package tasks

import "encoding/json"

// manifest is the one given, or one that says what the entities are.
func (s *service) manifest(schema string) json.RawMessage {
	if len(s.Manifest) > 0 {
		return s.Manifest
	}
	made, err := json.Marshal(struct {
		Name      string   `json:"name"`
		Schema    string   `json:"service_schema"`
		Entities  []entity `json:"entities"`
		Workflows []string `json:"workflows"`
	}{s.Name, schema, s.Entities, []string{}})
	if err != nil {
		return nil // strings and maps of strings always marshal
	}
	return made
}
