package settings

import (
	"crypto/sha256"
	"fmt"
	"strings"
)

// Settings are the resolved settings of one stack: defaults of the environment, cdk.json, the environment's block and
// the environment variables already merged, every value checked. The names in the comments are those of the context;
// the words none and never of the context are 0, an empty string or an empty list here.
type Settings struct {
	Environment    string `json:"environment"`    // dev, staging or production
	ResourcePrefix string `json:"resourcePrefix"` // first part of the stack's name

	// EventSchema is the path of the event schema, a JSON Schema file, seen from the folder of cdk.json; with slashes.
	EventSchema string `json:"eventSchema"`

	// Ingestion is direct (producers put each event to both streams) or kinesis (once, to a data stream that feeds both).
	Ingestion string `json:"ingestion"`
	// KinesisRetentionHours is how long the data stream keeps events.
	KinesisRetentionHours int `json:"kinesisRetentionHours"`

	// BufferSizeMB (MiB) and BufferIntervalSeconds are the lake stream's hints. With Parquet or ORC the size is already
	// raised to at least 64, which Firehose's format conversion needs.
	BufferSizeMB          int `json:"bufferSizeMB"`
	BufferIntervalSeconds int `json:"bufferIntervalSeconds"`

	// OpenSearchBufferSizeMB (MiB) and OpenSearchBufferIntervalSeconds are the search stream's hints.
	OpenSearchBufferSizeMB          int `json:"openSearchBufferSizeMB"`
	OpenSearchBufferIntervalSeconds int `json:"openSearchBufferIntervalSeconds"`
	// OpenSearchRetrySeconds is how long Firehose tries a delivery again before the documents go to the error prefix.
	OpenSearchRetrySeconds int `json:"openSearchRetrySeconds"`

	DataFormat               string `json:"dataFormat"` // parquet, orc or json
	EnableCompression        bool   `json:"enableCompression"`
	EnableDataTransformation bool   `json:"enableDataTransformation"`
	EnableSourceBackup       bool   `json:"enableSourceBackup"`

	EnableOpenSearch             bool   `json:"enableOpenSearch"`
	OpenSearchInstanceType       string `json:"openSearchInstanceType"` // for example t3.small.search
	OpenSearchInstanceCount      int    `json:"openSearchInstanceCount"`
	OpenSearchVolumeSizeGB       int    `json:"openSearchVolumeSizeGB"` // GiB of gp3 a data node
	OpenSearchZoneCount          int    `json:"openSearchZoneCount"`    // 1, 2 or 3 Availability Zones
	OpenSearchMasterInstanceType string `json:"openSearchMasterInstanceType"`
	OpenSearchMasterCount        int    `json:"openSearchMasterCount"` // dedicated masters: 0, 3 or 5
	OpenSearchVersion            string `json:"openSearchVersion"`     // engine, for example 2.19
	OpenSearchIndex              string `json:"openSearchIndex"`
	OpenSearchIndexRotation      string `json:"openSearchIndexRotation"` // for example OneDay
	OpenSearchRetentionDays      int    `json:"openSearchRetentionDays"`
	OpenSearchShards             int    `json:"openSearchShards"` // primary shards an index
	OpenSearchBackup             string `json:"openSearchBackup"` // failed or all

	OpenSearchAdminRoleArns  []string `json:"openSearchAdminRoleArns"`
	OpenSearchReaderRoleArns []string `json:"openSearchReaderRoleArns"`

	VPC      VPC      `json:"vpc"`      // of the domain, its setup function and its stream's delivery
	VPCZones []string `json:"vpcZones"` // of a new VPC's subnets, one each; empty: the region's first zones

	TransformMemoryMB            int      `json:"transformMemoryMB"` // MiB
	TransformTimeoutSeconds      int      `json:"transformTimeoutSeconds"`
	TransformReservedConcurrency int      `json:"transformReservedConcurrency"` // 0: none reserved
	LogLevel                     string   `json:"logLevel"`                     // debug, info, warn or error
	EnableTracing                bool     `json:"enableTracing"`
	DropEventTypes               []string `json:"dropEventTypes"`

	// Days after which an object of the lake changes class or goes; 0 means never.
	InfrequentAccessAfterDays int `json:"infrequentAccessAfterDays"`
	GlacierAfterDays          int `json:"glacierAfterDays"` // Glacier Instant Retrieval
	ExpireAfterDays           int `json:"expireAfterDays"`
	LogRetentionDays          int `json:"logRetentionDays"`

	AthenaScanLimitGB int `json:"athenaScanLimitGB"` // GiB that one query may scan; 0 means no limit

	// RetainData keeps the lake, the domain, the dead-letter queue and the key when the stack is deleted.
	RetainData            bool `json:"retainData"`
	TerminationProtection bool `json:"terminationProtection"`

	// DeadLetterRawData is inline (a dead letter holds the record, up to 256 KiB) or pointer (only its place in the
	// lake's bucket).
	DeadLetterRawData string `json:"deadLetterRawData"`

	AlarmEmail string `json:"alarmEmail"` // empty: nobody is subscribed
	// AlarmMuteSchedule is when alarms send no messages: [Settings.MuteSchedule] has its parts. Empty: never.
	AlarmMuteSchedule string `json:"alarmMuteSchedule"`

	// EnableAPI adds the HTTP front door; the next three are of it alone.
	EnableAPI            bool     `json:"enableApi"`
	APIRequestsPerSecond int      `json:"apiRequestsPerSecond"`
	APIBurstRequests     int      `json:"apiBurstRequests"`
	APIKeys              []string `json:"apiKeys"` // names; empty: requests need no key
}

// StackName returns <resourcePrefix>-<environment>, at most 47 characters, with which the names of the parts begin.
func (s Settings) StackName() string { return s.ResourcePrefix + "-" + s.Environment }

// maxDomainName is the longest name of an OpenSearch Service domain.
const maxDomainName = 28

// DomainName returns the name of the search domain: the stack's name or, where that is longer than the 28 characters of
// a domain, <start of the prefix>-<environment>-<hash of the stack's name>. Another name would be another domain.
func (s Settings) DomainName() string {
	full := s.StackName()
	if len(full) <= maxDomainName {
		return full
	}
	sum := sha256.Sum256([]byte(full))
	end := fmt.Sprintf("-%s-%x", s.Environment, sum[:3])
	return strings.TrimRight(full[:maxDomainName-len(end)], "-") + end
}

// FromKinesis reports whether a data stream feeds the delivery streams.
func (s Settings) FromKinesis() bool { return s.Ingestion == "kinesis" }

// Conversion reports whether Firehose converts the lake's records, to Parquet or ORC.
func (s Settings) Conversion() bool { return s.DataFormat == "parquet" || s.DataFormat == "orc" }

// IndexPattern returns the pattern of the names of the indices. Dates begin with 2, so that a foreign index such as
// <index>-summary does not match: readers may not search it, and the domain would reject the whole request.
func (s Settings) IndexPattern() string {
	if s.OpenSearchIndexRotation == "NoRotation" {
		return s.OpenSearchIndex
	}
	return s.OpenSearchIndex + "-2*"
}

// Replicas returns the copies of a shard beside the primary one: none on a single node, where a copy could never be
// placed and the cluster would stay yellow, else one.
func (s Settings) Replicas() int {
	if s.OpenSearchInstanceCount == 1 {
		return 0
	}
	return 1
}

// PayloadLimitMiB returns the largest HTTP request that the data nodes accept, 10 or 100.
func (s Settings) PayloadLimitMiB() int { return s.dataType().payloadMiB() }

// Graviton reports whether the data nodes have Graviton processors.
func (s Settings) Graviton() bool { return s.dataType().graviton() }

// Burstable reports whether the data nodes are of a T type, whose processors slow down when their credits are used up.
func (s Settings) Burstable() bool { return s.dataType().burstable() }

func (s Settings) dataType() instanceType {
	t, _ := parseInstanceType(s.OpenSearchInstanceType)
	return t
}
