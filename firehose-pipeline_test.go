package main

import (
	"bytes"
	"context"
	"errors"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/assertions"
	"github.com/aws/jsii-runtime-go"

	"firehose-pipeline/constructs"
	"firehose-pipeline/internal/functionbuild"
	"firehose-pipeline/internal/testkit/casefile"
	"firehose-pipeline/internal/testkit/shopschema"
	"firehose-pipeline/settings"
)

func TestMain(m *testing.M) {
	defer jsii.Close()
	m.Run()
}

// stackOf makes the stack of a context that must be right, without looking at the environment.
func stackOf(t *testing.T, context string) awscdk.Stack {
	t.Helper()
	config, _, err := settings.Load([]byte(context), func(string) (string, bool) { return "", false })
	if err != nil {
		t.Fatalf("reading the settings of %s: %v", context, err)
	}
	functions := map[string]constructs.FunctionAsset{}
	for _, name := range functionbuild.Names {
		functions[name] = constructs.FunctionAsset{Dir: "constructs/testdata/function", Hash: strings.Repeat("0", 64)}
	}
	app := awscdk.NewApp(&awscdk.AppProps{AnalyticsReporting: jsii.Bool(false), Outdir: jsii.String(t.TempDir())})
	return NewPipelineStack(app, config, shopschema.Load(), functions)
}

func TestStackName(t *testing.T) {
	stack := stackOf(t, `{"environment": "staging", "resourcePrefix": "shop"}`)
	if got := *stack.StackName(); got != "shop-staging" {
		t.Errorf("stack name: must be shop-staging (got %s)", got)
	}
}

func TestProductionHasTerminationProtection(t *testing.T) {
	if *stackOf(t, `{"environment": "dev"}`).TerminationProtection() {
		t.Error("dev: must have no termination protection")
	}
	if !*stackOf(t, `{"environment": "production"}`).TerminationProtection() {
		t.Error("production: must have termination protection")
	}
}

// The pipeline's id must leave no trace in logical ids: another id is another resource, and the old one goes, with its
// data.
func TestStackHasTheLogicalIDsAndTagsOfThePipeline(t *testing.T) {
	template := assertions.Template_FromStack(stackOf(t, `{"environment": "dev"}`), nil)
	tags := assertions.Match_ArrayWith(&[]any{
		map[string]any{"Key": "environment", "Value": "dev"},
		map[string]any{"Key": "pipeline", "Value": "kinesis-firehose-pipeline-dev"},
	})
	tagged := map[string]any{"Properties": map[string]any{"Tags": tags}}
	buckets := *template.FindResources(jsii.String("AWS::S3::Bucket"), tagged)
	if _, ok := buckets["DataLakeBucketEF1CCA5A"]; !ok || len(buckets) != 1 {
		t.Errorf("buckets: must be DataLakeBucketEF1CCA5A, tagged with pipeline and environment (got %v)", buckets)
	}
}

// firstCells returns the first cells in backticks of the table rows of a section of a Markdown page, each with its row.
func firstCells(t *testing.T, path, section string) map[string]string {
	t.Helper()
	page, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	_, text, found := strings.Cut(string(page), "\n## "+section+"\n")
	if !found {
		t.Fatalf("%s: has no section %s", path, section)
	}
	text, _, _ = strings.Cut(text, "\n## ")
	cells := map[string]string{}
	for line := range strings.Lines(text) {
		row, ok := strings.CutPrefix(line, "| `")
		if !ok {
			continue
		}
		first, rest, _ := strings.Cut(row, " |")
		for _, cell := range strings.Split(first, ",") {
			cells[strings.Trim(cell, " `")] = rest
		}
	}
	return cells
}

// docs/deploy.md has every output of the stack.
func TestOutputsAreDocumented(t *testing.T) {
	cells := firstCells(t, "docs/deploy.md", "Outputs")
	for _, context := range []string{`{"environment": "dev"}`, `{"vpc": "new"}`} {
		template := assertions.Template_FromStack(stackOf(t, context), nil)
		for name := range *template.FindOutputs(jsii.String("*"), nil) {
			if _, ok := cells[name]; !ok {
				t.Errorf("docs/deploy.md: has no row for the output %s", name)
			}
		}
	}
}

// The built app, with wrong settings: every problem, one line each, exit status 1, no template, no stack trace, and no
// CDK started for it.
func TestTheBuiltAppRefusesWrongSettings(t *testing.T) {
	app := filepath.Join(t.TempDir(), "firehose-pipeline")
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Minute)
	defer cancel()
	if out, err := exec.CommandContext(ctx, "go", "build", "-o", app, ".").CombinedOutput(); err != nil {
		t.Fatalf("building the app: %v\n%s", err, out)
	}
	refused := 0
	cases, err := casefile.Read("constructs/testdata/settings")
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range cases {
		if len(c.Errors) == 0 {
			continue
		}
		refused++
		t.Run(c.Name, func(t *testing.T) {
			out := t.TempDir()
			cmd := exec.CommandContext(ctx, app)
			// Neither PATH nor HOME: a wrong setting must be found before Node is looked for.
			cmd.Env = []string{"CDK_CONTEXT_JSON=" + string(c.Context), "CDK_OUTDIR=" + filepath.Join(out, "cdk.out")}
			for _, name := range slices.Sorted(maps.Keys(c.Env)) {
				cmd.Env = append(cmd.Env, name+"="+c.Env[name])
			}
			var stdout, stderr bytes.Buffer
			cmd.Stdout, cmd.Stderr = &stdout, &stderr
			err := cmd.Run()
			var exit *exec.ExitError
			if !errors.As(err, &exit) || exit.ExitCode() != 1 {
				t.Errorf("exit status: must be 1 (got %v)", err)
			}
			got := strings.Split(strings.TrimSuffix(stderr.String(), "\n"), "\n")
			expected := slices.Clone(c.Errors)
			for i := range expected { // what is wrong with the context as a whole is named by the variable it came in
				if strings.HasPrefix(expected[i], "context: ") && !slices.Equal(got, expected) {
					expected[i] = "CDK_CONTEXT_JSON" + strings.TrimPrefix(expected[i], "context")
				}
			}
			if !slices.Equal(got, expected) {
				t.Errorf("stderr: must be\n%s\n(got\n%s)", strings.Join(expected, "\n"), strings.Join(got, "\n"))
			}
			if stdout.Len() > 0 {
				t.Errorf("stdout: must be empty (got %s)", stdout.String())
			}
			if left, err := os.ReadDir(out); err != nil || len(left) > 0 {
				t.Errorf("template: must not be written (got %v, %v)", left, err)
			}
		})
	}
	if refused < 40 {
		t.Errorf("constructs/testdata/settings: must hold 40 wrong contexts (got %d)", refused)
	}
}
