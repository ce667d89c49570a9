// Package contract has the names that the stack, the functions and the operator's commands must agree on: each is
// written by one of them and read by another, and none of them may import the other. Every name has its one definition
// here.
//
// The package imports nothing but the standard library.
package contract

// Outputs of the stack that the operator's commands read by name.
const (
	OutputLakeStream      = "FirehoseStreamName"
	OutputSearchStream    = "SearchStreamName"
	OutputDataStream      = "DataStreamName" // only with ingestion kinesis
	OutputBucket          = "S3BucketName"
	OutputDeadLetterQueue = "DeadLetterQueueUrl"
	OutputGlueTable       = "GlueTable"          // database.table
	OutputAthenaWorkGroup = "AthenaWorkGroup"    // name of the workgroup for the lake
	OutputSearchEndpoint  = "OpenSearchEndpoint" // with https://
	OutputSearchIndices   = "SearchIndexPattern" // matches the names of all indices
	OutputDropEventTypes  = "DropEventTypes"     // JSON array of strings; only with a transform
	OutputDashboard       = "DashboardName"
	OutputAPIURL          = "ApiUrl" // address of the front door; only with enableApi
)

// Prefixes in the lake's bucket.
const (
	DataPrefix         = "transformed-data/" // location of the table: delivered objects and nothing else
	SourcePrefix       = "source-data/"      // every lake record as received
	SearchBackupPrefix = "search-backup/"    // every search record, with openSearchBackup all
	ErrorPrefix        = "error-data/"       // records that failed: below it the stream, then the error output type
)

// Error output types of Firehose: the folder below the stream's error prefix, by what failed.
// https://docs.aws.amazon.com/firehose/latest/dev/s3-prefixes.html
const (
	ProcessingFailed = "processing-failed"              // the transform
	ConversionFailed = "format-conversion-failed"       // JSON to Parquet or ORC
	SearchFailed     = "AmazonOpenSearchService-failed" // OpenSearch rejected the document, or gave no answer
)

// replayKeys begins the partition keys of replayed records in the data stream that feeds both delivery streams.
// Producers must not use keys that begin so.
const replayKeys = "replay:"

// ReplayKey begins the partition key of a record that is replayed into one store, lake or search: the transform of the
// other one drops it. A random rest spreads the records over the shards.
func ReplayKey(store string) string { return replayKeys + store + ":" }

// MetricNamespace is the CloudWatch namespace of the functions' own metrics, written in the embedded metric format.
const MetricNamespace = "FirehosePipeline"

// Dimensions of these metrics.
const (
	DimensionStack  = "Stack"
	DimensionStream = "Stream" // lake or search
)

// Environment variables of the functions.
const (
	EnvStack              = "STACK"            // name of the stack: the dimension of metrics
	EnvStream             = "STREAM"           // lake or search
	EnvLogLevel           = "LOG_LEVEL"        // debug, info, warn or error
	EnvDropEventTypes     = "DROP_EVENT_TYPES" // JSON array of strings
	EnvDeadLetterQueueURL = "DEAD_LETTER_QUEUE_URL"
	// secret with the key of hashed fields; only when the schema hashes any
	EnvHashSecret        = "HASH_SECRET_ARN"
	EnvEventID           = "EVENT_ID"             // JSON Pointer of the event's id; empty for none
	EnvDeadLetterRawData = "DEAD_LETTER_RAW_DATA" // inline or pointer
	EnvErrorPrefix       = "ERROR_PREFIX"         // ErrorPrefix, ends in a slash
	EnvSetupFunction     = "SETUP_FUNCTION"       // name of the function that the search relay invokes
)

// Types of the custom resources.
const (
	SearchSetupResource       = "Custom::SearchSetup"
	ServiceLinkedRoleResource = "Custom::ServiceLinkedRole"
)

// The service-linked role by which OpenSearch Service makes its network interfaces. An account has one, for all its
// domains.
// https://docs.aws.amazon.com/opensearch-service/latest/developerguide/slr-aos.html
const (
	OpenSearchService     = "opensearchservice.amazonaws.com"
	OpenSearchServiceRole = "AWSServiceRoleForAmazonOpenSearchService"
)
