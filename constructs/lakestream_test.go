package constructs_test

import (
	"reflect"
	"testing"
)

// synthSchema synthesises the stack of a context with an event schema of these properties.
func synthSchema(t *testing.T, context, properties string) *template {
	t.Helper()
	return synthWithSchema(t, load(t, context), `{"type": "object", "properties": {`+properties+`}}`)
}

// A column has lower-case letters, digits and underscores. Where an event's key has others, format conversion and Athena need the key by the
// column, or the column is null in every row.
func TestColumnsHaveTheKeysOfEvents(t *testing.T) {
	const properties = `"deviceId": {"type": "string"}, "site.name": {"type": "string"}, "plain": {"type": "string"}`
	keys := map[string]any{"device_id": "deviceId", "site_name": "site.name"}
	for _, format := range []string{"parquet", "orc"} {
		_, stream := synthSchema(t, `{"enableOpenSearch": false, "dataFormat": "`+format+`"}`, properties).
			one(t, "AWS::KinesisFirehose::DeliveryStream", "LakeStream")
		got, _ := at(stream.Properties, "ExtendedS3DestinationConfiguration.DataFormatConversionConfiguration."+
			"InputFormatConfiguration.Deserializer.OpenXJsonSerDe.ColumnToJsonKeyMappings")
		if !reflect.DeepEqual(got, keys) {
			t.Errorf("%s: must convert with the keys %v (got %v)", format, keys, got)
		}
	}
	_, table := synthSchema(t, `{"enableOpenSearch": false, "dataFormat": "json"}`, properties).one(t, "AWS::Glue::Table", "DataLake")
	value, _ := at(table.Properties, "TableInput.StorageDescriptor.SerdeInfo.Parameters")
	parameters, _ := value.(map[string]any)
	for column, key := range keys {
		if parameters["mapping."+column] != key {
			t.Errorf("json: mapping.%s must be %v (got %v)", column, key, parameters)
		}
	}
	if parameters["mapping.plain"] != nil {
		t.Errorf("json: mapping.plain must be absent (got %v)", parameters)
	}
}
