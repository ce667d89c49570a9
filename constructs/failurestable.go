package constructs

import (
	"fmt"
	"maps"
	"strings"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsglue"
	"github.com/aws/constructs-go/constructs/v10"
	"github.com/aws/jsii-runtime-go"

	"firehose-pipeline/contract"
	"firehose-pipeline/event"
)

// FailuresTableName is the table over Firehose's error objects, in the lake's database.
const FailuresTableName = "failures"

// failureColumns are the columns of the table and the keys of Firehose's error documents (package errorobject); a
// column that a kind of document lacks is null.
var failureColumns = []struct{ name, hiveType, key, comment string }{
	{"error_code", "string", "errorCode", "Of the transform or OpenSearch"},
	{"error_message", "string", "errorMessage", ""},
	{"last_error_code", "string", "lastErrorCode", "Of the format conversion"},
	{"last_error_message", "string", "lastErrorMessage", ""},
	{"attempts_made", "bigint", "attemptsMade", ""},
	{"arrival_timestamp", "bigint", "arrivalTimestamp", "Milliseconds since 1970"},
	{"attempt_ending_timestamp", "bigint", "attemptEndingTimestamp", "Milliseconds since 1970"},
	{"es_index_name", "string", "esIndexName", ""},
	{"es_document_id", "string", "esDocumentId", ""},
	{"raw_data", "string", "rawData", "The record in base64: from_utf8(from_base64(raw_data))"},
}

// errorTypes are the error output types of both streams.
var errorTypes = []string{contract.ProcessingFailed, contract.ConversionFailed, contract.SearchFailed}

// newFailuresTable makes the table over the error objects of both streams. Its first partition keys are the folders of
// [errorPrefix].
func newFailuresTable(scope constructs.Construct, lake *DataLake) awsglue.CfnTable {
	location := "s3://" + *lake.Bucket.BucketName() + "/" + contract.ErrorPrefix
	format := serializations["json"]
	serde := map[string]string{"serialization.format": "1"}
	maps.Copy(serde, format.parameters)
	var columns []any
	for _, c := range failureColumns {
		columns = append(columns, column(c.name, c.hiveType, c.comment))
		serde["mapping."+c.name] = c.key
	}
	keys := append([]any{
		column("stream", "string", "lake or search"),
		column("error_type", "string", "Firehose's error output type"),
	}, partitionKeys()...)
	parameters := map[string]string{
		"EXTERNAL":                     "TRUE",
		"classification":               format.classification,
		"projection.stream.type":       "enum",
		"projection.stream.values":     fmt.Sprintf("%s,%s", event.Lake, event.Search),
		"projection.error_type.type":   "enum",
		"projection.error_type.values": strings.Join(errorTypes, ","),
		"storage.location.template":    location + "${stream}/${error_type}/" + partitionTemplate,
	}
	maps.Copy(parameters, projection())
	table := awsglue.NewCfnTable(scope, jsii.String("Failures"), &awsglue.CfnTableProps{
		CatalogId:    awscdk.Aws_ACCOUNT_ID(),
		DatabaseName: jsii.String(lake.DatabaseName),
		TableInput: &awsglue.CfnTable_TableInputProperty{
			Name:          jsii.String(FailuresTableName),
			Description:   jsii.String("One row a failed record; where clauses should name year, month and day"),
			TableType:     jsii.String("EXTERNAL_TABLE"),
			PartitionKeys: keys,
			Parameters:    parameters,
			StorageDescriptor: &awsglue.CfnTable_StorageDescriptorProperty{
				Location:     jsii.String(location),
				InputFormat:  jsii.String(format.input),
				OutputFormat: jsii.String(format.output),
				SerdeInfo: &awsglue.CfnTable_SerdeInfoProperty{
					SerializationLibrary: jsii.String(format.library),
					Parameters:           serde,
				},
				Columns: columns,
			},
		},
	})
	table.AddResourceDependency(lake.Table, jsii.String("the database is made before it"))
	return table
}
