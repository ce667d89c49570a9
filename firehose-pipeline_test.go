package main

import (
	"encoding/base64"
	"encoding/json"
	"flag"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/assertions"
	"github.com/aws/jsii-runtime-go"

	"firehose-pipeline/internal/functionbuild"
	"firehose-pipeline/settings"
)

var update = flag.Bool("update", false, "rewrite the golden files under testdata/")

func TestMain(m *testing.M) {
	flag.Parse()
	defer jsii.Close()
	os.Exit(m.Run())
}

// template is a synthesised template, as CloudFormation would read it.
type template struct {
	Resources map[string]resource
	Outputs   map[string]map[string]any
	cdk       assertions.Template
	stack     awscdk.Stack
}

type resource struct {
	Type                string
	Properties          map[string]any
	DependsOn           any
	DeletionPolicy      string
	UpdateReplacePolicy string
	UpdatePolicy        map[string]any
}

var (
	synthesised = map[string]*template{}
	synthesis   sync.Mutex
)

// synth synthesises the stack of a context; the same context is synthesised once. Template_FromStack refuses a template with
// a circle of dependencies.
func synth(t *testing.T, context string) *template {
	t.Helper()
	synthesis.Lock()
	defer synthesis.Unlock()
	if done, ok := synthesised[context]; ok {
		return done
	}
	config := load(t, context)
	app := awscdk.NewApp(&awscdk.AppProps{
		AnalyticsReporting: jsii.Bool(false),
		Outdir:             jsii.String(t.TempDir()),
		// As the command line has it; cfn-lint knows a template of the CDK by it.
		Context: &map[string]any{"aws:cdk:enable-path-metadata": true},
	})
	stack := NewPipelineStack(app, config, stubFunctions())
	result := parse(t, assertions.Template_FromStack(stack, nil))
	result.stack = stack
	synthesised[context] = result
	return result
}

// load reads the settings of a context that must be right, without looking at the environment.
func load(t *testing.T, context string) settings.Settings {
	t.Helper()
	config, _, err := settings.Load([]byte(context), func(string) (string, bool) { return "", false })
	if err != nil {
		t.Fatalf("reading the settings of %s: %v", context, err)
	}
	return config
}

// stubFunctions stand in for the built functions: no test of the template looks inside them.
func stubFunctions() map[string]functionbuild.Asset {
	functions := map[string]functionbuild.Asset{}
	for _, name := range functionbuild.Names {
		functions[name] = functionbuild.Asset{Dir: "testdata/function", Hash: strings.Repeat("0", 64-2*len(name)) + fmt.Sprintf("%x", name)}
	}
	return functions
}

func parse(t *testing.T, cdk assertions.Template) *template {
	t.Helper()
	text, err := json.Marshal(cdk.ToJSON())
	if err != nil {
		t.Fatal(err)
	}
	parsed := &template{cdk: cdk}
	if err := json.Unmarshal(text, parsed); err != nil {
		t.Fatal(err)
	}
	return parsed
}

// of returns the resources of a type by logical id.
func (t *template) of(kind string) map[string]resource {
	found := map[string]resource{}
	for id, r := range t.Resources {
		if r.Type == kind {
			found[id] = r
		}
	}
	return found
}

// one returns the resource of a type whose logical id starts with prefix.
func (t *template) one(tb testing.TB, kind, prefix string) (string, resource) {
	tb.Helper()
	var ids []string
	for id := range t.of(kind) {
		if strings.HasPrefix(id, prefix) {
			ids = append(ids, id)
		}
	}
	if len(ids) != 1 {
		tb.Fatalf("must be one %s named %s… (got %v)", kind, prefix, ids)
	}
	return ids[0], t.Resources[ids[0]]
}

// at follows a dotted path through objects and lists.
func at(value any, path string) (any, bool) {
	if path == "" {
		return value, true
	}
	for _, step := range strings.Split(path, ".") {
		switch container := value.(type) {
		case map[string]any:
			next, ok := container[step]
			if !ok {
				return nil, false
			}
			value = next
		case []any:
			i, err := strconv.Atoi(step)
			if err != nil || i < 0 || i >= len(container) {
				return nil, false
			}
			value = container[i]
		default:
			return nil, false
		}
	}
	return value, true
}

// want checks one value of a resource.
func want(t *testing.T, properties map[string]any, path string, expected any) {
	t.Helper()
	got, ok := at(properties, path)
	if !ok {
		t.Errorf("%s: must be %v (is absent)", path, expected)
	} else if fmt.Sprint(got) != fmt.Sprint(expected) {
		t.Errorf("%s: must be %v (got %v)", path, expected, got)
	}
}

func wantAbsent(t *testing.T, properties map[string]any, path string) {
	t.Helper()
	if got, ok := at(properties, path); ok {
		t.Errorf("%s: must be absent (got %v)", path, got)
	}
}

// references returns the logical ids that a value refers to by Ref, GetAtt or Sub.
func references(value any, known map[string]resource) map[string]bool {
	found := map[string]bool{}
	var walk func(any)
	walk = func(value any) {
		switch v := value.(type) {
		case map[string]any:
			if id, ok := v["Ref"].(string); ok {
				found[id] = true
			}
			if att, ok := v["Fn::GetAtt"].([]any); ok {
				found[att[0].(string)] = true
			}
			for _, child := range v {
				walk(child)
			}
		case []any:
			for _, child := range v {
				walk(child)
			}
		case string:
			for id := range known {
				if strings.Contains(v, "${"+id) {
					found[id] = true
				}
			}
		}
	}
	walk(value)
	maps.DeleteFunc(found, func(id string, _ bool) bool { _, ok := known[id]; return !ok })
	return found
}

// needs returns every resource that CloudFormation creates before the named one.
func (t *template) needs(id string) map[string]bool {
	reached := map[string]bool{}
	var visit func(string)
	visit = func(id string) {
		r := t.Resources[id]
		next := references(r.Properties, t.Resources)
		switch d := r.DependsOn.(type) {
		case string:
			next[d] = true
		case []any:
			for _, other := range d {
				next[other.(string)] = true
			}
		}
		for other := range next {
			if !reached[other] {
				reached[other] = true
				visit(other)
			}
		}
	}
	visit(id)
	return reached
}

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }

// variants are the contexts that every rule of the template is checked against: each environment, and each value of each
// setting that changes what there is.
var variants = map[string]string{
	"dev":                                `{"environment": "dev"}`,
	"staging":                            `{"environment": "staging"}`,
	"production":                         `{"environment": "production", "openSearchAdminRoleArns": ["arn:aws:iam::111122223333:role/Admin"], "openSearchReaderRoleArns": ["arn:aws:iam::111122223333:role/Analyst"], "alarmEmail": "oncall@example.com"}`,
	"dataFormat orc":                     `{"dataFormat": "orc"}`,
	"dataFormat json":                    `{"dataFormat": "json"}`,
	"json uncompressed":                  `{"dataFormat": "json", "enableCompression": false}`,
	"enableCompression false":            `{"enableCompression": false}`,
	"orc uncompressed":                   `{"dataFormat": "orc", "enableCompression": false}`,
	"enableOpenSearch false":             `{"enableOpenSearch": false}`,
	"enableDataTransformation false":     `{"enableDataTransformation": false}`,
	"enableSourceBackup false":           `{"enableSourceBackup": false}`,
	"openSearchBackup all":               `{"openSearchBackup": "all"}`,
	"tracing and concurrency":            `{"enableTracing": true, "transformReservedConcurrency": 10}`,
	"openSearchIndexRotation NoRotation": `{"openSearchIndexRotation": "NoRotation"}`,
	"zero buffering":                     `{"bufferIntervalSeconds": 0, "openSearchBufferIntervalSeconds": 0}`,
	"vpc new":                            `{"vpc": "new", "openSearchReaderRoleArns": ["arn:aws:iam::111122223333:role/Analyst"]}`,
	"vpc new, two zones":                 `{"environment": "staging", "vpc": "new"}`,
	"vpc new, three zones":               `{"environment": "production", "vpc": "new", "openSearchInstanceCount": 6}`,
	"vpc existing":                       `{"vpc": {"id": "vpc-0123456789abcdef0", "subnets": ["subnet-0123456789abcdef0"], "clientSecurityGroup": "sg-0123456789abcdef0"}}`,
	"vpc existing, two zones":            `{"environment": "staging", "vpc": {"id": "vpc-0123456789abcdef0", "subnets": ["subnet-0123456789abcdef0", "subnet-0123456789abcdef1"], "zones": ["eu-west-1a", "eu-west-1b"]}}`,
	"smallest":                           `{"enableOpenSearch": false, "enableDataTransformation": false, "enableSourceBackup": false, "dataFormat": "json"}`,
}

// everyVariant runs a check against every variant.
func everyVariant(t *testing.T, check func(*testing.T, settings.Settings, *template)) {
	for _, name := range sortedKeys(variants) {
		t.Run(name, func(t *testing.T) {
			check(t, load(t, variants[name]), synth(t, variants[name]))
		})
	}
}

func TestStackName(t *testing.T) {
	stack := synth(t, `{"environment": "staging", "resourcePrefix": "shop"}`).stack
	if got := *stack.StackName(); got != "shop-staging" {
		t.Errorf("stack name: must be shop-staging (got %s)", got)
	}
}

func TestEnvironmentsDifferInWhatTheyKeep(t *testing.T) {
	dev, production := synth(t, variants["dev"]), synth(t, variants["production"])
	for _, kind := range []string{"AWS::S3::Bucket", "AWS::KMS::Key", "AWS::SQS::Queue", "AWS::OpenSearchService::Domain"} {
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
	if *dev.stack.TerminationProtection() {
		t.Error("dev: must have no termination protection")
	}
	if !*production.stack.TerminationProtection() {
		t.Error("production: must have termination protection")
	}
}

// In dev nothing may outlive the stack: whatever the CDK or CloudFormation keeps by default is spelled out as deleted.
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

// The command puts one record to each stream; that of the lake ends with a newline.
func TestSendEventCommand(t *testing.T) {
	if _, err := exec.LookPath("bash"); err != nil {
		t.Skip("bash is not here")
	}
	for variant, want := range map[string][]string{"dev": {"}\n", "}"}, "enableOpenSearch false": {"}\n"}} {
		joined, err := json.Marshal(synth(t, variants[variant]).Outputs["SendEventCommand"]["Value"])
		if err != nil {
			t.Fatal(err)
		}
		var value struct {
			Join []any `json:"Fn::Join"`
		}
		if err := json.Unmarshal(joined, &value); err != nil || len(value.Join) != 2 {
			t.Fatalf("%s: must be joined (got %s, %v)", variant, joined, err)
		}
		text := ""
		for _, part := range value.Join[1].([]any) {
			if literal, ok := part.(string); ok {
				text += literal
			} else {
				text += "reference"
			}
		}
		out, err := exec.Command("bash", "-euc", `aws() { printf '%s\n' "${@: -1}"; }; `+text).Output()
		if err != nil {
			t.Fatalf("%s: %s: %v", variant, text, err)
		}
		records := strings.Fields(string(out))
		if len(records) != len(want) {
			t.Fatalf("%s: must put %d records (got %q)", variant, len(want), records)
		}
		for i, record := range records {
			data, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(record, "Data="))
			if err != nil || !strings.HasPrefix(string(data), `{"event_id":"hello-1",`) ||
				string(data[strings.IndexByte(string(data), '}'):]) != want[i] {
				t.Errorf("%s: record %d must end with %q (got %q, %v)", variant, i, want[i], data, err)
			}
		}
	}
}

func TestOutputs(t *testing.T) {
	expected := []string{
		"AlarmTopicArn", "DeadLetterQueueUrl", "ErrorHandlerFunctionName", "FirehoseStreamName", "GlueTable", "ListErrorsCommand",
		"ListLakeCommand", "OpenSearchDomainName", "OpenSearchEndpoint", "ProducerPolicyArn", "QueryOpenSearchCommand", "S3BucketName",
		"SearchSetupFunctionName", "SearchStreamName", "SendEventCommand", "TransformLakeFunctionName", "TransformSearchFunctionName",
	}
	if got := sortedKeys(synth(t, variants["dev"]).Outputs); !slices.Equal(got, expected) {
		t.Errorf("outputs: must be\n%v\n(got\n%v)", expected, got)
	}
	inVPC := []string{"OpenSearchClientSecurityGroupId", "VpcId", "VpcSubnetIds"}
	for _, name := range []string{"vpc new", "vpc existing"} {
		outputs := synth(t, variants[name]).Outputs
		if got := sortedKeys(outputs); !slices.Equal(got, slices.Sorted(slices.Values(append(inVPC, expected...)))) {
			t.Errorf("outputs of %s: must be those of dev and %v (got\n%v)", name, inVPC, got)
		}
		for _, private := range []string{"OpenSearchEndpoint", "QueryOpenSearchCommand"} {
			if text, _ := outputs[private]["Description"].(string); !strings.Contains(text, "from inside the VPC only") {
				t.Errorf("%s of %s: must say from where it works (got %s)", private, name, text)
			}
		}
	}
	for _, name := range sortedKeys(synth(t, variants["smallest"]).Outputs) {
		if strings.Contains(name, "Search") || strings.Contains(name, "Transform") {
			t.Errorf("outputs: must not name what is not there (got %s)", name)
		}
	}
}
