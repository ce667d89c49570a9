package settings

import (
	"bytes"
	"encoding/json"
	"errors"
	"flag"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"unicode"

	"firehose-pipeline/internal/testkit/casefile"
)

var update = flag.Bool(
	"update",
	false,
	"rewrite the expectations of constructs/testdata/settings; review the errors by eye",
)

const cases = "../constructs/testdata/settings"

func TestCases(t *testing.T) {
	files, err := casefile.Read(cases)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range files {
		t.Run(c.Name, func(t *testing.T) {
			s, notes, err := Load(c.Context, c.Lookup)
			var problems Problems
			if err != nil && !errors.As(err, &problems) {
				t.Fatalf("error: got %T, want Problems", err)
			}
			if *update {
				rewrite(t, c, s, notes, problems)
				return
			}
			if want := c.Errors; !slices.Equal(problems, want) {
				t.Fatalf("errors: got\n%s\nwant\n%s", strings.Join(problems, "\n"), strings.Join(want, "\n"))
			}
			values := fields(t, s)
			for _, want := range c.Settings {
				if got := values[want.Key]; !bytes.Equal(got, compact(t, want.JSON)) {
					t.Errorf("%s: got %s, want %s", want.Key, got, want.JSON)
				}
			}
			for _, want := range c.Notes {
				if !slices.Contains(notes, want) {
					t.Errorf("note: got\n%s\nwant\n%s", strings.Join(notes, "\n"), want)
				}
			}
		})
	}
}

func rewrite(t *testing.T, c *casefile.Case, s Settings, notes []string, problems Problems) {
	t.Helper()
	c.Errors = problems
	if problems != nil {
		c.Settings, c.Notes, c.Template = nil, nil, nil
	} else {
		values := fields(t, s)
		for i := range c.Settings {
			c.Settings[i].JSON = values[c.Settings[i].Key]
		}
		if c.Notes != nil || c.Settings == nil && c.Template == nil {
			c.Notes = notes
		}
	}
	if err := os.WriteFile(filepath.Join(cases, c.Name+".txt"), c.Text(), 0o644); err != nil {
		t.Fatal(err)
	}
}

// fields returns the settings' fields by key, as JSON.
func fields(t *testing.T, s Settings) map[string]json.RawMessage {
	t.Helper()
	text, err := json.Marshal(s)
	if err != nil {
		t.Fatal(err)
	}
	var values map[string]json.RawMessage
	if err := json.Unmarshal(text, &values); err != nil {
		t.Fatal(err)
	}
	return values
}

func compact(t *testing.T, raw json.RawMessage) []byte {
	t.Helper()
	var out bytes.Buffer
	if err := json.Compact(&out, raw); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func none(string) (string, bool) { return "", false }

func load1(t *testing.T, context string) Settings {
	t.Helper()
	s, _, err := Load([]byte(context), none)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestEveryFieldIsRefused(t *testing.T) {
	files, err := casefile.Read(cases)
	if err != nil {
		t.Fatal(err)
	}
	refused := map[string]bool{}
	for _, c := range files {
		for _, line := range c.Errors {
			key, _, _ := strings.Cut(line, ":")
			refused[key] = true
		}
	}
	for _, setting := range List() {
		if !refused[setting.Key] {
			t.Errorf("%s: no case refuses a value of it", setting.Key)
		}
	}
}

func TestFromEnvironment(t *testing.T) {
	files := map[string]string{
		"rest.json":  `{"bufferSizeMB": 100, "@aws-cdk/core:x": true}`,
		"twice.json": `{"logLevel": "info"}`,
		"bad.json":   `[]`,
	}
	read := func(path string) ([]byte, error) {
		text, ok := files[path]
		if !ok {
			return nil, &os.PathError{Op: "open", Path: path, Err: os.ErrNotExist}
		}
		return []byte(text), nil
	}
	for _, test := range []struct{ name, context, overflow, want string }{
		{"context in the variable", `{"logLevel": "warn"}`, "", ""},
		{"rest in a file", `{"logLevel": "warn"}`, "rest.json", ""},
		{"no context at all", "", "", ""},
		{"context that is no object", `5`, "", "CDK_CONTEXT_JSON: must be a JSON object (got 5)"},
		{"file that is missing", `{}`, "gone.json", "CONTEXT_OVERFLOW_LOCATION_ENV: open gone.json: file does not exist"},
		{"file that is no object", `{}`, "bad.json", "bad.json: must be a JSON object (got [])"},
		{"key in both", `{"logLevel": "warn"}`, "twice.json", "logLevel: given more than once"},
	} {
		t.Run(test.name, func(t *testing.T) {
			variables := map[string]string{"CDK_CONTEXT_JSON": test.context, "CONTEXT_OVERFLOW_LOCATION_ENV": test.overflow}
			s, _, err := fromEnvironment(func(name string) (string, bool) { value, ok := variables[name]; return value, ok },
				read)
			if test.want != "" {
				if err == nil || err.Error() != test.want {
					t.Fatalf("got %v, want %s", err, test.want)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if (s.LogLevel == "warn") != (test.context != "") || (s.BufferSizeMB == 100) != (test.overflow != "") {
				t.Errorf("got log level %s, buffer size %d", s.LogLevel, s.BufferSizeMB)
			}
		})
	}
	t.Run("process environment", func(t *testing.T) {
		t.Setenv("CDK_CONTEXT_JSON", `{"logLevel": "debug"}`)
		t.Setenv("CONTEXT_OVERFLOW_LOCATION_ENV", "")
		t.Setenv("ENVIRONMENT", "staging")
		s, _, err := FromEnvironment()
		if err != nil {
			t.Fatal(err)
		}
		if s.LogLevel != "debug" || s.Environment != Staging {
			t.Errorf("got %s, %s", s.LogLevel, s.Environment)
		}
	})
}

func FuzzLoad(f *testing.F) {
	files, err := casefile.Read(cases)
	if err != nil {
		f.Fatal(err)
	}
	for _, c := range files {
		f.Add(c.Context, c.Env["ENVIRONMENT"], c.Env["BUFFER_SIZE_MB"], c.Env["OPENSEARCH_INSTANCE_TYPE"],
			c.Env["OPENSEARCH_INSTANCE_COUNT"])
	}
	f.Fuzz(func(t *testing.T, context []byte, environment, buffer, instance, count string) {
		variables := map[string]string{"ENVIRONMENT": environment, "BUFFER_SIZE_MB": buffer,
			"OPENSEARCH_INSTANCE_TYPE": instance, "OPENSEARCH_INSTANCE_COUNT": count}
		s, notes, err := Load(context, func(name string) (string, bool) { value, ok := variables[name]; return value, ok })
		if err != nil {
			if !reflect.DeepEqual(s, Settings{}) || notes != nil {
				t.Error("settings or notes beside an error")
			}
			var problems Problems
			if !errors.As(err, &problems) || len(problems) == 0 {
				t.Fatalf("got %T: %v", err, err)
			}
			for _, line := range problems {
				if strings.ContainsFunc(line, func(r rune) bool { return !unicode.IsPrint(r) }) {
					t.Errorf("not one printable line: %q", line)
				}
			}
			return
		}
		if err := s.Validate(); err != nil {
			t.Errorf("a rule is broken: %v", err)
		}
		if name := s.DomainName(); !domainForm.MatchString(name) {
			t.Errorf("domain name %s", name)
		}
		// The settings, given as they are, are settings again, and the same.
		again := map[string]json.RawMessage{}
		for _, row := range table(&s) {
			again[row.key] = row.field.encodeValue()
		}
		text, err := json.Marshal(again)
		if err != nil {
			t.Fatal(err)
		}
		second, _, err := Load(text, none)
		if err != nil {
			t.Fatalf("its own values are refused: %v", err)
		}
		if !reflect.DeepEqual(s, second) {
			t.Errorf("got %+v from %+v", second, s)
		}
	})
}
