package frontdoor

import (
	"embed"
	"strconv"
	"strings"
)

// Path and stage of the API: POST https://<api>/v1/events.
const (
	Stage    = "v1"
	Resource = "events"
)

// The content types that a request may have: one event, and one event a line.
const (
	JSON  = "application/json"
	Lines = "application/x-ndjson"
)

// MaxLines is the most lines of a request, blank lines included: PutRecords and PutRecordBatch accept as many records.
const MaxLines = 500

// RetryAfterSeconds is the pause before a retry, in the Retry-After header. The quotas of the streams are for a second.
const RetryAfterSeconds = 1

// Service is the service that the front door puts events to.
type Service struct {
	Name   string // as in the integration's URI
	Action string
	Target string // of a request of the JSON protocol, in X-Amz-Target

	files        string // beginning of the files' names
	event, whole string // limits of an event and of a request, for people
}

// The services. An event before a Kinesis data stream is stored without a newline at its end, one in the lake stream
// with one: a record of a data stream goes to search, too, which rejects it.
var (
	Kinesis = Service{"kinesis", "PutRecords", "Kinesis_20131202.PutRecords", "kinesis", "1 MiB", "10 MB"}
	// A record of Firehose has at most 1,000 KiB, the newline included, and a batch 4 MiB.
	// https://docs.aws.amazon.com/firehose/latest/APIReference/API_PutRecordBatch.html
	Firehose = Service{"firehose", "PutRecordBatch", "Firehose_20150804.PutRecordBatch", "firehose", "1,000 KiB", "4 MiB"}
)

//go:embed templates
var files embed.FS

// Templates are the mapping templates of one API.
type Templates struct {
	Requests map[string]string // by content type
	Accepted string            // for an answer 200 of the service, partial failures included
	Rejected string            // for 4xx
	Failed   string            // for 5xx
}

// ReadTemplates returns the templates for a stream of the service. The name may be a token of the CDK.
func (s Service) ReadTemplates(stream string) Templates {
	read := func(name string) string {
		text, err := files.ReadFile("templates/" + name + ".vtl")
		if err != nil {
			panic(err) // embedded
		}
		return strings.NewReplacer("{{stream}}", stream, "{{lines}}", strconv.Itoa(MaxLines), "{{event}}", s.event,
			"{{request}}", s.whole).Replace(strings.TrimRight(string(text), "\n"))
	}
	return Templates{
		Requests: map[string]string{JSON: read(s.files + "-event"), Lines: read(s.files + "-lines")},
		Accepted: read(s.files + "-accepted"),
		Rejected: read("rejected"),
		Failed:   read("unavailable"),
	}
}

// GatewayResponse is the response to a request that API Gateway rejects before the integration, or whose integration
// does not answer. Its template has variables only.
// https://docs.aws.amazon.com/apigateway/latest/developerguide/supported-gateway-response-types.html
type GatewayResponse struct {
	Type       string
	Status     int
	Template   string
	RetryAfter bool
}

// GatewayResponses are those that differ from API Gateway's own, which are {"message":…}. The names of missing members
// are in the validation error; that of a value of a wrong type has no name, which is why the model has no such rule.
var GatewayResponses = []GatewayResponse{
	{"BAD_REQUEST_BODY", 400, `{"message":"The body must be an event of the schema",` +
		`"reason":"$context.error.validationErrorString"}`, false},
	{"REQUEST_TOO_LARGE", 413, `{"message":"A request has at most 10 MB"}`, false},
	{"UNSUPPORTED_MEDIA_TYPE", 415, `{"message":"The content type must be application/json for one event, or ` +
		`application/x-ndjson for one event a line"}`, false},
	{"THROTTLED", 429, `{"message":"Too many requests: send the request again after Retry-After seconds"}`, true},
	{"INTEGRATION_FAILURE", 504, `{"message":"Events may not have been accepted: send the request again after ` +
		`Retry-After seconds"}`, true},
	{"INTEGRATION_TIMEOUT", 504, `{"message":"Events may not have been accepted: send the request again after ` +
		`Retry-After seconds"}`, true},
}
