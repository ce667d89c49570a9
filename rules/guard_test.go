package rules

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

func find(t *testing.T) Guard {
	t.Helper()
	guard, err := Find("../node_modules")
	if err != nil {
		t.Fatal(err)
	}
	return guard
}

var (
	ruleName    = regexp.MustCompile(`(?m)^rule ([A-Z][A-Z0-9_]+)`)
	expectation = regexp.MustCompile(`expectations: \{rules: \{([A-Z0-9_]+): (PASS|FAIL|SKIP)\}\}`)
)

// readRuleNames returns the names of the rules. Those in small letters are parts of rules.
func readRuleNames(t *testing.T) []string {
	t.Helper()
	var names []string
	for _, match := range ruleName.FindAllSubmatch(Text, -1) {
		names = append(names, string(match[1]))
	}
	if len(names) == 0 {
		t.Fatal("firehose.guard has no rules")
	}
	return names
}

// Guard's own unit tests: cfn-guard test.
func TestRules(t *testing.T) {
	guard := find(t)
	files, err := filepath.Glob("tests/*.yaml")
	if err != nil || len(files) == 0 {
		t.Fatalf("tests: want files (got %v, %v)", files, err)
	}
	for _, file := range files {
		output, err := exec.CommandContext(t.Context(), guard.Executable,
			"test", "--rules-file", "firehose.guard", "--test-data", file).CombinedOutput()
		if err != nil {
			t.Errorf("%s: %v\n%s", file, err, output)
		}
	}
}

// cfn-guard test does not fail for a rule without a test.
func TestEachRuleHasAPassingAndAFailingTemplate(t *testing.T) {
	results := map[string][]string{}
	files, err := filepath.Glob("tests/*.yaml")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		found := expectation.FindAllSubmatch(text, -1)
		if cases := strings.Count(string(text), "\n- name: "); len(found) != cases {
			t.Errorf("%s: %d cases and %d expectations", file, cases, len(found))
		}
		for _, match := range found {
			results[string(match[1])] = append(results[string(match[1])], string(match[2]))
		}
	}
	names := readRuleNames(t)
	for _, name := range names {
		for _, result := range []string{"PASS", "FAIL"} {
			if !slices.Contains(results[name], result) {
				t.Errorf("%s: has no case with %s", name, result)
			}
		}
	}
	for name := range results {
		if !slices.Contains(names, name) {
			t.Errorf("tests: there is no rule %s", name)
		}
	}
}

// A rule names its source: the comment above it, or above the group that it is in.
func TestEachRuleHasASource(t *testing.T) {
	source := false
	for line := range strings.Lines(string(Text)) {
		if strings.HasPrefix(line, "# ----") {
			source = strings.Contains(line, "https://")
		} else if strings.HasPrefix(line, "# https://") {
			source = true
		}
		if match := ruleName.FindStringSubmatch(line); match != nil && !source {
			t.Errorf("%s: has no source", match[1])
		}
	}
}

// Each rule is in the table of docs/rules.md.
func TestRulesAreDocumented(t *testing.T) {
	page, err := os.ReadFile("../docs/rules.md")
	if err != nil {
		t.Fatal(err)
	}
	rows := regexp.MustCompile("(?m)^\\| `([A-Z][A-Z0-9_]+)` \\|").FindAllStringSubmatch(string(page), -1)
	var documented []string
	for _, row := range rows {
		documented = append(documented, row[1])
	}
	if names := readRuleNames(t); !slices.Equal(documented, names) {
		t.Errorf("docs/rules.md: must have the rules of firehose.guard in their order (got %v, want %v)", documented, names)
	}
}

// Templates after AWS's documented examples, with the short forms of YAML: no finding; and each fault is found in the
// resource that has it.
func TestThirdPartyTemplates(t *testing.T) {
	guard := find(t)
	for _, c := range []struct{ file, have, spoiled, rule, resource, property string }{
		{"s3-with-lambda", "firehose.amazonaws.com", "glue.amazonaws.com", "FIREHOSE_ROLE_TRUST", "DeliveryRole", ""},
		{"s3-with-lambda", "Timeout: 60", "Timeout: 600", "FIREHOSE_LAMBDA_TIMEOUT", "TransformFunction", "Properties.Timeout"},
		{"s3-with-lambda", "Enabled: true", "Enabled: false", "FIREHOSE_PROCESSING_ENABLED", "DeliveryStream",
			"Properties.ExtendedS3DestinationConfiguration.ProcessingConfiguration.Enabled"},
		{"s3-with-lambda", "AWS/Firehose", "AWS/KinesisFirehose", "ALARM_NAMESPACE", "NotDelivered", "Properties.Namespace"},
		{"kinesis-to-opensearch", ":root", ":user/admin", "KEY_ADMITS_FIREHOSE", "Key", ""},
		{"kinesis-to-opensearch", "Service: cloudwatch", "Service: events", "KEY_ADMITS_ALARMS", "Key", ""},
		{"kinesis-to-opensearch", "logs.${", "events.${", "KEY_ADMITS_LOGS", "Key", ""},
		{"kinesis-to-opensearch", "DeliveryStreamType: KinesisStreamAsSource", "DeliveryStreamType: DirectPut",
			"FIREHOSE_KINESIS_SOURCE_TYPE", "DeliveryStream", "Properties.DeliveryStreamType"},
		{"kinesis-to-opensearch", "EnforceHTTPS: true", "EnforceHTTPS: false", "OPENSEARCH_FINE_GRAINED", "Domain",
			"Properties.DomainEndpointOptions.EnforceHTTPS"},
		{"kinesis-to-opensearch", "Name: ClientId", "Name: Account", "ALARM_DOMAIN_DIMENSIONS", "ClusterRed", ""},
	} {
		good := filepath.Join("testdata", c.file+".yaml")
		text, err := os.ReadFile(good)
		if err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(string(text), c.have) {
			t.Fatalf("%s: has no %s", good, c.have)
		}
		bad := filepath.Join(t.TempDir(), "bad.yaml")
		if err := os.WriteFile(bad, []byte(strings.ReplaceAll(string(text), c.have, c.spoiled)), 0o600); err != nil {
			t.Fatal(err)
		}
		findings, err := guard.Check(t.Context(), good, bad)
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range findings {
			if f.Template != bad || f.Rule != c.rule || f.Resource != c.resource ||
				c.property != "" && f.Property != c.property || f.Message == "" {
				t.Errorf("%s: got %s", c.spoiled, f)
			}
		}
		if len(findings) == 0 {
			t.Errorf("%s: %s: got no finding", c.file, c.spoiled)
		}
	}
}

func TestTemplatesThatCannotBeRead(t *testing.T) {
	guard := find(t)
	broken := filepath.Join(t.TempDir(), "broken.json")
	if err := os.WriteFile(broken, []byte(`{"Resources": {`), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, file := range []string{broken, "testdata/absent.yaml"} {
		if findings, err := guard.Check(t.Context(), file); err == nil {
			t.Errorf("%s: must be an error (got %v)", file, findings)
		}
	}
	guard.Executable = filepath.Join(t.TempDir(), "cfn-guard")
	if _, err := guard.Check(t.Context(), "testdata/s3-with-lambda.yaml"); err == nil {
		t.Error("must be an error: there is no such executable")
	}
}

func TestFindWithoutAnInstallation(t *testing.T) {
	if _, err := Find(t.TempDir()); err == nil || !strings.Contains(err.Error(), "npm ci") {
		t.Errorf("must be an error that names npm ci (got %v)", err)
	}
}
