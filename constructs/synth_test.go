package constructs_test

import (
	"encoding/json"
	"flag"
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/assertions"
	"github.com/aws/jsii-runtime-go"

	"firehose-pipeline/constructs"
	"firehose-pipeline/internal/functionbuild"
	"firehose-pipeline/internal/testkit/shopschema"
	"firehose-pipeline/schema"
	"firehose-pipeline/settings"
)

var update = flag.Bool("update", false, "rewrite the golden files under testdata/")

func TestMain(m *testing.M) {
	defer jsii.Close()
	m.Run()
}

// template is a synthesised template, as CloudFormation would read it.
type template struct {
	Resources map[string]resource
	Outputs   map[string]map[string]any
	cdk       assertions.Template
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

// synth synthesises the stack of a context; the same context is synthesised once. Template_FromStack rejects a template
// with a circle of dependencies.
func synth(t *testing.T, context string) *template {
	t.Helper()
	synthesis.Lock()
	defer synthesis.Unlock()
	return synthUnlocked(t, context)
}

// synthUnlocked is synth for a test that holds the lock.
func synthUnlocked(t *testing.T, context string) *template {
	t.Helper()
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
	result := parse(t, assertions.Template_FromStack(newStack(app, config), nil))
	synthesised[context] = result
	return result
}

// newStack makes a stack as the app does; the tests of the app's own are in the root.
func newStack(app awscdk.App, config settings.Settings) awscdk.Stack {
	stack := awscdk.NewStack(app, jsii.String(config.StackName()), nil)
	awscdk.Tags_Of(stack).Add(jsii.String("pipeline"), jsii.String(config.StackName()), nil)
	awscdk.Tags_Of(stack).Add(jsii.String("environment"), jsii.String(config.Environment), nil)
	constructs.NewPipeline(stack, "Default", constructs.PipelineProps{Settings: config, Schema: shopschema.Load(), Functions: stubFunctions()})
	return stack
}

// synthWithSchema synthesises the stack of the settings with another event schema than the shop's.
func synthWithSchema(t *testing.T, config settings.Settings, eventSchema string) *template {
	t.Helper()
	synthesis.Lock()
	defer synthesis.Unlock()
	events, err := schema.Parse([]byte(eventSchema))
	if err != nil {
		t.Fatal(err)
	}
	app := awscdk.NewApp(&awscdk.AppProps{AnalyticsReporting: jsii.Bool(false), Outdir: jsii.String(t.TempDir())})
	stack := awscdk.NewStack(app, jsii.String(config.StackName()), nil)
	constructs.NewPipeline(stack, "Default",
		constructs.PipelineProps{Settings: config, Schema: events, Functions: stubFunctions()})
	return parse(t, assertions.Template_FromStack(stack, nil))
}

// fromRoot is the path of a file that the project names from its root.
func fromRoot(path string) string { return filepath.Join("..", path) }

// load reads the settings of a context that must be right, without looking at the environment.
func load(t *testing.T, context string) settings.Settings {
	t.Helper()
	config, _, err := settings.Load([]byte(context), func(string) (string, bool) { return "", false })
	if err != nil {
		t.Fatalf("reading the settings of %s: %v", context, err)
	}
	return config
}

// stubFunctions replace the built functions: no test of the template looks inside them.
func stubFunctions() map[string]constructs.FunctionAsset {
	functions := map[string]constructs.FunctionAsset{}
	for _, name := range functionbuild.Names {
		functions[name] = constructs.FunctionAsset{
			Dir:  "testdata/function",
			Hash: strings.Repeat("0", 64-2*len(name)) + fmt.Sprintf("%x", name),
		}
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

// variants are the contexts that every rule of the template is checked against: each environment, and each value of
// each setting that changes the resources.
var variants = map[string]string{
	"dev":     `{"environment": "dev"}`,
	"staging": `{"environment": "staging"}`,
	"production": `{"environment": "production", "alarmEmail": "oncall@example.com",
		"openSearchAdminRoleArns": ["arn:aws:iam::111122223333:role/Admin"],
		"openSearchReaderRoleArns": ["arn:aws:iam::111122223333:role/Analyst"]}`,
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
	"ingestion kinesis":                  `{"ingestion": "kinesis"}`,
	"ingestion kinesis in production": `{"environment": "production", "ingestion": "kinesis", "enableApi": true,
		"openSearchBackup": "all"}`,
	"ingestion kinesis, no search": `{"ingestion": "kinesis", "enableOpenSearch": false, "dataFormat": "json"}`,
	"vpc new": `{"vpc": "new",
		"openSearchReaderRoleArns": ["arn:aws:iam::111122223333:role/Analyst"]}`,
	"vpc new, two zones":   `{"environment": "staging", "vpc": "new"}`,
	"vpc new, three zones": `{"environment": "production", "vpc": "new", "openSearchInstanceCount": 6}`,
	"vpc existing": `{"vpc": {"id": "vpc-0123456789abcdef0", "subnets": ["subnet-0123456789abcdef0"],
		"clientSecurityGroup": "sg-0123456789abcdef0"}}`,
	"vpc existing, two zones": `{"environment": "staging", "vpc": {"id": "vpc-0123456789abcdef0",
		"subnets": ["subnet-0123456789abcdef0", "subnet-0123456789abcdef1"], "zones": ["eu-west-1a", "eu-west-1b"]}}`,
	"mute schedule": `{"environment": "production",
		"alarmMuteSchedule": "cron(0 2 * * SUN) PT4H Europe/Berlin"}`,
	"front door":         `{"enableApi": true, "enableOpenSearch": false}`,
	"front door kinesis": `{"enableApi": true, "ingestion": "kinesis"}`,
	"front door keys": `{"enableApi": true, "enableOpenSearch": false, "enableDataTransformation": false,
		"dataFormat": "json", "apiKeys": ["shop", "till-1"]}`,
	"smallest": `{"enableOpenSearch": false, "enableDataTransformation": false,
		"enableSourceBackup": false, "dataFormat": "json"}`,
}

// everyVariant runs a check against every variant.
func everyVariant(t *testing.T, check func(*testing.T, settings.Settings, *template)) {
	for _, name := range sortedKeys(variants) {
		t.Run(name, func(t *testing.T) {
			check(t, load(t, variants[name]), synth(t, variants[name]))
		})
	}
}
