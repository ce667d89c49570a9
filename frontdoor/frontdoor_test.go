package frontdoor_test

import (
	"encoding/json"
	"strings"
	"testing"

	"firehose-pipeline/frontdoor"
	"firehose-pipeline/internal/testkit/shopschema"
	"firehose-pipeline/local/apigateway/vtl"
	"firehose-pipeline/schema"
)

// Every template is in the subset that all versions of Velocity render alike, and names the stream.
func TestTemplatesAreInTheSubset(t *testing.T) {
	for _, service := range []frontdoor.Service{frontdoor.Kinesis, frontdoor.Firehose} {
		templates := service.ReadTemplates("a-stream")
		texts := map[string]string{"accepted": templates.Accepted, "rejected": templates.Rejected, "failed": templates.Failed}
		for contentType, text := range templates.Requests {
			texts[contentType] = text
			if !strings.Contains(text, `"a-stream"`) {
				t.Errorf("%s, %s: must name the stream", service.Name, contentType)
			}
		}
		for name, text := range texts {
			if _, err := vtl.Parse(text); err != nil {
				t.Errorf("%s, %s: %v", service.Name, name, err)
			}
			if strings.Contains(text, "{{") {
				t.Errorf("%s, %s: has a placeholder left: %s", service.Name, name, text)
			}
		}
	}
}

func TestBuildModel(t *testing.T) {
	for name, c := range map[string]struct{ schema, want string }{
		"nothing required": {`{"type":"object","properties":{"a":{"type":"string"}}}`, `{}`},
		"members": {`{"type":"object","properties":{"a":{"type":"string"},"b":{"type":"integer"}},"required":["b","a"]}`,
			`{"required":["a","b"]}`},
		"objects and arrays": {`{"type":"object","required":["o"],"properties":{"o":{"type":"object","required":["i"],
			"properties":{"i":{"type":"string"}}},"l":{"type":"array","items":{"type":"object","required":["j"],
			"properties":{"j":{"type":"string"},"k":{"type":"string"}}}},"m":{"type":"object",
			"additionalProperties":{"type":"string"}}}}`,
			`{"properties":{"l":{"items":{"required":["j"]}},"o":{"required":["i"]}},"required":["o"]}`},
		"protected": {`{"type":"object","required":["p"],"properties":{"p":{"type":"string","x-protect":"drop"},
			"q":{"type":"string"}}}`, `{"required":["p"]}`},
	} {
		text := strings.TrimSuffix(c.schema, "}") + `,"x-enrich":[{"name":"processed_timestamp","processedAt":true}]}`
		parsed, problems := schema.Parse([]byte(text))
		if problems != nil {
			t.Fatalf("%s: %v", name, problems)
		}
		model := frontdoor.BuildModel(parsed)
		if model["type"] != "object" || model["$schema"] != "http://json-schema.org/draft-04/schema#" {
			t.Errorf("%s: must be an object of draft 4 (got %v)", name, model)
		}
		for _, key := range []string{"type", "$schema", "title"} {
			delete(model, key)
		}
		got, err := json.Marshal(model)
		if err != nil || string(got) != c.want {
			t.Errorf("%s: must be %s (got %s, %v)", name, c.want, got, err)
		}
	}
	if model := frontdoor.BuildModel(shopschema.Load()); model["required"] != nil {
		t.Errorf("an event of the shop has no required member (got %v)", model["required"])
	}
}
