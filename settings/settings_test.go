package settings

import (
	"bytes"
	"encoding/json"
	"errors"
	"flag"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode"

	"firehose-pipeline/internal/testkit/casefile"
)

var update = flag.Bool("update", false, "rewrite the expectations of constructs/testdata/settings; review the errors by eye")

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

func TestTableNamesEveryFieldOnce(t *testing.T) {
	var s Settings
	rows := table(&s)
	var keys []string
	for _, field := range reflect.VisibleFields(reflect.TypeFor[Settings]()) {
		keys = append(keys, field.Tag.Get("json"))
	}
	if len(keys) != len(rows) {
		t.Errorf("got %d rows for %d fields", len(rows), len(keys))
	}
	for i, row := range rows {
		if !slices.Contains(keys, row.key) {
			t.Errorf("%s: no such field", row.key)
		}
		if slices.ContainsFunc(rows[:i], func(other setting) bool { return other.key == row.key }) {
			t.Errorf("%s: two rows", row.key)
		}
	}
	// Each row must point at the field whose name it has: only that one may change through it.
	for i := range rows {
		var one Settings
		row := table(&one)[i]
		before := fields(t, one)
		switch f := row.field.(type) {
		case integer:
			*f.to = 77
		case boolean:
			*f.to = true
		case choice:
			*f.to = "other"
		case vpc:
			*f.to = VPC{New: true}
		case version:
			*f.to = "other"
		case text:
			*f.to = "other"
		case list:
			*f.to = []string{"other"}
		default:
			t.Fatalf("%s: unknown field %T", row.key, f)
		}
		var changed []string
		for key, value := range fields(t, one) {
			if !bytes.Equal(value, before[key]) {
				changed = append(changed, key)
			}
		}
		if !slices.Equal(changed, []string{row.key}) {
			t.Errorf("%s: the row sets %v", row.key, changed)
		}
	}
}

func TestListIsTrue(t *testing.T) {
	list := List()
	if len(list) != len(table(&Settings{})) {
		t.Fatalf("got %d settings", len(list))
	}
	for _, environment := range Environments() {
		s := load1(t, `{"environment": "`+environment+`", "dataFormat": "json"}`) // json leaves bufferSizeMB as it is
		rows := table(&s)
		for i, setting := range list {
			want := string(rows[i].field.raw())
			switch setting.Key {
			case "environment", "dataFormat":
				continue
			case "openSearchAdminRoleArns", "openSearchReaderRoleArns":
				want = "[]"
			}
			if got := setting.Defaults[environment]; got != want {
				t.Errorf("%s: default in %s: got %s, want %s", setting.Key, environment, got, want)
			}
		}
	}
	for _, setting := range list {
		if setting.Accepts == "" || setting.Description == "" || strings.HasSuffix(setting.Description, ".") {
			t.Errorf("%s: accepts %q, description %q", setting.Key, setting.Accepts, setting.Description)
		}
	}
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

func TestNotes(t *testing.T) {
	const quiet = `"dataFormat": "json", "openSearchReaderRoleArns": "arn:aws:iam::111122223333:role/Reader"`
	for _, test := range []struct {
		name, context string
		want          int
	}{
		{"nothing to say", `{` + quiet + `}`, 0},
		{"nothing about roles without a domain", `{"dataFormat": "json", "enableOpenSearch": false}`, 0},
		{"block with the same value", `{` + quiet + `, "logLevel": "warn", "bufferSizeMB": "7", "environments": {"dev": {"logLevel": "warn", "bufferSizeMB": 7}}}`, 0},
		{"block with another value", `{` + quiet + `, "logLevel": "warn", "environments": {"dev": {"logLevel": "info"}}}`, 1},
		{"block of another environment", `{` + quiet + `, "logLevel": "warn", "environments": {"staging": {"logLevel": "info"}}}`, 0},
		{"buffer that is large enough", `{"openSearchAdminRoleArns": ["arn:aws:iam::111122223333:role/A"], "bufferSizeMB": 64}`, 0},
	} {
		t.Run(test.name, func(t *testing.T) {
			_, notes, err := Load([]byte(test.context), none)
			if err != nil {
				t.Fatal(err)
			}
			if len(notes) != test.want {
				t.Errorf("got %q, want %d", notes, test.want)
			}
		})
	}
}

func TestNames(t *testing.T) {
	t.Run("a short stack name is the domain's", func(t *testing.T) {
		s := Settings{ResourcePrefix: "clicks", Environment: Production}
		if s.StackName() != "clicks-production" || s.DomainName() != "clicks-production" {
			t.Errorf("got %s, %s", s.StackName(), s.DomainName())
		}
	})
	t.Run("28 characters need no hash", func(t *testing.T) {
		s := Settings{ResourcePrefix: "a23456789012345678901234", Environment: Dev}
		if got := s.DomainName(); got != s.StackName() || len(got) != 28 {
			t.Errorf("got %s", got)
		}
	})
	t.Run("the default name never changes", func(t *testing.T) {
		for environment, want := range map[string]string{
			Dev: "kinesis-firehose-dev-b042b4", Staging: "kinesis-fireh-staging-205231", Production: "kinesis-fi-production-e9ae74",
		} {
			s := Settings{ResourcePrefix: "kinesis-firehose-pipeline", Environment: environment}
			if got := s.DomainName(); got != want {
				t.Errorf("%s: got %s, want %s", environment, got, want)
			}
		}
	})
	t.Run("other stacks have other domains", func(t *testing.T) {
		a := Settings{ResourcePrefix: "kinesis-firehose-pipeline-a", Environment: Production}
		b := Settings{ResourcePrefix: "kinesis-firehose-pipeline-b", Environment: Production}
		if a.DomainName() == b.DomainName() {
			t.Errorf("both are %s", a.DomainName())
		}
	})
	t.Run("the longest function name fits", func(t *testing.T) {
		s := Settings{ResourcePrefix: strings.Repeat("a", maxPrefix), Environment: Production}
		if name := s.StackName() + longestSuffix; len(name) != 64 {
			t.Errorf("%s has %d characters", name, len(name))
		}
	})
}

var domainForm = regexp.MustCompile(`^[a-z][a-z0-9-]{1,26}[a-z0-9]$`)

func TestHelpers(t *testing.T) {
	dev, production := load1(t, `{}`), load1(t, `{"environment": "production", "dataFormat": "json", "openSearchIndexRotation": "NoRotation"}`)
	if !dev.Conversion() || production.Conversion() {
		t.Error("Conversion: parquet converts, json does not")
	}
	if dev.IndexPattern() != "realtime-events-2*" || production.IndexPattern() != "realtime-events" {
		t.Errorf("IndexPattern: got %s, %s", dev.IndexPattern(), production.IndexPattern())
	}
	if dev.Replicas() != 0 || production.Replicas() != 1 {
		t.Errorf("Replicas: got %d, %d", dev.Replicas(), production.Replicas())
	}
	if dev.PayloadLimitMiB() != 10 || production.PayloadLimitMiB() != 100 {
		t.Errorf("PayloadLimitMiB: got %d, %d", dev.PayloadLimitMiB(), production.PayloadLimitMiB())
	}
	if dev.Graviton() || !production.Graviton() {
		t.Error("Graviton: t3 is not, r6g is")
	}
	if !dev.Burstable() || production.Burstable() {
		t.Error("Burstable: t3 is, r6g is not")
	}
	if err := dev.Validate(); err != nil {
		t.Errorf("Validate: %v", err)
	}
	dev.OpenSearchZoneCount = 2
	if err := dev.Validate(); err == nil || err.Error() != "openSearchZoneCount: 2 zones take an even number of data nodes (openSearchInstanceCount is 1)" {
		t.Errorf("Validate: got %v", err)
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
			s, _, err := fromEnvironment(func(name string) (string, bool) { value, ok := variables[name]; return value, ok }, read)
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

func TestSuggest(t *testing.T) {
	known := []string{"bufferSizeMB", "bufferIntervalSeconds", "vpc", "openSearchShards"}
	for unknown, want := range map[string]string{
		"bufferSize":            "bufferSizeMB",
		"BUFFER_SIZE_MB":        "bufferSizeMB",
		"buffer-size-mb":        "bufferSizeMB",
		"bufferIntervalSecond":  "bufferIntervalSeconds",
		"opensearchShards":      "openSearchShards",
		"VPC":                   "vpc",
		"":                      "",
		"x":                     "",
		"colour":                "",
		strings.Repeat("v", 99): "",
	} {
		if got := suggest(unknown, known); got != want {
			t.Errorf("%q: got %q, want %q", unknown, got, want)
		}
	}
}

func TestDefaultTypesFitTheirEnvironment(t *testing.T) {
	for family, sizes := range gp3Volumes {
		for size := range sizes {
			for _, environment := range Environments() {
				name := family + "." + size + ".search"
				if _, _, err := Load([]byte(`{"environment": "`+environment+`", "openSearchInstanceType": "`+name+`"}`), none); err != nil {
					t.Errorf("%s in %s: %v", name, environment, err)
				}
			}
		}
	}
}

func TestDefaultZonesFitEveryCount(t *testing.T) {
	for wanted := 1; wanted <= 3; wanted++ {
		for nodes := 1; nodes <= 200; nodes++ {
			z := zones(wanted, nodes)
			if z == 2 && nodes%2 != 0 || z == 3 && nodes < 3 || wanted == 1 && z != 1 {
				t.Errorf("%d nodes, %d zones wanted: got %d", nodes, wanted, z)
			}
		}
	}
}

func FuzzLoad(f *testing.F) {
	files, err := casefile.Read(cases)
	if err != nil {
		f.Fatal(err)
	}
	for _, c := range files {
		f.Add(c.Context, c.Env["ENVIRONMENT"], c.Env["BUFFER_SIZE_MB"], c.Env["OPENSEARCH_INSTANCE_TYPE"], c.Env["OPENSEARCH_INSTANCE_COUNT"])
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
			again[row.key] = row.field.raw()
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
