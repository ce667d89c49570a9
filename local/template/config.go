package template

import (
	"strings"
	"time"

	"firehose-pipeline/event"
	"firehose-pipeline/schema"
)

// The values of the pseudo parameters for account, region and partition.
const (
	AccountID = "000000000000"
	Region    = "us-east-1"
	Partition = "aws"
)

// Config is the modelled part of one stack.
type Config struct {
	StackName string
	Streams   []Stream // the lake stream first
	// DataStream is the source of all streams; nil when producers put records to the streams themselves.
	DataStream *DataStream
	Bucket     Bucket
	Queue      Queue
	// ErrorHandler is the function that the bucket notifies.
	ErrorHandler Function
	// SearchState is the State of the search setup, a JSON object; empty when the stack has none.
	SearchState string
	// SearchVersion is the version of the search domain's engine, for example 2.19; empty when the stack has no domain
	// or names none.
	SearchVersion string
	// API is the HTTP front door; nil when the stack has none.
	API *API
}

// Stream is one delivery stream.
type Stream struct {
	LogicalID, Name, ARN string
	Kind                 event.Stream
	Type                 string      // DirectPut or KinesisStreamAsSource
	Source               *DataStream // nil with DirectPut
	Transform            *Processor
	S3                   *S3Destination     // of the lake stream
	Search               *SearchDestination // of the search stream
}

// DataStream is a Kinesis data stream on demand.
type DataStream struct {
	LogicalID, Name, ARN string
	Retention            time.Duration // 24 hours to 365 days
	RecordBytes          int           // the most that a record may have, its partition key included
	Encrypted            bool
}

// Processor is the Lambda processor of a stream.
type Processor struct {
	Function Function
	// FunctionARN is the qualified ARN that the stream invokes.
	FunctionARN string
	Retries     int           // tries after the first one
	BufferBytes int           // of raw record data
	Interval    time.Duration // 0 to 900 s
}

// Buffer is a pair of buffering hints.
type Buffer struct {
	Bytes    int64
	Interval time.Duration
}

// S3Output is a place in S3 with its own buffer.
type S3Output struct {
	Bucket            string
	Prefix            string
	ErrorOutputPrefix string
	Extension         string // FileExtension, empty when not given
	Compression       string // UNCOMPRESSED or GZIP
	TimeZone          *time.Location
	Buffer            Buffer
}

// LiteralPrefix returns the part of a prefix before its first expression, up to the last slash.
func LiteralPrefix(prefix string) string {
	before, _, expression := strings.Cut(prefix, "!{")
	if expression {
		before = before[:strings.LastIndexByte(before, '/')+1]
	}
	return before
}

// S3Destination is an extended S3 destination.
type S3Destination struct {
	S3Output
	Conversion *Conversion
	Backup     *S3Output // of the records as received; nil when disabled
}

// Conversion is the conversion to Parquet.
type Conversion struct {
	Columns     []schema.Column
	Compression string // SNAPPY, GZIP or UNCOMPRESSED
	MatchCase   bool   // keys match columns exactly: OpenX's CaseInsensitive is false
	// Keys are the JSON keys by column or struct field, where they differ: OpenX's ColumnToJsonKeyMappings.
	Keys            map[string]string
	CatalogID       string
	Database, Table string
	Region          string
	VersionID       string
}

func newColumn(name, hiveType, comment string) schema.Column {
	return schema.Column{Name: name, Type: hiveType, Comment: comment}
}

// SearchDestination is an OpenSearch destination.
type SearchDestination struct {
	DomainARN     string
	Index         string
	Rotation      string // NoRotation, OneHour, OneDay, OneWeek or OneMonth
	RetryDuration time.Duration
	DocumentID    string // FIREHOSE_DEFAULT or NO_DOCUMENT_ID
	BackupAll     bool   // S3BackupMode AllDocuments
	Buffer        Buffer
	S3            S3Output
}

// Function is a Lambda function.
type Function struct {
	LogicalID, Name, ARN string
	Handler              string
	MemoryMB             int
	Timeout              time.Duration
	ReservedConcurrency  int // 0: none reserved
	LogGroup             string
	Environment          map[string]string
}

// Bucket is the data lake's bucket.
type Bucket struct {
	LogicalID, Name, ARN string
	Versioned            bool
	Notifications        []Notification
}

// Notification is one configuration of the bucket that invokes the error handler.
type Notification struct {
	Event          string // s3:ObjectCreated:* or one of its kinds
	Prefix, Suffix string
	// Asynchronous invocation of the function.
	Retries   int  // tries after the first one, 0 to 2
	OnFailure bool // a failed invocation is recorded in the queue
}

// Queue is the dead-letter queue.
type Queue struct {
	LogicalID, Name, ARN string
	VisibilityTimeout    time.Duration
}
