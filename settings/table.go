package settings

import (
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// The environments, in the order in which messages and [List] name them.
const (
	Dev        = "dev"
	Staging    = "staging"
	Production = "production"
)

// Environments returns dev, staging and production.
func Environments() []string { return []string{Dev, Staging, Production} }

// setting is one row of the table: everything there is to say about one key.
type setting struct {
	key      string
	variable string // environment variable that overrides the key, if any
	field    field
	defaults defaults
	unit     string // of a number
	meaning  string // one line of Markdown, without a full stop at its end
	change   string // effect of a change on a running stack, the same
}

// defaults are the default values as JSON. derive.go derives those that depend on other settings.
type defaults struct{ dev, staging, production string }

func (d defaults) of(environment string) json.RawMessage {
	return json.RawMessage(map[string]string{Dev: d.dev, Staging: d.staging, Production: d.production}[environment])
}

func all(value string) defaults                    { return defaults{value, value, value} }
func per(dev, staging, production string) defaults { return defaults{dev, staging, production} }
func words(s string) []string                      { return strings.Fields(s) }
func pick(to *string, of string) choice            { return choice{to: to, of: words(of)} }
func between(to *int, low, high int) integer       { return integer{to: to, min: low, max: high} }
func wordOr(word string, to *int, low, high int) integer {
	return integer{to: to, min: low, max: high, word: word}
}

// longestDays bounds everything that is counted in days, as 100 years.
const longestDays = 36500

// dropEventTypesBytes leaves of the 4 KB that a function's environment may hold room for the transform's other
// variables.
const dropEventTypesBytes = 3500

// maxPrefix keeps the longest name, <prefix>-production-transform-search, within the 64 characters of a function's
// name.
const maxPrefix = 64 - len("-"+Production+longestSuffix)

const longestSuffix = "-transform-search"

// apiKeysBytes bounds the list of names of API keys: their ids are an output of the stack, of at most 1,024 bytes.
const apiKeysBytes = 400

var apiKeyForm = regexp.MustCompile(`^[a-z0-9][a-z0-9-]{0,29}$`)

var (
	prefixForm = regexp.MustCompile(`^[a-z][a-z0-9]*(-[a-z0-9]+)*$`)
	prefixRule = fmt.Sprintf(
		"1 to %d lower-case letters, digits and single hyphens, first a letter, not starting with aws", maxPrefix)

	// indexForm: Firehose accepts 1 to 80 characters; OpenSearch accepts lower case without \/*?"<>|,# and blanks, not
	// starting with - _ or +. A leading dot means a hidden index. The rotation's suffix stays far within 255 bytes.
	indexForm = regexp.MustCompile(`^[a-z0-9][a-z0-9_.-]{0,79}$`)
	indexRule = "1 to 80 of a-z, 0-9, '-', '_' and '.', first a letter or digit"

	roleForm = regexp.MustCompile(
		`^arn:aws(-[a-z]+)*:iam::[0-9]{12}:role/([A-Za-z0-9_+=,.@-]+/)*[A-Za-z0-9_+=,.@-]{1,64}$`)
	roleRule = "a list of IAM role ARNs, arn:aws:iam::<account>:role/<name>"

	zonesRule = "a list of Availability Zones such as eu-west-1a"

	// schemaForm: a relative path without .. and without characters that a shell or a log would read otherwise.
	schemaForm = regexp.MustCompile(`^[A-Za-z0-9_][A-Za-z0-9_.-]*(/[A-Za-z0-9_][A-Za-z0-9_.-]*)*\.json$`)
	schemaRule = "a relative path of letters, digits, '-', '_', '.' and '/', ending in .json and not leading upwards"

	emailForm = regexp.MustCompile(
		`^[^\s@,;<>()"\\]{1,64}@[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?(\.[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?)+$`)
	emailRule = "an e-mail address"
)

// group is a section of the table, with a heading of its own in the documentation.
type group struct {
	title string
	rows  []setting
}

// table returns every setting, pointed at the fields of s, in the order of the documentation.
func table(s *Settings) []setting {
	var rows []setting
	for _, g := range groups(s) {
		rows = append(rows, g.rows...)
	}
	return rows
}

// groups returns the table by section. Texts are Markdown, with links as seen from docs.
func groups(s *Settings) []group {
	return []group{
		{"The stack", stackRows(s)},
		{"The lake stream", lakeRows(s)},
		{"The search stream", searchRows(s)},
		{"The search domain", domainRows(s)},
		{"The network", networkRows(s)},
		{"The functions", functionRows(s)},
		{"The front door", apiRows(s)},
		{"How long data is kept", retentionRows(s)},
		{"Operation", operationRows(s)},
	}
}

func stackRows(s *Settings) []setting {
	return []setting{
		{
			key: "environment", variable: "ENVIRONMENT",
			field:    pick(&s.Environment, "dev staging production"),
			defaults: all(`"dev"`),
			meaning:  "Selects the defaults of sizing, retention and removal, and ends the stack's name",
			change:   "Another stack. The stack of the old environment stays until it is destroyed",
		},
		{
			key: "resourcePrefix", variable: "RESOURCE_PREFIX",
			field: text{to: &s.ResourcePrefix, rule: prefixRule, form: prefixForm, max: maxPrefix,
				fits: validPrefix},
			defaults: all(`"kinesis-firehose-pipeline"`),
			meaning:  "First part of every name: the stack is `<resourcePrefix>-<environment>`",
			change:   "Another stack, with its own streams, bucket and domain. The old one stays, with its data",
		},
		{
			key:      "eventSchema",
			field:    text{to: &s.EventSchema, rule: schemaRule, form: schemaForm, max: 200},
			defaults: all(`"event-schema.json"`),
			meaning: "File that declares the fields of an event, [a JSON Schema](event-schema.md), seen from the " +
				"folder of " +
				"`cdk.json`",
			change: "As [a change of the schema](event-schema.md#changing-it): columns, index template and " +
				"transform follow in " +
				"place; `pipeline schema diff` reports the effect on data that is already stored",
		},
		{
			key:      "ingestion",
			field:    pick(&s.Ingestion, "direct kinesis"),
			defaults: all(`"direct"`),
			meaning: "How events reach the two delivery streams. `direct`: producers put each event to both. `kinesis`: " +
				"producers put each event once, to a Kinesis data stream that feeds both",
			change: "Replaces both delivery streams, and makes or deletes the data stream: producers have to change " +
				"with it, and events can be lost: [Another ingestion](changes.md#another-ingestion)",
		},
		{
			key: "kinesisRetentionHours", unit: "hours",
			field:    between(&s.KinesisRetentionHours, defaultRetentionHours, 8760),
			defaults: all(strconv.Itoa(defaultRetentionHours)),
			meaning: "With `ingestion` `kinesis`, how long the data stream keeps events: as long as this a store may be " +
				"unreachable before an event is lost",
			change: "In place. Lower: older events that a delivery stream has not read yet are lost",
		},
	}
}

func lakeRows(s *Settings) []setting {
	return []setting{
		{
			key: "bufferSizeMB", variable: "BUFFER_SIZE_MB", unit: "MiB",
			field:    between(&s.BufferSizeMB, 1, 128),
			defaults: all(`5`),
			meaning: "Lake stream: size of the buffer that is written as one object. With `parquet` and `orc` at " +
				"least 64 is " +
				"used, and a note says so",
			change: "In place: lake stream, its source backup, thresholds of its alarms",
		},
		{
			key: "bufferIntervalSeconds", variable: "BUFFER_INTERVAL_SECONDS", unit: "seconds",
			field:    between(&s.BufferIntervalSeconds, 0, 900),
			defaults: all(`300`),
			meaning:  "Lake stream: longest time before the buffer is written as an object",
			change:   "In place: lake stream, its source backup, thresholds of its alarms",
		},
		{
			key:      "dataFormat",
			field:    pick(&s.DataFormat, "parquet orc json"),
			defaults: all(`"parquet"`),
			meaning:  "Format of the lake's objects",
			change: "In place: lake stream and Glue table. Older objects keep their format, and Athena cannot read both " +
				"through one table: [move them away first](changes.md#another-data-format)",
		},
		{
			key:      "enableCompression",
			field:    boolean{to: &s.EnableCompression},
			defaults: all(`true`),
			meaning:  "Compression of the lake's objects: Snappy inside `parquet` and `orc`, GZIP for `json`",
			change:   "In place: lake stream, and in the Glue table one property. Athena reads objects of both kinds",
		},
		{
			key:      "enableSourceBackup",
			field:    boolean{to: &s.EnableSourceBackup},
			defaults: all(`true`),
			meaning: "A copy of every lake record as received, GZIP, under `source-data/`: Parquet drops undeclared fields " +
				"without a trace",
			change: "Off to on: in place. On to off: refused, because Firehose cannot end a source backup. To be rid of " +
				"it, deploy another stack",
		},
	}
}

func searchRows(s *Settings) []setting {
	return []setting{
		{
			key: "openSearchBufferSizeMB", unit: "MiB",
			field:    between(&s.OpenSearchBufferSizeMB, 1, 100),
			defaults: all(`1`),
			meaning: "Search stream: size of the buffer that is sent as one bulk request. At most 5 on instance " +
				"types that " +
				"accept requests of 10 MiB",
			change: "In place: search stream, thresholds of its alarms",
		},
		{
			key: "openSearchBufferIntervalSeconds", unit: "seconds",
			field:    between(&s.OpenSearchBufferIntervalSeconds, 0, 900),
			defaults: all(`60`),
			meaning:  "Search stream: longest time before the buffer is sent as a bulk request",
			change:   "In place: search stream, thresholds of its alarms",
		},
		{
			// Long enough for a blue/green change of the domain to survive a short rejection.
			key: "openSearchRetrySeconds", unit: "seconds",
			field:    between(&s.OpenSearchRetrySeconds, 0, 7200),
			defaults: all(`600`),
			meaning: "Search stream: how long Firehose retries a delivery that the domain rejects, before its records " +
				"become dead letters",
			change: "In place: search stream",
		},
		{
			key:      "openSearchBackup",
			field:    pick(&s.OpenSearchBackup, "failed all"),
			defaults: all(`"failed"`),
			meaning:  "Search records that are kept in S3: those not delivered, or all, under `search-backup/`",
			change: "Replaces the search stream: Firehose's update has no such parameter. CloudFormation would " +
				"accept the " +
				"change and send nothing, so the mode is part of the stream's id in the template",
		},
	}
}

func domainRows(s *Settings) []setting {
	return slices.Concat([]setting{
		{
			key:      "enableOpenSearch",
			field:    boolean{to: &s.EnableOpenSearch},
			defaults: all(`true`),
			meaning:  "The search domain and its stream: most of the bill",
			change: "Off: the search stream goes, with the records that it had not delivered, and the domain with its " +
				"indices. On: made anew, empty. [More](changes.md#enableopensearch)",
		},
	}, nodeRows(s), indexRows(s), roleRows(s))
}

func nodeRows(s *Settings) []setting {
	return []setting{
		{
			key: "openSearchInstanceType", variable: "OPENSEARCH_INSTANCE_TYPE",
			field:    nodeType(&s.OpenSearchInstanceType, instanceType.dataProblem),
			defaults: per(`"t3.small.search"`, `"t3.medium.search"`, `"r7g.large.search"`),
			meaning:  "Type of the data nodes; one with gp3 volumes and encryption at rest",
			change:   "In place, [by a blue/green deployment](changes.md#changes-of-the-nodes)",
		},
		{
			key: "openSearchInstanceCount", variable: "OPENSEARCH_INSTANCE_COUNT", unit: "nodes",
			field:    between(&s.OpenSearchInstanceCount, 1, 200),
			defaults: per(`1`, `2`, `3`),
			meaning:  "Number of data nodes. At most 10 of t3; more than 10 need dedicated masters",
			change: "In place, [by a blue/green deployment](changes.md#changes-of-the-nodes). The replicas of existing " +
				"indices follow: 0 with one node, else 1",
		},
		{
			key: "openSearchVolumeSizeGB", unit: "GiB",
			field:    between(&s.OpenSearchVolumeSizeGB, minVolumeGiB, maxVolumeGiB),
			defaults: per(`20`, `50`, `100`),
			meaning:  "Size of the gp3 volume of each data node, within the bounds of the instance type",
			change:   "In place, [by a blue/green deployment](changes.md#changes-of-the-nodes)",
		},
		{
			key: "openSearchZoneCount", unit: "zones",
			field:    between(&s.OpenSearchZoneCount, 1, 3),
			defaults: per(`1`, `2`, `3`),
			meaning: "Availability Zones of the data nodes. 2 need an even number of data nodes, 3 at least three; the " +
				"default follows `openSearchInstanceCount`",
			change: "In place, [by a blue/green deployment](changes.md#changes-of-the-nodes). In a VPC it also replaces " +
				"the search stream, whose subnets cannot be changed",
		},
		{
			key:      "openSearchMasterInstanceType",
			field:    nodeType(&s.OpenSearchMasterInstanceType, instanceType.masterProblem),
			defaults: per(`"m5.large.search"`, `"m5.large.search"`, `"m7g.large.search"`),
			meaning:  "Type of the dedicated masters; the default has the processor of `openSearchInstanceType`",
			change:   "In place, [by a blue/green deployment](changes.md#changes-of-the-nodes)",
		},
		{
			key: "openSearchMasterCount", unit: "nodes",
			field:    integer{to: &s.OpenSearchMasterCount, of: []int{0, 3, 5}},
			defaults: per(`0`, `0`, `3`),
			meaning: "Number of dedicated masters; the default is 0 with t3 data nodes and 3 with more than 10 data " +
				"nodes of another type",
			change: "In place, [by a blue/green deployment](changes.md#changes-of-the-nodes)",
		},
		{
			key:      "openSearchVersion",
			field:    version{pick(&s.OpenSearchVersion, "2.3 2.5 2.7 2.9 2.11 2.13 2.15 2.17 2.19 3.1 3.3 3.5")},
			defaults: all(`"2.19"`),
			meaning:  "Version of OpenSearch, in quotes",
			change: "Up: an upgrade in place, which cannot be undone; [deploy it " +
				"alone](changes.md#opensearchversion). " +
				"Down: refused",
		},
	}
}

func indexRows(s *Settings) []setting {
	return []setting{
		{
			key:      "openSearchIndex",
			field:    text{to: &s.OpenSearchIndex, rule: indexRule, form: indexForm},
			defaults: all(`"realtime-events"`),
			meaning:  "Name of the index, to which the rotation adds the date",
			change: "In place: search stream, search setup, access policy of the domain. New documents go to the new " +
				"index; [old indices](changes.md#opensearchindex) stay as they are",
		},
		{
			key:      "openSearchIndexRotation",
			field:    pick(&s.OpenSearchIndexRotation, "NoRotation OneHour OneDay OneWeek OneMonth"),
			defaults: all(`"OneDay"`),
			meaning:  "How often a new index begins",
			change: "In place: search stream and search setup, from the next index. The one index of `NoRotation` is " +
				"never deleted by age",
		},
		{
			key: "openSearchRetentionDays", unit: "days",
			field:    between(&s.OpenSearchRetentionDays, 1, longestDays),
			defaults: all(`30`),
			meaning:  "Age at which an index is deleted, counted from its creation; longer than the rotation",
			change: "In place, for existing indices too. Lower: indices that are now too old are " +
				"[deleted within half an hour](changes.md#opensearchretentiondays)",
		},
		{
			key: "openSearchShards", unit: "shards",
			field:    between(&s.OpenSearchShards, 1, 1024),
			defaults: all(`1`),
			meaning:  "Number of primary shards of an index",
			change:   "In place, from the next index. Existing indices keep theirs",
		},
	}
}

func roleRows(s *Settings) []setting {
	const change = "In place: access policy of the domain and role mapping inside it. The roles must exist. A mapping " +
		"made by hand stays"
	return []setting{
		{
			key:      "openSearchAdminRoleArns",
			field:    list{to: &s.OpenSearchAdminRoleArns, rule: roleRule, form: roleForm, word: "none"},
			defaults: all(`[]`),
			meaning:  "Roles of people who may do everything in the domain",
			change:   change,
		},
		{
			key:      "openSearchReaderRoleArns",
			field:    list{to: &s.OpenSearchReaderRoleArns, rule: roleRule, form: roleForm, word: "none"},
			defaults: all(`[]`),
			meaning: "Roles of people who may search the events. With neither list nobody can send the domain a request, " +
				"and a note says so",
			change: change,
		},
	}
}

func networkRows(s *Settings) []setting {
	return []setting{
		{
			key:      "vpc",
			field:    vpc{&s.VPC},
			defaults: all(`"none"`),
			meaning: "Where the domain is placed: `none` (a public endpoint), `new` (a VPC of the stack) or an existing " +
				"VPC as an object: [A domain in a VPC](vpc.md)",
			change: "From `none` to a VPC, back, or to another VPC: refused, or a replacement that fails: " +
				"[Moving the domain](changes.md#moving-the-domain-into-a-vpc-or-out-of-it). " +
				"[Members of the object](changes.md#vpc) differ",
		},
		{
			key:      "vpcZones",
			field:    list{to: &s.VPCZones, rule: zonesRule, form: zoneForm, word: "none"},
			defaults: all(`[]`),
			meaning: "Availability Zones of the subnets of a new VPC, one for each of `openSearchZoneCount`; none: the " +
				"first zones of the account",
			change: "To the zones that the subnets already have, in their order: nothing changes. To others: refused, " +
				"because a subnet of the same range cannot be made beside the old one",
		},
	}
}

func functionRows(s *Settings) []setting {
	return []setting{
		{
			key:      "enableDataTransformation",
			field:    boolean{to: &s.EnableDataTransformation},
			defaults: all(`true`),
			meaning:  "The transform, in both streams. Without it records go through unchanged and unchecked",
			change: "In place: the streams. Off: dead letters for some minutes, " +
				"[and a check to make](changes.md#after-enabledatatransformation)",
		},
		{
			// Memory buys CPU: a batch of 0.5 MB takes some 13 MB and 1.5 ms of a whole CPU, of which 256 MB are a
			// seventh. Half as much would cost the same, because it takes twice as long (docs/performance.md).
			key: "transformMemoryMB", unit: "MiB",
			field:    between(&s.TransformMemoryMB, 128, 10240),
			defaults: all(`256`),
			meaning:  "Memory of each transform function, and with it its share of a CPU",
			change:   "In place: the transform functions",
		},
		{
			key: "transformTimeoutSeconds", unit: "seconds",
			field:    between(&s.TransformTimeoutSeconds, 1, 300),
			defaults: all(`60`),
			meaning:  "Time limit of an invocation of a transform; Firehose waits no longer than 300",
			change:   "In place: the transform functions, thresholds of their alarms",
		},
		{
			key: "transformReservedConcurrency", unit: "invocations at a time",
			field:    wordOr("none", &s.TransformReservedConcurrency, 1, 1000),
			defaults: all(`"none"`),
			meaning:  "Concurrency reserved for each transform function; the account must keep 100 unreserved",
			change:   "In place: the transform functions",
		},
		{
			key: "dropEventTypes",
			field: list{to: &s.DropEventTypes, rule: "a list of event types, without white space around them",
				fits: validEventType, max: dropEventTypesBytes},
			defaults: all(`["heartbeat"]`),
			meaning:  "Values of `event_type` whose events are dropped",
			change:   "In place: environment variables of the functions, from their next invocation",
		},
		{
			key:      "logLevel",
			field:    pick(&s.LogLevel, "debug info warn error"),
			defaults: all(`"info"`),
			meaning:  "Lowest level of the lines that the functions log",
			change:   "In place: environment variables of the functions, from their next invocation",
		},
		{
			key:      "enableTracing",
			field:    boolean{to: &s.EnableTracing},
			defaults: all(`false`),
			meaning:  "X-Ray tracing of the functions",
			change:   "In place: the transform functions and the error handler, and their roles",
		},
	}
}

func retentionRows(s *Settings) []setting {
	return []setting{
		{
			key: "infrequentAccessAfterDays", unit: "days",
			field:    wordOr("never", &s.InfrequentAccessAfterDays, 30, longestDays),
			defaults: all(`30`),
			meaning: "Age at which the bucket's objects move to S3 Standard-IA; the default gives way to earlier days of " +
				"the next two settings",
			change: "In place, for existing objects too, by S3's daily run. Objects do not move back",
		},
		{
			key: "glacierAfterDays", unit: "days",
			field:    wordOr("never", &s.GlacierAfterDays, 1, longestDays),
			defaults: all(`90`),
			meaning: "Age at which they move to S3 Glacier Instant Retrieval, which Athena can read; at least 30 after " +
				"`infrequentAccessAfterDays`. The default gives way to `expireAfterDays`",
			change: "In place, for existing objects too, by S3's daily run. Objects do not move back",
		},
		{
			key: "expireAfterDays", unit: "days",
			field:    wordOr("never", &s.ExpireAfterDays, 1, longestDays),
			defaults: all(`"never"`),
			meaning:  "Age at which they are deleted, later than they move",
			change: "In place, for existing objects of the whole bucket too, `source-data/` and `error-data/` " +
				"included. " +
				"Lower: objects that are now too old are " +
				"deleted at S3's next daily run; as noncurrent versions they can be restored for 30 days",
		},
		{
			// The days that CloudWatch Logs accepts for RetentionInDays.
			key: "logRetentionDays", unit: "days",
			field: integer{to: &s.LogRetentionDays, of: []int{1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545,
				731, 1096, 1827, 2192, 2557, 2922, 3288, 3653}},
			defaults: per(`30`, `30`, `90`),
			meaning:  "Age at which log groups delete their events",
			change:   "In place. Lower: older log events are deleted",
		},
		{
			key:      "retainData",
			field:    boolean{to: &s.RetainData},
			defaults: per(`false`, `false`, `true`),
			meaning:  "Keeps bucket, domain, queue and key when the stack is deleted",
			change: "In place: the fate of bucket, key, queue and domain when the stack is deleted: " +
				"[Turning retention on and off](changes.md#turning-retention-on-and-off)",
		},
	}
}

func operationRows(s *Settings) []setting {
	return []setting{
		{
			key:      "terminationProtection",
			field:    boolean{to: &s.TerminationProtection},
			defaults: per(`false`, `false`, `true`),
			meaning:  "Refuses to delete the stack",
			change:   "In place, at the next deployment. It protects the stack from deletion, not from changes",
		},
		{
			key:      "deadLetterRawData",
			field:    pick(&s.DeadLetterRawData, "inline pointer"),
			defaults: all(`"inline"`),
			meaning: "Failed record in its dead letter: `inline`, the record itself, up to 256 KiB; `pointer`, only " +
				"its place " +
				"under `error-data/`, so that the queue holds no event data",
			change: "In place: dead letters from then on. Replay reads both kinds",
		},
		{
			// At 5 USD a TB the default is half a dollar; the largest is a PiB.
			key: "athenaScanLimitGB", unit: "GiB",
			field:    wordOr("none", &s.AthenaScanLimitGB, 1, 1<<20),
			defaults: all(`100`),
			meaning: "Data that one query in the stack's Athena workgroup may scan; a query that scans more is " +
				"cancelled, and billed to there",
			change: "In place: the workgroup, for queries from then on",
		},
		{
			key:      "alarmEmail",
			field:    text{to: &s.AlarmEmail, rule: emailRule, form: emailForm, word: "none"},
			defaults: all(`"none"`),
			meaning: "Address that pages and tickets are sent to; its owner has to confirm both subscriptions. For separate " +
				"addresses, subscribe them to the topics of the outputs `AlarmTopicArn` and `TicketTopicArn`",
			change: "Replaces the subscriptions: the new address has to confirm them, and gets nothing before. Alarms " +
				"themselves are not touched",
		},
		{
			key: "alarmMuteSchedule",
			field: text{to: &s.AlarmMuteSchedule, rule: muteRule, form: muteForm, max: maxMuteSetting, unfit: unfitMute,
				word: "none"},
			defaults: all(`"none"`),
			meaning: "Windows in which no alarm sends a message: `cron(minutes hours day-of-month month day-of-week)` or " +
				"`at(yyyy-MM-ddThh:mm)`, a duration from `PT1M` to `P15D`, and a time zone (UTC if left out). An alarm " +
				"that is still on at the end of a window sends its message then",
			change: "In place: the mute rule",
		},
	}
}

func apiRows(s *Settings) []setting {
	return []setting{
		{
			key:      "enableApi",
			field:    boolean{to: &s.EnableAPI},
			defaults: all(`false`),
			meaning: "HTTP [front door](api.md): POST one event, or one event a line. It puts each event to one stream, so it " +
				"needs `ingestion` `kinesis`, or `enableOpenSearch` `false`",
			change: "On: the API is made. Off: it is deleted, and its address with it; one made later has another address",
		},
		{
			key: "apiRequestsPerSecond", unit: "a second",
			field:    between(&s.APIRequestsPerSecond, 1, 10000),
			defaults: all(`1000`),
			meaning: "Requests that the front door accepts; with API keys also of each key. More are rejected with 429. " +
				"The quota of the account and region, for all its APIs together, is 10,000",
			change: "In place: the stage of the API",
		},
		{
			key: "apiBurstRequests", unit: "requests",
			field:    between(&s.APIBurstRequests, 1, 5000),
			defaults: all(`500`),
			meaning:  "Requests that the front door accepts at once, above `apiRequestsPerSecond`; likewise of each key",
			change:   "In place: the stage of the API",
		},
		{
			key: "apiKeys",
			field: list{to: &s.APIKeys, rule: "a list of names of API keys: lower-case letters, digits and hyphens",
				form: apiKeyForm, max: apiKeysBytes},
			defaults: all(`[]`),
			meaning: "Names of clients that get an API key each. With any, requests must be signed and have a key. A key " +
				"limits a client and names it in the access log; it is no authentication",
			change: "A new name adds a key. A name that is removed deletes its key, and its client is rejected from then on. " +
				"From none to any, requests without a key are rejected with 403",
		},
	}
}

func validPrefix(s string) bool {
	return !strings.HasPrefix(s, "aws")
}

func validEventType(s string) bool { return s != "" && strings.TrimSpace(s) == s }

// nodeType is the name of an instance type; problem says what such a type lacks.
func nodeType(to *string, problem func(instanceType) string) text {
	return text{
		to:   to,
		rule: "an instance type such as t3.small.search",
		form: instanceTypeForm, suggestions: knownTypes(),
		unfit: func(name string) string {
			t, _ := parseInstanceType(name)
			if lacks := problem(t); lacks != "" {
				return "a type " + lacks
			}
			return ""
		},
	}
}
