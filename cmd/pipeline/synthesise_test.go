package main

import (
	"bytes"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"firehose-pipeline/internal/functionbuild"
)

// smallApp is in the place of the CDK app: it counts its runs and writes a template. A file "change" beside cdk.json
// makes it change the event schema while it runs.
const smallApp = `package main

import (
	"fmt"
	"os"

	"firehose-pipeline/part"
)

func main() {
	runs, _ := os.ReadFile("runs")
	runs = append(runs, '.')
	text := fmt.Sprintf("{\"Metadata\":{\"Runs\":%d},\"Part\":%q}", len(runs), part.Name)
	if _, err := os.Stat("change"); err == nil {
		os.WriteFile("event-schema.json", runs, 0o644)
	}
	fmt.Fprintln(os.Stderr, "note: run", len(runs))
	if os.WriteFile("runs", runs, 0o644) != nil ||
		os.WriteFile(os.Getenv("CDK_OUTDIR")+"/stack.template.json", []byte(text), 0o644) != nil {
		os.Exit(1)
	}
}
`

// smallProject makes a project of the same layout, which needs no Node.js, and returns its folder.
func smallProject(t *testing.T) string {
	t.Helper()
	root := t.TempDir()
	script, err := os.ReadFile("../../internal/functionbuild/hostenv.sh")
	if err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{
		"cdk.json":                          `{"app": "` + appCommand + `", "context": {"environment": "dev"}}`,
		"event-schema.json":                 "{}",
		"go.mod":                            "module firehose-pipeline\n\ngo 1.26.0\n",
		"go.sum":                            "",
		"main.go":                           smallApp,
		"part/part.go":                      "package part\n\nconst Name = \"part\"\n",
		"internal/functionbuild/hostenv.sh": string(script),
		"node":                              "#!/bin/sh\necho v22.0.0\n",
	} {
		putFile(t, root, name, text)
	}
	for _, name := range functionbuild.Names {
		putFile(t, root, "functions/"+name+"/bootstrap/main.go", "package main\n\nfunc main() {}\n")
	}
	t.Setenv("JSII_NODE", filepath.Join(root, "node"))
	return root
}

func putFile(t *testing.T, root, name, text string) {
	t.Helper()
	path := filepath.Join(root, name)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o755); err != nil {
		t.Fatal(err)
	}
}

// checkRuns synthesises and checks how often the app has run by then.
func checkRuns(t *testing.T, root string, given settings, runs int) {
	t.Helper()
	result, err := synthesise(t.Context(), root, given, io.Discard)
	if err != nil || result.StackName != "stack" || !bytes.Contains(result.Template, []byte("Metadata")) {
		t.Fatalf("got %s, %s, %v", result.Template, result.StackName, err)
	}
	counted, err := os.ReadFile(filepath.Join(root, "runs"))
	if err != nil || len(counted) != runs {
		t.Fatalf("the app ran %d times, want %d (%v)", len(counted), runs, err)
	}
}

// A change of any input is a new synthesis, and the input as it was before finds the template of that time.
func TestChangedInputIsSynthesisedAgain(t *testing.T) {
	if testing.Short() {
		t.Skip("runs the go command a hundred times")
	}
	root := smallProject(t)
	runs := 1
	checkRuns(t, root, nil, runs)
	checkRuns(t, root, nil, runs)
	for name, text := range map[string]string{
		"cdk.json":                              `{"app": "` + appCommand + `", "context": {"environment": "staging"}}`,
		"cdk.context.json":                      `{"key": "value"}`,
		"event-schema.json":                     `{"title": "other"}`,
		"go.mod":                                "module firehose-pipeline\n\ngo 1.26.1\n",
		"go.sum":                                "\n",
		"main.go":                               smallApp + "// other\n",
		"part/part.go":                          "package part\n\nconst Name = \"other\"\n",
		"part/added.go":                         "package part\n\nconst Added = true\n",
		"part/tagged.go":                        "//go:build other\n\npackage part\n",
		"functions/transform/bootstrap/main.go": "package main\n\nfunc main() { println() }\n",
		"internal/functionbuild/hostenv.sh":     "exec \"$@\"\n",
		"node":                                  "#!/bin/sh\necho v24.0.0\n",
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(root, name)
			before, readErr := os.ReadFile(path)
			putFile(t, root, name, text)
			runs++
			checkRuns(t, root, nil, runs)
			if readErr == nil {
				putFile(t, root, name, string(before))
			} else if err := os.Remove(path); err != nil {
				t.Fatal(err)
			}
		})
	}
	checkRuns(t, root, nil, runs)
	for _, variable := range []string{"ENVIRONMENT=production", "RESOURCE_PREFIX=shop", "BUFFER_SIZE_MB=64",
		"CDK_DEBUG=true", "JSII_DEBUG=0", "NODE_OPTIONS=--no-warnings", "GODEBUG=madvdontneed=1"} {
		t.Run(variable, func(t *testing.T) {
			name, value, _ := strings.Cut(variable, "=")
			t.Setenv(name, value)
			runs++
			checkRuns(t, root, nil, runs)
		})
	}
	given := settings{"bufferSizeMB": "100"}
	checkRuns(t, root, given, runs+1)
	checkRuns(t, root, given, runs+1)
	putFile(t, root, "other.json", "{}")
	given = settings{"eventSchema": "other.json"}
	checkRuns(t, root, given, runs+2)
	putFile(t, root, "other.json", `{"title": "changed"}`)
	checkRuns(t, root, given, runs+3)
	// What no template depends on.
	putFile(t, root, "part/part_test.go", "package part\n")
	putFile(t, root, "README.md", "text")
	checkRuns(t, root, nil, runs+3)
}

// Files of the record that are not as they were written are not used.
func TestSpoiledTemplateIsNotReused(t *testing.T) {
	root := smallProject(t)
	checkRuns(t, root, nil, 1)
	files, err := filepath.Glob(filepath.Join(root, ".build", "synthesised", "*"))
	if err != nil || len(files) != 1 {
		t.Fatalf("want one file (got %v, %v)", files, err)
	}
	text, err := os.ReadFile(files[0])
	if err != nil {
		t.Fatal(err)
	}
	edited := bytes.Replace(slices.Clone(text), []byte("stack"), []byte("STACK"), 1)
	for i, spoiled := range [][]byte{nil, text[:len(text)-1], edited} {
		if err := os.WriteFile(files[0], spoiled, 0o644); err != nil {
			t.Fatal(err)
		}
		checkRuns(t, root, nil, 2+i)
	}
}

// Inputs that are not known are no reason to reuse anything.
func TestUnknownInputsAreSynthesisedAgain(t *testing.T) {
	for name, change := range map[string]func(t *testing.T, root string){
		"another app": func(t *testing.T, root string) {
			putFile(t, root, "cdk.json", `{"app": "`+appCommand+` && true", "context": {}}`)
		},
		"overflowing context": func(t *testing.T, root string) { t.Setenv("CONTEXT_OVERFLOW_LOCATION_ENV", "file.json") },
		"no Node.js":          func(t *testing.T, root string) { t.Setenv("JSII_NODE", filepath.Join(root, "missing")) },
		"folder cannot be written": func(t *testing.T, root string) {
			putFile(t, root, ".build/synthesised", "")
		},
		"changed meanwhile": func(t *testing.T, root string) { putFile(t, root, "change", "") },
	} {
		t.Run(name, func(t *testing.T) {
			root := smallProject(t)
			change(t, root)
			for runs := range 2 {
				checkRuns(t, root, nil, runs+1)
			}
		})
	}
}

// The app's notes about the settings appear with a template that is reused, too.
func TestNotesOfReusedTemplate(t *testing.T) {
	root := smallProject(t)
	checkRuns(t, root, nil, 1)
	var notes bytes.Buffer
	if _, err := synthesise(t.Context(), root, nil, &notes); err != nil {
		t.Fatal(err)
	}
	if !strings.HasPrefix(notes.String(), "note: bufferSizeMB: raised from 5 to 64") {
		t.Errorf("got %s", &notes)
	}
}

// The command of cdk.json is the one whose inputs are known.
func TestAppCommandIsThatOfTheProject(t *testing.T) {
	files, err := filepath.Glob("../../examples/*.json")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range append(files, "../../cdk.json") {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if app := decodeJSON(t, string(text))["app"]; app != appCommand {
			t.Errorf("%s: app is %q, want %q", file, app, appCommand)
		}
	}
}
