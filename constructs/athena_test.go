package constructs_test

import (
	"encoding/base64"
	"encoding/json"
	"os/exec"
	"slices"
	"strings"
	"testing"

	"firehose-pipeline/schema"
	"firehose-pipeline/settings"
)

const namedQuery = "AWS::Athena::NamedQuery"

func TestWorkGroup(t *testing.T) {
	everyVariant(t, func(t *testing.T, config settings.Settings, template *template) {
		id, group := template.one(t, "AWS::Athena::WorkGroup", "Athena")
		const results = "WorkGroupConfiguration.ManagedQueryResultsConfiguration"
		for path, value := range map[string]any{
			"Name":                  config.StackName(),
			"RecursiveDeleteOption": true,
			"WorkGroupConfiguration.BytesScannedCutoffPerQuery":          float64(100 << 30),
			"WorkGroupConfiguration.EnforceWorkGroupConfiguration":       true,
			"WorkGroupConfiguration.EngineVersion.SelectedEngineVersion": "Athena engine version 3",
			results + ".Enabled": true,
			results + ".EncryptionConfiguration.KmsKey": map[string]any{
				"Fn::GetAtt": []any{"EncryptionKey514CDF8F", "Arn"}},
		} {
			want(t, group.Properties, path, value)
		}
		// Athena refuses both kinds of results in one workgroup.
		wantAbsent(t, group.Properties, "WorkGroupConfiguration.ResultConfiguration")
		for name, query := range template.of(namedQuery) {
			want(t, query.Properties, "WorkGroup", map[string]any{"Ref": id})
			if !template.needs(name)[id] {
				t.Errorf("%s: must come after the workgroup", name)
			}
		}
	})
}

// The view's text is read by Athena as it is: the query, and the name and Trino's type of each column that it returns.
func TestViewIsWrittenAsAthenaReadsIt(t *testing.T) {
	everyVariant(t, func(t *testing.T, _ settings.Settings, template *template) {
		_, table := template.one(t, "AWS::Glue::Table", "DataLake")
		id, view := template.one(t, "AWS::Glue::Table", "AthenaEventsOnce")
		tableID, _ := template.one(t, "AWS::Glue::Table", "DataLake")
		if !template.needs(id)[tableID] {
			t.Errorf("%s: must come after the table", id)
		}
		want(t, view.Properties, "TableInput.TableType", "VIRTUAL_VIEW")
		want(t, view.Properties, "TableInput.Parameters.presto_view", "true")
		want(t, view.Properties, "TableInput.Parameters.comment", "Presto View")
		wantAbsent(t, view.Properties, "TableInput.Description") // would hide the view from Trino
		original, _ := at(view.Properties, "TableInput.ViewOriginalText")
		encoded, begins := strings.CutPrefix(original.(string), "/* Presto View: ")
		encoded, ends := strings.CutSuffix(encoded, " */")
		text, err := base64.StdEncoding.DecodeString(encoded)
		if !begins || !ends || err != nil {
			t.Fatalf("text of the view: must be base64 in a comment (got %.80s, %v)", original, err)
		}
		var definition struct {
			OriginalSQL, Catalog, Schema string
			RunAsInvoker                 bool
			Columns                      []struct{ Name, Type string }
		}
		if err := json.Unmarshal(text, &definition); err != nil {
			t.Fatal(err)
		}
		database, _ := at(view.Properties, "DatabaseName")
		if definition.Catalog != "awsdatacatalog" || definition.Schema != database || !definition.RunAsInvoker {
			t.Errorf("view: must look in awsdatacatalog.%s, as its caller (got %s.%s, %v)", database, definition.Catalog,
				definition.Schema, definition.RunAsInvoker)
		}
		var expected, glue, inText []string
		for _, list := range []string{"TableInput.StorageDescriptor.Columns", "TableInput.PartitionKeys"} {
			columns, _ := at(table.Properties, list)
			expected = append(expected, namesAndTypes(columns)...)
		}
		columns, _ := at(view.Properties, "TableInput.StorageDescriptor.Columns")
		glue = namesAndTypes(columns)
		for _, c := range definition.Columns {
			inText = append(inText, c.Name+" "+c.Type)
		}
		if !slices.Equal(glue, expected) {
			t.Errorf("columns of the view: must be those of the table\n%v\n(got\n%v)", expected, glue)
		}
		for i, column := range expected {
			name, hive, _ := strings.Cut(column, " ")
			expected[i] = name + " " + schema.TrinoType(hive)
		}
		if !slices.Equal(inText, expected) {
			t.Errorf("columns in the view's text: must be\n%v\n(got\n%v)", expected, inText)
		}
		_, query := template.one(t, namedQuery, "AthenaCreateView")
		want(t, query.Properties, "QueryString", "CREATE OR REPLACE VIEW events_once AS\n"+definition.OriginalSQL)
	})
}

func namesAndTypes(columns any) (found []string) {
	for _, c := range columns.([]any) {
		column := c.(map[string]any)
		found = append(found, column["Name"].(string)+" "+column["Type"].(string))
	}
	return found
}

// The table finds the error objects where the streams write them.
func TestFailuresTableIsWhereStreamsWriteErrors(t *testing.T) {
	template := synth(t, variants["dev"])
	_, table := template.one(t, "AWS::Glue::Table", "AthenaFailures")
	parameters, _ := at(table.Properties, "TableInput.Parameters")
	_, location, _ := strings.Cut(render(parameters.(map[string]any)["storage.location.template"]), "}/")
	for stream, property := range map[string]string{
		"lake":   "ExtendedS3DestinationConfiguration.ErrorOutputPrefix",
		"search": "AmazonopensearchserviceDestinationConfiguration.S3Configuration.ErrorOutputPrefix",
	} {
		prefix := strings.NewReplacer("${stream}", stream, "${error_type}", "!{firehose:error-output-type}",
			"${year}", "!{timestamp:yyyy}",
			"${month}", "!{timestamp:MM}", "${day}", "!{timestamp:dd}", "${hour}", "!{timestamp:HH}",
		).Replace(location)
		_, resource := template.one(t, firehose, strings.ToUpper(stream[:1])+stream[1:]+"Stream")
		want(t, resource.Properties, property, prefix)
		if values := parameters.(map[string]any)["projection.stream.values"]; !strings.Contains(values.(string), stream) {
			t.Errorf("stream: must be projected to %s (got %s)", stream, values)
		}
	}
}

// The command waits for the query, and prints rows or the reason of a failure.
func TestQueryAthenaCommand(t *testing.T) {
	if _, err := exec.LookPath("bash"); err != nil {
		t.Skip("bash is not here")
	}
	command := render(synth(t, variants["dev"]).Outputs["QueryAthenaCommand"]["Value"])
	command = strings.NewReplacer("${AWS::Region}", "eu-west-1", "${", "", "}", "").Replace(command)
	for end, want := range map[string]string{"SUCCEEDED": "rows of id-1", "FAILED": "why id-1 failed"} {
		stub := `states=$(mktemp); printf 'QUEUED\nRUNNING\n` + end + `\n' >"$states"; sleep() { :; }
aws() {
  [[ "$* " == *" --region eu-west-1 "* ]] || { echo "no region: $*" >&2; exit 1; }
  case "$2 $*" in
  get-named-query*AthenaEventsPerHour*) echo "SELECT 1" ;;
  start-query-execution*--work-group\ AthenaWorkGroup*Database=kinesis_firehose_pipeline_dev*"SELECT 1"*) echo id-1 ;;
  get-query-execution*id-1*State\ *) head -n 1 "$states"; sed -i 1d "$states" ;;
  get-query-execution*id-1*StateChangeReason*) echo "why id-1 failed" ;;
  get-query-results*id-1*) echo "rows of id-1" ;;
  *) echo "unexpected: $*" >&2; exit 1 ;;
  esac
}
`
		out, err := exec.Command("bash", "-uc", stub+command).CombinedOutput()
		if got := strings.TrimSpace(string(out)); err != nil || got != want {
			t.Errorf("%s: must print %q (got %q, %v)", end, want, got, err)
		}
	}
}
