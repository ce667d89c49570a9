package constructs_test

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/assertions"
	cdk "github.com/aws/constructs-go/constructs/v10"
	"github.com/aws/jsii-runtime-go"

	"firehose-pipeline/constructs"
	"firehose-pipeline/internal/testkit/shopschema"
	"firehose-pipeline/settings"
)

//lint:file-ignore SA1019 the annotations of the CDK have this type, and the other module has no Go binding here

func TestEnvironmentsDifferInWhatTheyKeep(t *testing.T) {
	dev, production := synth(t, variants["dev"]), synth(t, variants["production"])
	for _, kind := range []string{
		"AWS::S3::Bucket", "AWS::KMS::Key", "AWS::SQS::Queue", "AWS::OpenSearchService::Domain",
	} {
		for id, r := range dev.of(kind) {
			if r.DeletionPolicy != "Delete" {
				t.Errorf("dev %s: must go with the stack (got %s)", id, r.DeletionPolicy)
			}
		}
		for id, r := range production.of(kind) {
			if r.DeletionPolicy != "RetainExceptOnCreate" {
				t.Errorf("production %s: must be kept, but not by a failed first deploy (got %s)", id, r.DeletionPolicy)
			}
		}
	}
	for id, r := range production.Resources {
		if r.Type == "Custom::S3AutoDeleteObjects" {
			t.Errorf("production %s: must not empty the kept bucket", id)
		}
	}
}

// In dev nothing may outlive the stack: resources that the CDK or CloudFormation keeps by default are explicitly
// deleted.
func TestDevKeepsNothing(t *testing.T) {
	for id, r := range synth(t, variants["dev"]).Resources {
		if strings.HasPrefix(r.DeletionPolicy, "Retain") || strings.HasPrefix(r.DeletionPolicy, "Snapshot") {
			t.Errorf("%s (%s): must go with the stack (got %s)", id, r.Type, r.DeletionPolicy)
		}
	}
}

func TestTemplateIsEnvironmentAgnostic(t *testing.T) {
	everyVariant(t, func(t *testing.T, _ settings.Settings, template *template) {
		text, err := json.Marshal(template.Resources)
		if err != nil {
			t.Fatal(err)
		}
		for _, forbidden := range []string{"us-east-1", "eu-west-1", "AWS::CDK::Metadata"} {
			if strings.Contains(string(text), forbidden) {
				t.Errorf("template: must not contain %q", forbidden)
			}
		}
	})
}

// The pipeline in another app: another id, further down, in a stack of another name.
func TestEmbeddedPipelineKeepsTheNamesOfItsOutputs(t *testing.T) {
	synthesis.Lock()
	defer synthesis.Unlock()
	app := awscdk.NewApp(&awscdk.AppProps{AnalyticsReporting: jsii.Bool(false), Outdir: jsii.String(t.TempDir())})
	stack := awscdk.NewStack(app, jsii.String("shop"), nil)
	part := cdk.NewConstruct(stack, jsii.String("Analytics"))
	constructs.NewPipeline(part, "Events",
		constructs.PipelineProps{Settings: load(t, variants["dev"]), Schema: shopschema.Load(), Functions: stubFunctions()})
	embedded := parse(t, assertions.Template_FromStack(stack, nil))
	if got, expected := sortedKeys(embedded.Outputs), sortedKeys(synthUnlocked(t, variants["dev"]).Outputs); !slices.Equal(
		got, expected) {
		t.Errorf("outputs: must be\n%v\n(got\n%v)", expected, got)
	}
	for id, r := range embedded.Resources {
		ofCDK := strings.HasPrefix(id, "CustomS3AutoDelete")
		if !ofCDK && !strings.HasPrefix(id, "AnalyticsEvents") {
			t.Errorf("%s (%s): must be below the pipeline", id, r.Type)
		}
	}
}

// The CDK would end with a panic over two outputs of one name.
func TestSecondPipelineOfAStackIsAnError(t *testing.T) {
	synthesis.Lock()
	defer synthesis.Unlock()
	app := awscdk.NewApp(&awscdk.AppProps{AnalyticsReporting: jsii.Bool(false), Outdir: jsii.String(t.TempDir())})
	stack := awscdk.NewStack(app, jsii.String("shop"), nil)
	for _, name := range []string{"views", "orders"} {
		config := load(t, `{"resourcePrefix": "`+name+`", "enableOpenSearch": false}`)
		constructs.NewPipeline(stack, name, constructs.PipelineProps{Settings: config, Schema: shopschema.Load(), Functions: stubFunctions()})
	}
	errors := *assertions.Annotations_FromStack(stack).FindError(jsii.String("*"), assertions.Match_AnyValue())
	if len(errors) != 1 || *errors[0].Id != "/shop/orders" ||
		!strings.HasPrefix(errors[0].Entry.Data.(string), "a stack takes one pipeline: ") {
		t.Errorf("errors: must be one, at /shop/orders (got %+v)", errors)
	}
	// Template_FromStack synthesises, which must not panic.
	two := parse(t, assertions.Template_FromStack(stack, nil))
	want(t, two.Outputs["FirehoseStreamName"], "Description", "Lake stream: a producer puts each event here")
	if got := len(two.of(firehose)); got != 2 {
		t.Errorf("streams: must be 2, one a pipeline (got %d)", got)
	}
}

func TestMissingFunctionIsNamed(t *testing.T) {
	synthesis.Lock()
	defer synthesis.Unlock()
	functions := stubFunctions()
	delete(functions, "searchrelay")
	defer func() {
		const expected = "Functions: must have an asset for searchrelay (accepted: what BuildFunctions returns)"
		if got := recover(); got != expected {
			t.Errorf("panic: must be %q (got %v)", expected, got)
		}
	}()
	stack := awscdk.NewStack(awscdk.NewApp(nil), jsii.String("shop"), nil)
	constructs.NewPipeline(stack, "Events",
		constructs.PipelineProps{Settings: load(t, variants["dev"]), Schema: shopschema.Load(), Functions: functions})
}
