package constructs_test

import (
	"reflect"
	"slices"
	"strings"
	"testing"

	"firehose-pipeline/internal/testkit/shopschema"
	"firehose-pipeline/schema"
	"firehose-pipeline/settings"
)

func TestTableHasTheColumnsOfTheSchema(t *testing.T) {
	everyVariant(t, func(t *testing.T, config settings.Settings, template *template) {
		_, table := template.one(t, "AWS::Glue::Table", "DataLake")
		columns, _ := at(table.Properties, "TableInput.StorageDescriptor.Columns")
		var got []schema.Column
		for _, c := range columns.([]any) {
			column := c.(map[string]any)
			got = append(got,
				schema.Column{Name: column["Name"].(string), Type: column["Type"].(string), Comment: column["Comment"].(string)})
		}
		if !slices.Equal(got, shopschema.Load().Columns()) {
			t.Errorf("columns: must be\n%v\n(got\n%v)", shopschema.Load().Columns(), got)
		}
		// Every partition key needs its projection, or every query fails.
		keys, _ := at(table.Properties, "TableInput.PartitionKeys")
		for _, key := range keys.([]any) {
			name := key.(map[string]any)["Name"].(string)
			parameters, _ := at(table.Properties, "TableInput.Parameters")
			if parameters.(map[string]any)["projection."+name+".type"] == nil ||
				parameters.(map[string]any)["projection."+name+".range"] == nil {
				t.Errorf("partition key %s: has no projection", name)
			}
		}
		want(t, table.Properties, "TableInput.Parameters.classification", config.DataFormat)
	})
}

// Values that Athena and Trino read differently, or reject, without an error in the table. A year as a date with the
// interval YEARS, or in the format yyyy, fails every query of Trino.
func TestTableIsReadAsItIsWritten(t *testing.T) {
	serde := map[string]map[string]any{
		"parquet": {"serialization.format": "1"}, // by name by default
		"orc":     {"serialization.format": "1", "orc.column.index.access": "false"},
		"json":    {"serialization.format": "1", "case.insensitive": "false", "ignore.malformed.json": "true"},
	}
	projected := map[string]string{"year": "2024,2040", "month": "1,12", "day": "1,31", "hour": "0,23"}
	everyVariant(t, func(t *testing.T, config settings.Settings, template *template) {
		_, table := template.one(t, "AWS::Glue::Table", "DataLake")
		got, _ := at(table.Properties, "TableInput.StorageDescriptor.SerdeInfo.Parameters")
		if expected := serde[config.DataFormat]; !reflect.DeepEqual(got, expected) {
			t.Errorf("SerDe of %s: must have the parameters %v (got %v)", config.DataFormat, expected, got)
		}
		value, _ := at(table.Properties, "TableInput.Parameters")
		parameters := value.(map[string]any)
		for key, values := range projected {
			if kind, of := parameters["projection."+key+".type"], parameters["projection."+key+".range"]; kind != "integer" ||
				of != values {
				t.Errorf("%s: must be projected as integer %s (got %v %v)", key, values, kind, of)
			}
		}
		for name := range parameters {
			if strings.HasSuffix(name, ".format") || strings.Contains(name, ".interval") {
				t.Errorf("%s: is for dates", name)
			}
		}
	})
}
