package settings

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"firehose-pipeline/internal/testkit/casefile"
)

const schemaPath = "../settings.schema.json"

func TestSchemaIsInTheProject(t *testing.T) {
	if *update {
		if err := os.WriteFile(schemaPath, Schema(), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if text, err := os.ReadFile(schemaPath); err != nil || !bytes.Equal(text, Schema()) {
		t.Errorf("%s: must be what settings/table.go says: make update writes it (%v)", schemaPath, err)
	}
}

func compileSchema(t testing.TB) *jsonschema.Schema {
	t.Helper()
	document, err := jsonschema.UnmarshalJSON(bytes.NewReader(Schema()))
	if err != nil {
		t.Fatal(err)
	}
	compiler := jsonschema.NewCompiler()
	if err := compiler.AddResource("settings.schema.json", document); err != nil {
		t.Fatal(err)
	}
	compiled, err := compiler.Compile("settings.schema.json")
	if err != nil {
		t.Fatal(err)
	}
	return compiled
}

// checkSchema reports whether the schema accepts a context as one of cdk.json.
func checkSchema(t testing.TB, compiled *jsonschema.Schema, context []byte) error {
	t.Helper()
	document, err := jsonschema.UnmarshalJSON(strings.NewReader(`{"context": ` + string(context) + `}`))
	if err != nil {
		t.Fatal(err)
	}
	return compiled.Validate(document)
}

// The schema accepts every context of the cases that Load accepts, and rejects every value that has a wrong type or
// form. Load alone knows the rules between settings, ranges of numbers in quotes, and keys that are given twice.
func TestSchemaAgreesWithLoad(t *testing.T) {
	compiled := compileSchema(t)
	files, err := casefile.Read(cases)
	if err != nil {
		t.Fatal(err)
	}
	accepted, rejected := 0, 0
	for _, c := range files {
		if len(c.Env) > 0 || !json.Valid(c.Context) {
			continue
		}
		err := checkSchema(t, compiled, c.Context)
		if len(c.Errors) == 0 {
			accepted++
			if err != nil {
				t.Errorf("%s: the schema must accept it: %v", c.Name, err)
			}
			continue
		}
		if err != nil {
			rejected++
		} else if !strings.Contains(onlyLoadKnows, " "+c.Name+" ") {
			t.Errorf("%s: the schema must reject it: %v", c.Name, c.Errors)
		}
		if err != nil && strings.Contains(onlyLoadKnows, " "+c.Name+" ") {
			t.Errorf("%s: the schema rejects it, too", c.Name)
		}
	}
	if accepted < 30 || rejected < 90 {
		t.Errorf("the cases must have 30 contexts to accept and 90 to reject (got %d, %d)", accepted, rejected)
	}
}

// onlyLoadKnows are the cases of errors that no schema of single values can see.
const onlyLoadKnows = ` 
 api-with-search 
 block-repeated block-rule buffer-interval-above buffer-size-exponent drop-event-types-blank 
 drop-event-types-too-long expire-before-glacier expire-before-infrequent glacier-too-soon 
 instance-type-local-disks instance-type-no-encryption instance-type-no-gp3 instance-type-size 
 instance-type-warm kinesis-without-transform master-type-data-only masters-graviton-mix masters-intel-mix masters-missing 
 mute-schedule-at mute-schedule-cron-both-days mute-schedule-cron-day-number mute-schedule-cron-fields 
 mute-schedule-cron-range mute-schedule-too-long mute-schedule-zone 
 or1-version or1-volume payload-m6g-large payload-t3 prefix-aws reader-roles-user repeated-key 
 retention-within-day retention-within-month several-rules shards-more-than-nodes-hold t3-nodes 
 t3-volume vpc-repeated vpc-subnets-empty vpc-subnets-too-few vpc-subnets-too-many vpc-text-not-json 
 vpc-zones-count vpc-zones-too-few zones-three-two-nodes zones-two-odd zones-two-one-node `

// Each default is a value that the schema accepts.
func TestSchemaAcceptsDefaults(t *testing.T) {
	compiled := compileSchema(t)
	for _, environment := range Environments() {
		context := map[string]json.RawMessage{"environment": json.RawMessage(`"` + environment + `"`)}
		for _, s := range List() {
			if s.Key != "environment" {
				context[s.Key] = json.RawMessage(s.Defaults[environment])
			}
		}
		text, err := json.Marshal(context)
		if err != nil {
			t.Fatal(err)
		}
		if err := checkSchema(t, compiled, text); err != nil {
			t.Errorf("%s: %v", environment, err)
		}
	}
}

// cdk.json and the examples are right by the schema, and Load accepts them.
func TestExamples(t *testing.T) {
	compiled := compileSchema(t)
	paths, err := filepath.Glob("../examples/*.json")
	if err != nil {
		t.Fatal(err)
	}
	if len(paths) < 5 {
		t.Errorf("examples: must be 5 (got %d)", len(paths))
	}
	var project struct{ App, Watch json.RawMessage }
	readJSON(t, "../cdk.json", &project)
	for _, path := range append(paths, "../cdk.json") {
		t.Run(filepath.Base(path), func(t *testing.T) {
			text, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			document, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
			if err != nil {
				t.Fatal(err)
			}
			if err := compiled.Validate(document); err != nil {
				t.Error(err)
			}
			var example struct {
				Schema     string `json:"$schema"`
				App, Watch json.RawMessage
				Context    json.RawMessage
			}
			readJSON(t, path, &example)
			// Copied over cdk.json, an example has to run what cdk.json runs.
			if example.Schema != "./settings.schema.json" || string(example.App) != string(project.App) ||
				string(compact(t, example.Watch)) != string(compact(t, project.Watch)) {
				t.Error("must name the schema, and have the app and the watched files of cdk.json")
			}
			for _, environment := range Environments() {
				s, _, err := Load(example.Context, func(name string) (string, bool) { return environment, name == "ENVIRONMENT" })
				if err != nil {
					t.Errorf("in %s: %v", environment, err)
				} else if s.Environment != environment {
					t.Errorf("must be of %s (got %s)", environment, s.Environment)
				}
			}
		})
	}
}

func readJSON(t *testing.T, path string, to any) {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(text, to); err != nil {
		t.Fatalf("%s: %v", path, err)
	}
}

// Whatever Load accepts without environment variables, the schema accepts.
func FuzzSchema(f *testing.F) {
	files, err := casefile.Read(cases)
	if err != nil {
		f.Fatal(err)
	}
	for _, c := range files {
		f.Add(c.Context)
	}
	compiled := compileSchema(f)
	f.Fuzz(func(t *testing.T, context []byte) {
		if _, _, err := Load(context, none); err != nil || len(bytes.TrimSpace(context)) == 0 {
			return
		}
		if err := checkSchema(t, compiled, context); err != nil {
			t.Errorf("Load accepts it: %v", err)
		}
	})
}
