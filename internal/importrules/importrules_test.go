// Package importrules has the rules about which package may reach which, as a test. docs/architecture.md explains them.
package importrules

import (
	"os/exec"
	"slices"
	"strings"
	"testing"
)

// Groups of packages that rules name, by the beginning of the import path.
const (
	module  = "firehose-pipeline"
	sdk     = "github.com/aws/aws-sdk-go-v2"
	cdk     = "github.com/aws/aws-cdk-go"
	jsii    = "github.com/aws/jsii-runtime-go"
	lambda  = "github.com/aws/aws-lambda-go"
	testkit = module + "/internal/testkit"
)

// rules are read as: none of these packages reaches any of those, however many packages are between them. A name that
// ends in /... means the package and all below it.
var rules = []struct {
	packages []string
	not      []string
	because  string
}{
	{
		packages: []string{"contract", "settings", "internal/jsonscan", "internal/functionbuild", "internal/printable"},
		not: []string{"event", "constructs", "functions/...", "local/...", "producer", "replay", "deadletter",
			"errorobject", "cmd/...", sdk, cdk, jsii, lambda},
		because: "the others are built on them",
	},
	{
		packages: []string{"event"},
		not: []string{"constructs", "functions/...", "local/...", "producer", "replay", "deadletter",
			"errorobject", "cmd/...", sdk, cdk, jsii, lambda},
		because: "what an event is depends on neither AWS nor the CDK",
	},
	{
		packages: []string{"errorobject"},
		not:      []string{"deadletter", sdk, lambda},
		because:  "an error object is the same whatever is made of it",
	},
	{
		packages: []string{"functions/transform"},
		not:      []string{sdk, cdk, jsii, lambda},
		because:  "the hot path links nothing that it does not run; aws-lambda-go is in bootstrap alone",
	},
	{
		packages: []string{"functions/...", "producer", "replay", "deadletter", "errorobject"},
		not:      []string{cdk, jsii, "local/...", "cmd/...", "constructs", "settings"},
		because:  "what runs on AWS or sends to it knows neither the stack's code nor the model",
	},
	{
		packages: []string{module, "constructs", "settings"},
		not:      []string{sdk, "local/...", "producer", "replay", "deadletter", "errorobject", "cmd/..."},
		because:  "synthesising needs no AWS SDK, which would double the time of a cold build",
	},
	{
		packages: []string{"local/..."},
		not:      []string{cdk, jsii, "cmd/...", "producer", "constructs", "settings"},
		because:  "the model reads the synthesised template, not the code that wrote it",
	},
	{
		packages: []string{module, "cmd/...", "constructs", "contract", "deadletter", "errorobject", "event",
			"functions/...", "local/...", "producer", "replay", "settings",
			"internal/awsclient", "internal/clock", "internal/eventid", "internal/functionbuild", "internal/jsonscan",
			"internal/plural", "internal/printable",
			"internal/s3read"},
		not:     []string{testkit + "/..."},
		because: "test code is not shipped",
	},
}

func TestImportRules(t *testing.T) {
	command := exec.Command("go", "list", "-f", `{{.ImportPath}} {{join .Deps " "}}`, module+"/...")
	out, err := command.Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	reached := map[string][]string{}
	for line := range strings.Lines(string(out)) {
		words := strings.Fields(line)
		reached[words[0]] = words[1:]
	}
	for _, rule := range rules {
		for _, name := range rule.packages {
			found := false
			for path, dependencies := range reached {
				if !matches(name, path) {
					continue
				}
				found = true
				for _, dependency := range dependencies {
					if slices.ContainsFunc(rule.not, func(not string) bool { return matches(not, dependency) }) {
						t.Errorf("%s must not reach %s: %s (go mod why and go list -deps show the way)", path,
							dependency, rule.because)
					}
				}
			}
			if !found {
				t.Errorf("the rules name %s, and there is no such package", name)
			}
		}
	}
}

// matches reports whether a package is one that a rule names: a package of this module by its folder, another by the
// beginning of its path.
func matches(name, path string) bool {
	if !strings.Contains(name, ".com/") && name != module && !strings.HasPrefix(name, module+"/") {
		name = module + "/" + name
	}
	if below, all := strings.CutSuffix(name, "/..."); all {
		return path == below || strings.HasPrefix(path, below+"/")
	}
	return path == name || strings.Contains(name, ".com/") && strings.HasPrefix(path, name+"/")
}

func TestMatches(t *testing.T) {
	for _, c := range []struct {
		name, path string
		want       bool
	}{
		{"event", module + "/event", true}, {"event", module + "/events", false}, {"event", module + "/event/x", false},
		{"local/...", module + "/local", true}, {"local/...", module + "/local/s3", true},
		{"local/...", module + "/locale", false},
		{sdk, sdk + "/service/s3", true}, {sdk, sdk, true}, {sdk, sdk + "x", false}, {module, module, true},
		{module, module + "/event", false},
	} {
		if got := matches(c.name, c.path); got != c.want {
			t.Errorf("%s, %s: %v", c.name, c.path, got)
		}
	}
}
