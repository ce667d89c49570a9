package constructs_test

import (
	"testing"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/jsii-runtime-go"

	"firehose-pipeline/constructs"
	"firehose-pipeline/schema"
)

func TestMapNeedsFlatObject(t *testing.T) {
	for _, c := range []struct{ version, properties, want string }{
		{"2.5", `"labels":{"type":"object","additionalProperties":{"type":"string"}}`, "openSearchVersion: must be 2.7 or later, because " +
			`the event schema has a map, /labels (additionalProperties), which is a flat_object in the index (got "2.5")`},
		{"2.3", `"a":{"type":"array","items":{"type":"object","properties":{"m":{"type":"array","items":{"type":"object",
			"additionalProperties":{"type":"integer"}}}}}}`, "openSearchVersion: must be 2.7 or later, because the event schema has a map, " +
			`/a/*/m (additionalProperties), which is a flat_object in the index (got "2.3")`},
		{"2.7", `"labels":{"type":"object","additionalProperties":{"type":"string"}}`, ""},
		{"2.5", `"labels":{"type":"object","additionalProperties":{"type":"string"},"x-protect":"drop"}`, ""},
	} {
		t.Run(c.version+" "+c.properties, func(t *testing.T) {
			synthesis.Lock()
			defer synthesis.Unlock()
			events, err := schema.Parse([]byte(`{"type":"object","properties":{` + c.properties + `}}`))
			if err != nil {
				t.Fatal(err)
			}
			settings := load(t, variants["dev"])
			settings.OpenSearchVersion = c.version
			defer func() {
				if got := recover(); got != c.want && (got != nil || c.want != "") {
					t.Errorf("panic: must be %q (got %v)", c.want, got)
				}
			}()
			stack := awscdk.NewStack(awscdk.NewApp(nil), jsii.String("shop"), nil)
			constructs.NewPipeline(stack, "Events", constructs.PipelineProps{Settings: settings, Schema: events, Functions: stubFunctions()})
		})
	}
}
