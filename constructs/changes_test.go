package constructs_test

import (
	"encoding/json"
	"os"
	"slices"
	"strings"
	"testing"

	"firehose-pipeline/settings"
)

// docs/changes.md names every property that the template sets and that CloudFormation cannot change in place.
// testdata/create-only.json is CloudFormation's own word; `make verify` rewrites and compares it.
func TestEveryReplacementIsDocumented(t *testing.T) {
	text, err := os.ReadFile("testdata/create-only.json")
	if err != nil {
		t.Fatal(err)
	}
	var createOnly map[string][]string
	if err := json.Unmarshal(text, &createOnly); err != nil {
		t.Fatal(err)
	}
	page, err := os.ReadFile(fromRoot("docs/changes.md"))
	if err != nil {
		t.Fatal(err)
	}
	everyVariant(t, func(t *testing.T, _ settings.Settings, template *template) {
		for id, r := range template.Resources {
			properties, known := createOnly[r.Type]
			if !known && strings.HasPrefix(r.Type, "AWS::") {
				t.Errorf("constructs/testdata/create-only.json: does not know %s (%s)", r.Type, id)
			}
			for _, property := range properties {
				if _, set := at(r.Properties, property); set && !strings.Contains(string(page), "`"+r.Type+"."+property+"`") {
					t.Errorf("docs/changes.md: does not say what a change of `%s.%s` replaces", r.Type, property)
				}
			}
		}
	})
}

// docs/settings.md has the effect of a change of every setting.
func TestEverySettingIsInTheChanges(t *testing.T) {
	page, err := os.ReadFile(fromRoot("docs/settings.md"))
	if err != nil {
		t.Fatal(err)
	}
	for _, key := range settingKeys(t) {
		_, part, found := strings.Cut(string(page), "\n### `"+key+"`\n")
		if part, _, _ = strings.Cut(part, "\n#"); !found || !strings.Contains(part, "\n- A change: ") {
			t.Errorf("docs/settings.md: does not describe a change of %s", key)
		}
	}
}

// Names and settings that would replace a store of data are pinned: a change of these lines is a migration, not an
// edit.
func TestNamesThatMustNotChange(t *testing.T) {
	template := synth(t, variants["dev"])
	_, domain := template.one(t, "AWS::OpenSearchService::Domain", "SearchDomain")
	want(t, domain.Properties, "DomainName", domainName(t, "dev"))
	want(t, domain.UpdatePolicy, "EnableVersionUpgrade", true)
	_, bucket := template.one(t, "AWS::S3::Bucket", "DataLakeBucket")
	wantAbsent(t, bucket.Properties, "BucketName")
	for _, stream := range template.of(firehose) {
		wantAbsent(t, stream.Properties, "DeliveryStreamName")
	}
	// Logical ids: another id is another resource, and the old one goes, a stream with its buffer, a key with its data.
	for id, kind := range map[string]string{
		"LakeStreamAFCFC743":       firehose,
		"SearchStream13D561C9":     firehose,
		"DataLakeBucketEF1CCA5A":   "AWS::S3::Bucket",
		"DeadLettersQueue631681B1": "AWS::SQS::Queue",
		"EncryptionKey514CDF8F":    "AWS::KMS::Key",
		"SearchDomainCD0E10D2":     "AWS::OpenSearchService::Domain",
	} {
		if template.Resources[id].Type != kind {
			t.Errorf("%s: must be the logical id of the %s (got %v)", id, kind, sortedKeys(template.of(kind)))
		}
	}
}

// Firehose cannot change a stream's backup mode, and CloudFormation reports no error: another mode is another stream,
// which cdk diff shows.
func TestAnotherBackupModeIsAnotherStream(t *testing.T) {
	failed, _ := synth(t, variants["dev"]).one(t, firehose, "SearchStream")
	all, _ := synth(t, variants["openSearchBackup all"]).one(t, firehose, "SearchStream")
	if failed == all {
		t.Errorf("openSearchBackup: must be part of the stream's logical id (got %s for both)", failed)
	}
}

// An update takes rights away before it changes a stream, whose change is in force minutes later: Firehose's rights
// must not depend on its transform or conversion. Those on S3 may: neither source backup nor prefix can go.
func TestStreamsKeepTheirRights(t *testing.T) {
	of := func(variant, role string) (rights []string) {
		for _, s := range statements(t, synth(t, variants[variant])) {
			for _, action := range s.actions {
				if strings.HasPrefix(s.owner, role) && !strings.HasPrefix(action, "s3:") {
					rights = append(rights, action+" "+strings.Join(s.resources, " "))
				}
			}
		}
		slices.Sort(rights)
		return rights
	}
	for _, variant := range []string{
		"enableDataTransformation false", "dataFormat json", "dataFormat orc", "openSearchBackup all",
	} {
		for _, role := range []string{"LakeStreamRole", "SearchWriterRole"} {
			if before, after := of("dev", role), of(variant, role); !slices.Equal(before, after) {
				t.Errorf("%s: %s must keep its rights\n%s\n(got\n%s)", variant, role, strings.Join(before, "\n"),
					strings.Join(after, "\n"))
			}
		}
	}
	for _, function := range []string{
		"kinesis-firehose-pipeline-dev-transform-lake", "kinesis-firehose-pipeline-dev-transform-search",
	} {
		expected := "lambda:InvokeFunction arn:${AWS::Partition}:lambda:${AWS::Region}:${AWS::AccountId}:function:" + function
		rights := append(of("dev", "LakeStreamRole"), of("dev", "SearchWriterRole")...)
		if !slices.Contains(rights,
			expected+" arn:${AWS::Partition}:lambda:${AWS::Region}:${AWS::AccountId}:function:"+function+":*") {
			t.Errorf("streams: must be allowed to call %s by name and by version (got %v)", function, rights)
		}
	}
}
