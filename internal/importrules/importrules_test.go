package importrules

import (
	"os/exec"
	"slices"
	"strings"
	"testing"
)

const module = "firehose-pipeline"

// groups are names for packages of other modules, by the beginning of the import path. "app" is the module's main
// package.
var groups = map[string][]string{
	"AWS SDK": {"github.com/aws/aws-sdk-go-v2", "github.com/aws/smithy-go"},
	"CDK":     {"github.com/aws/aws-cdk-go", "github.com/aws/jsii-runtime-go", "github.com/aws/constructs-go"},
	"Lambda":  {"github.com/aws/aws-lambda-go"},
}

// A rule reads: none of these packages reaches any of those, directly or through other packages. Names are separated by
// commas; one that ends in /... covers the package and all below it, and a bare ... every package of the project.
type rule struct {
	packages, except, not, because string
}

// rules are the whole table; every package has to be in one of them besides those that are for all.
var rules = []rule{{
	packages: "contract, settings, internal/jsonscan, internal/functionbuild, internal/printable, internal/plural, " +
		"internal/clock, internal/filelock, internal/jsonpointer, internal/parquetrows, internal/resultcache, internal/cdkenv, rules",
	not: "schema, event, errorobject, deadletter, constructs, functions/..., local/..., producer, replay, trace, " +
		"cmd/..., AWS SDK, CDK, Lambda",
	because: "the others are built on them",
}, {
	packages: "internal/awsclient, internal/s3read, internal/sigv4",
	not: "event, deadletter, constructs, settings, functions/..., local/..., producer, replay, " +
		"trace, cmd/..., CDK, Lambda",
	because: "they are clients of AWS for any of the others",
}, {
	packages: "schema",
	not: "event, errorobject, deadletter, constructs, settings, functions/..., local/..., producer, replay, " +
		"trace, cmd/..., AWS SDK, CDK, Lambda",
	because: "the declaration of an event depends on nothing that uses it",
}, {
	packages: "event, internal/eventid, internal/unzip",
	not: "errorobject, deadletter, constructs, settings, functions/..., local/..., producer, replay, " +
		"trace, cmd/..., AWS SDK, CDK, Lambda",
	because: "an event depends neither on AWS nor on the CDK",
}, {
	packages: "errorobject",
	not: "deadletter, constructs, settings, functions/..., local/..., producer, replay, " +
		"trace, cmd/..., AWS SDK, CDK, Lambda",
	because: "an error object is the same whatever reads it",
}, {
	packages: "deadletter",
	not: "constructs, settings, functions/..., local/..., producer, replay, " +
		"trace, cmd/..., AWS SDK, " +
		"CDK, Lambda",
	because: "a dead letter is read and written by programs with different clients",
}, {
	packages: "functions/transform",
	not:      "AWS SDK, CDK, Lambda",
	because:  "the hot path links only code that it runs; aws-lambda-go is in bootstrap alone",
}, {
	packages: "frontdoor",
	not: "event, errorobject, deadletter, constructs, settings, functions/..., local/..., producer, replay, " +
		"trace, cmd/..., AWS SDK, CDK, Lambda",
	because: "the stack deploys it, and a check renders it without a stack",
}, {
	packages: "schema/infer",
	not: "deadletter, constructs, settings, functions/..., local/..., producer, replay, " +
		"trace, cmd/..., AWS SDK, CDK, Lambda",
	because: "a schema is inferred from a file, without an account",
}, {
	packages: "functions/..., producer, replay, trace, cost",
	not:      "CDK, constructs, settings, local/..., cmd/...",
	because:  "code that runs on AWS or sends to it depends neither on the stack's code nor on the model",
}, {
	packages: "app, constructs, settings",
	not:      "AWS SDK, local/..., producer, replay, trace, cost, deadletter, errorobject, cmd/...",
	because:  "cdk synth needs no AWS SDK, which would double the time of a cold build",
}, {
	packages: "local/...",
	not:      "CDK, constructs, settings, producer, replay, trace, cost, cmd/...",
	because:  "the model reads the synthesised template, not the code that wrote it",
}, {
	packages: "cmd/...",
	not:      "CDK, constructs",
	because:  "the operator's command reads the deployed stack, and starts without Node.js",
}, {
	packages: "simulation/judge",
	not: "app, constructs, settings, schema, event, errorobject, deadletter, contract, functions/..., local/..., " +
		"producer, replay, trace, cost, cmd/..., simulation, internal/..., AWS SDK, CDK, Lambda",
	because: "a mistake of the system's own code would be the judge's, too",
}, {
	packages: "simulation",
	not:      "CDK, constructs, settings, cmd/...",
	because:  "a simulation runs the code that runs on AWS and at the operator's desk, not the stack's",
}, {
	packages: "internal/testkit/...",
	except:   "internal/testkit/functiontest",
	not: "app, constructs, settings, event, errorobject, deadletter, functions/..., local/..., producer, replay, " +
		"trace, cmd/..., AWS SDK, " +
		"CDK, Lambda",
	because: "the tests of these packages import it",
}, {
	packages: "...",
	except:   "internal/testkit/..., verify/..., simulation",
	not:      "internal/testkit/..., verify/..., simulation/...",
	because:  "test code is not shipped",
}}

// uncovered are packages that need no rule of their own: checks, which may reach everything.
const uncovered = "verify/..., internal/importrules, docs"

func TestImportRules(t *testing.T) {
	imports := readImports(t)
	for _, r := range rules {
		for _, name := range splitNames(r.packages) {
			if !slices.ContainsFunc(imports.own, func(path string) bool { return matches(name, path) }) {
				t.Errorf("the rules name %s, and there is no such package", name)
			}
		}
		for _, path := range imports.own {
			if !matchesAny(r.packages, path) || matchesAny(r.except, path) {
				continue
			}
			for _, not := range splitNames(r.not) {
				if chain := imports.findChain(path, not); chain != nil {
					t.Errorf("%s must not reach %s, because %s:\n\t%s", path, not, r.because, strings.Join(chain, "\n\t→ "))
				}
			}
		}
	}
}

// Every package has a rule, a new one too.
func TestRulesCoverEveryPackage(t *testing.T) {
	for _, path := range readImports(t).own {
		covered := func(r rule) bool { return r.packages != "..." && matchesAny(r.packages, path) }
		if !slices.ContainsFunc(rules, covered) && !matchesAny(uncovered, path) {
			t.Errorf("no rule covers %s: add it to the table", path)
		}
	}
}

// A name that stands for nothing would forbid nothing.
func TestForbiddenPackagesExist(t *testing.T) {
	imports := readImports(t)
	for _, r := range rules {
		for _, name := range append(splitNames(r.not), splitNames(r.except+", "+uncovered)...) {
			if name != "" && !slices.ContainsFunc(imports.all(), func(path string) bool { return matches(name, path) }) {
				t.Errorf("the rules name %s, and there is no such package", name)
			}
		}
	}
}

// importGraph has the direct imports of all packages that the project links.
type importGraph struct {
	direct map[string][]string
	own    []string // the project's packages
}

func readImports(t *testing.T) *importGraph {
	t.Helper()
	format := `{{.ImportPath}} {{join .Imports " "}}`
	out, err := exec.Command("go", "list", "-deps", "-f", format, module+"/...").Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	g := &importGraph{direct: map[string][]string{}}
	for line := range strings.Lines(string(out)) {
		words := strings.Fields(line)
		g.direct[words[0]] = words[1:]
		if words[0] == module || strings.HasPrefix(words[0], module+"/") {
			g.own = append(g.own, words[0])
		}
	}
	return g
}

func (g *importGraph) all() []string {
	var paths []string
	for path := range g.direct {
		paths = append(paths, path)
	}
	return paths
}

// findChain returns the shortest chain of imports from a package to one that the name covers, nil when there is none.
func (g *importGraph) findChain(from, name string) []string {
	importer := map[string]string{from: ""}
	for queue := []string{from}; len(queue) > 0; queue = queue[1:] {
		for _, path := range g.direct[queue[0]] {
			if _, seen := importer[path]; seen {
				continue
			}
			importer[path] = queue[0]
			if !matches(name, path) {
				queue = append(queue, path)
				continue
			}
			var chain []string
			for ; path != ""; path = importer[path] {
				chain = append(chain, path)
			}
			slices.Reverse(chain)
			return chain
		}
	}
	return nil
}

func splitNames(names string) []string { return strings.Split(names, ", ") }

func matchesAny(names, path string) bool {
	return slices.ContainsFunc(splitNames(names), func(name string) bool { return matches(name, path) })
}

// matches reports whether a name of the table covers a package.
func matches(name, path string) bool {
	if beginnings, ok := groups[name]; ok {
		return slices.ContainsFunc(beginnings, func(beginning string) bool {
			return path == beginning || strings.HasPrefix(path, beginning+"/")
		})
	}
	local, own := strings.CutPrefix(path, module+"/")
	switch {
	case name == "app":
		return path == module
	case name == "...":
		return own || path == module
	}
	if folder, below := strings.CutSuffix(name, "/..."); below {
		return own && (local == folder || strings.HasPrefix(local, folder+"/"))
	}
	return own && local == name
}

func TestMatches(t *testing.T) {
	for _, c := range []struct {
		name, path string
		want       bool
	}{
		{"event", module + "/event", true}, {"event", module + "/events", false}, {"event", module + "/event/x", false},
		{"event", "event", false}, {"local/...", module + "/local", true}, {"local/...", module + "/local/s3", true},
		{"local/...", module + "/locale", false}, {"AWS SDK", "github.com/aws/aws-sdk-go-v2/service/s3", true},
		{"AWS SDK", "github.com/aws/aws-sdk-go-v2", true}, {"AWS SDK", "github.com/aws/aws-sdk-go-v2x", false},
		{"app", module, true}, {"app", module + "/event", false}, {"...", module + "/event", true}, {"...", "fmt", false},
		{"", module, false},
	} {
		if got := matches(c.name, c.path); got != c.want {
			t.Errorf("%s, %s: %v", c.name, c.path, got)
		}
	}
}

func TestFindChain(t *testing.T) {
	g := &importGraph{direct: map[string][]string{
		module + "/a": {"fmt", module + "/b", module + "/c"},
		module + "/b": {module + "/d"},
		module + "/c": {"github.com/aws/smithy-go/x"},
		module + "/d": {module + "/c", module + "/a"},
	}}
	for name, want := range map[string]string{
		"AWS SDK": "a c github.com/aws/smithy-go/x", "d": "a b d", "CDK": "", "a": "",
	} {
		chain := strings.ReplaceAll(strings.Join(g.findChain(module+"/a", name), " "), module+"/", "")
		if chain != want {
			t.Errorf("to %s: %q, want %q", name, chain, want)
		}
	}
}
