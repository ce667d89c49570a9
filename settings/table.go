package settings

import (
	"encoding/json"
	"fmt"
	"regexp"
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
	comment  string // one line for the documentation
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
func pickLater(to *string, of, yet string) choice {
	return choice{to: to, of: words(of), yet: words(yet)}
}
func between(to *int, low, high int) integer { return integer{to: to, min: low, max: high} }
func wordOr(word string, to *int, low, high int) integer {
	return integer{to: to, min: low, max: high, word: word}
}

// longestDays bounds everything that is counted in days, as 100 years.
const longestDays = 36500

// dropEventTypesBytes leaves of the 4 KB that a function's environment may hold room for the transform's other variables.
const dropEventTypesBytes = 3500

// maxPrefix keeps the longest name, <prefix>-production-transform-search, within the 64 characters of a function's name.
const maxPrefix = 64 - len("-"+Production+longestSuffix)

const longestSuffix = "-transform-search"

var (
	prefixForm = regexp.MustCompile(fmt.Sprintf(`^[a-z][a-z0-9-]{0,%d}$`, maxPrefix-1))
	prefixRule = fmt.Sprintf("1 to %d lower-case letters, digits and single hyphens, first a letter, not starting with aws", maxPrefix)

	// indexForm: Firehose takes 1 to 80 characters; OpenSearch takes lower case without \/*?"<>|,# and blanks, not
	// starting with - _ or +. A leading dot means a hidden index. The rotation's suffix stays far within 255 bytes.
	indexForm = regexp.MustCompile(`^[a-z0-9][a-z0-9_.-]{0,79}$`)
	indexRule = "1 to 80 of a-z, 0-9, '-', '_' and '.', first a letter or digit"

	roleForm = regexp.MustCompile(`^arn:aws(-[a-z]+)*:iam::[0-9]{12}:role/([A-Za-z0-9_+=,.@-]+/)*[A-Za-z0-9_+=,.@-]{1,64}$`)
	roleRule = "a list of IAM role ARNs, arn:aws:iam::<account>:role/<name>"

	zonesRule = "a list of Availability Zones such as eu-west-1a"

	emailForm = regexp.MustCompile(`^[^\s@,;<>()"\\]{1,64}@[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?(\.[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?)+$`)
	emailRule = "an e-mail address"
)

// table returns every setting, pointed at the fields of s, in the order of the documentation.
func table(s *Settings) []setting {
	return []setting{
		{"environment", "ENVIRONMENT", pick(&s.Environment, "dev staging production"), all(`"dev"`),
			"Picks the defaults for sizing, retention and removal"},
		{"resourcePrefix", "RESOURCE_PREFIX", text{to: &s.ResourcePrefix, rule: prefixRule, ok: validPrefix}, all(`"kinesis-firehose-pipeline"`),
			"The stack is <resourcePrefix>-<environment>: another prefix is another stack"},
		{"ingestion", "", pickLater(&s.Ingestion, "direct", "kinesis"), all(`"direct"`),
			"direct: producers put each event to both streams"},

		{"bufferSizeMB", "BUFFER_SIZE_MB", between(&s.BufferSizeMB, 1, 128), all(`5`),
			"Lake stream: MiB gathered before an object is written; at least 64 is used with parquet and orc"},
		{"bufferIntervalSeconds", "BUFFER_INTERVAL_SECONDS", between(&s.BufferIntervalSeconds, 0, 900), all(`300`),
			"Lake stream: the longest wait before an object is written"},
		{"openSearchBufferSizeMB", "", between(&s.OpenSearchBufferSizeMB, 1, 100), all(`1`),
			"Search stream: MiB gathered before a bulk request; at most 5 on instance types that take 10 MiB"},
		{"openSearchBufferIntervalSeconds", "", between(&s.OpenSearchBufferIntervalSeconds, 0, 900), all(`60`),
			"Search stream: the longest wait before a bulk request"},
		// Long enough for a blue/green change of the domain to pass over a short refusal.
		{"openSearchRetrySeconds", "", between(&s.OpenSearchRetrySeconds, 0, 7200), all(`600`),
			"Search stream: how long a refused delivery is tried again before its records become dead letters"},

		{"dataFormat", "", pick(&s.DataFormat, "parquet orc json"), all(`"parquet"`),
			"Format of the lake's objects"},
		{"enableCompression", "", boolean{to: &s.EnableCompression}, all(`true`),
			"Snappy inside parquet and orc, GZIP for json"},
		{"enableDataTransformation", "", boolean{to: &s.EnableDataTransformation}, all(`true`),
			"Without it records go through as they are"},
		{"enableSourceBackup", "", boolean{to: &s.EnableSourceBackup}, all(`true`),
			"Every lake record as received, under source-data/"},

		{"enableOpenSearch", "", boolean{to: &s.EnableOpenSearch}, all(`true`),
			"The search domain and its stream: most of the bill"},
		{"openSearchInstanceType", "OPENSEARCH_INSTANCE_TYPE", nodeType(&s.OpenSearchInstanceType, instanceType.problem),
			per(`"t3.small.search"`, `"t3.medium.search"`, `"r6g.large.search"`),
			"Type of the data nodes"},
		{"openSearchInstanceCount", "OPENSEARCH_INSTANCE_COUNT", between(&s.OpenSearchInstanceCount, 1, 200), per(`1`, `2`, `3`),
			"Data nodes; at most 10 of t3, and more than 10 need dedicated masters"},
		{"openSearchVolumeSizeGB", "", between(&s.OpenSearchVolumeSizeGB, minVolumeGiB, maxVolumeGiB), per(`20`, `50`, `100`),
			"GiB of gp3 on each data node, within the bounds of the instance type"},
		{"openSearchZoneCount", "", between(&s.OpenSearchZoneCount, 1, 3), per(`1`, `2`, `3`),
			"Availability Zones of the data nodes; the default follows openSearchInstanceCount"},
		{"openSearchMasterInstanceType", "", nodeType(&s.OpenSearchMasterInstanceType, instanceType.masterProblem),
			per(`"m5.large.search"`, `"m5.large.search"`, `"m6g.large.search"`),
			"Type of the dedicated masters; the default has the processor of openSearchInstanceType"},
		{"openSearchMasterCount", "", integer{to: &s.OpenSearchMasterCount, of: []int{0, 3, 5}}, per(`0`, `0`, `3`),
			"Dedicated masters; the default is 0 with t3 data nodes and 3 with more than 10 data nodes"},
		{"openSearchVersion", "", version{pick(&s.OpenSearchVersion, "2.3 2.5 2.7 2.9 2.11 2.13 2.15 2.17 2.19 3.1 3.3 3.5")}, all(`"2.19"`),
			"Version of the engine, in quotes"},
		{"openSearchIndex", "", text{to: &s.OpenSearchIndex, rule: indexRule, ok: indexForm.MatchString}, all(`"realtime-events"`),
			"Name of the index, to which the rotation adds the date"},
		{"openSearchIndexRotation", "", pick(&s.OpenSearchIndexRotation, "NoRotation OneHour OneDay OneWeek OneMonth"), all(`"OneDay"`),
			"How often a new index begins"},
		{"openSearchRetentionDays", "", between(&s.OpenSearchRetentionDays, 1, longestDays), all(`30`),
			"Days after its creation that an index is deleted; longer than the rotation"},
		{"openSearchShards", "", between(&s.OpenSearchShards, 1, 1024), all(`1`),
			"Primary shards of an index"},
		{"openSearchBackup", "", pick(&s.OpenSearchBackup, "failed all"), all(`"failed"`),
			"Which search records are kept in S3: those not delivered, or all"},
		{"openSearchAdminRoleArns", "", list{to: &s.OpenSearchAdminRoleArns, rule: roleRule, item: roleForm.MatchString, word: "none"}, all(`[]`),
			"IAM roles of people who may do everything in the domain"},
		{"openSearchReaderRoleArns", "", list{to: &s.OpenSearchReaderRoleArns, rule: roleRule, item: roleForm.MatchString, word: "none"}, all(`[]`),
			"IAM roles of people who may search the events"},

		{"vpc", "", vpc{&s.VPC}, all(`"none"`),
			"VPC of the domain: none (a public endpoint), one of the stack's own, or an existing one"},
		{"vpcZones", "", list{to: &s.VPCZones, rule: zonesRule, item: zoneForm.MatchString, word: "none"}, all(`[]`),
			"Availability Zones of the subnets of a new VPC, one each; none: the first that the account has"},

		// Memory buys CPU: a batch of 0.5 MB takes some 13 MB and 1.5 ms of a whole CPU, of which 256 MB are a seventh. Half as
		// much would cost the same, because it takes twice as long (docs/performance.md).
		{"transformMemoryMB", "", between(&s.TransformMemoryMB, 128, 10240), all(`256`),
			"Memory of a transform function in MiB"},
		{"transformTimeoutSeconds", "", between(&s.TransformTimeoutSeconds, 1, 300), all(`60`),
			"Time limit of an invocation; Firehose waits no longer than 300"},
		{"transformReservedConcurrency", "", wordOr("none", &s.TransformReservedConcurrency, 1, 1000), all(`"none"`),
			"Concurrency reserved for each transform function; the account must keep 100 unreserved"},
		{"logLevel", "", pick(&s.LogLevel, "debug info warn error"), all(`"info"`),
			"What the functions log"},
		{"enableTracing", "", boolean{to: &s.EnableTracing}, all(`false`),
			"X-Ray tracing of the functions"},
		{"dropEventTypes", "", list{to: &s.DropEventTypes, rule: "a list of event types, without white space around them",
			item: validEventType, max: dropEventTypesBytes}, all(`["heartbeat"]`),
			"Values of event_type whose events are dropped"},

		{"infrequentAccessAfterDays", "", wordOr("never", &s.InfrequentAccessAfterDays, 30, longestDays), all(`30`),
			"Days after which the lake's objects move to S3 Standard-IA; the default gives way to earlier days of the next two"},
		{"glacierAfterDays", "", wordOr("never", &s.GlacierAfterDays, 1, longestDays), all(`90`),
			"Days after which they move to S3 Glacier Instant Retrieval, at least 30 after infrequentAccessAfterDays; the default gives way to expireAfterDays"},
		{"expireAfterDays", "", wordOr("never", &s.ExpireAfterDays, 1, longestDays), all(`"never"`),
			"Days after which they are deleted, later than they move"},
		// The days are those that CloudWatch Logs takes for RetentionInDays.
		{"logRetentionDays", "", integer{to: &s.LogRetentionDays, of: []int{1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545,
			731, 1096, 1827, 2192, 2557, 2922, 3288, 3653}}, per(`30`, `30`, `90`),
			"Days that log groups keep their events"},

		{"retainData", "", boolean{to: &s.RetainData}, per(`false`, `false`, `true`),
			"Keeps the lake, the domain, the queue and the key when the stack is deleted"},
		{"terminationProtection", "", boolean{to: &s.TerminationProtection}, per(`false`, `false`, `true`),
			"Refuses to delete the stack"},

		{"alarmEmail", "", text{to: &s.AlarmEmail, rule: emailRule, ok: emailForm.MatchString, word: "none"}, all(`"none"`),
			"Address that the alarms are sent to"},
		{"enableApi", "", boolean{to: &s.EnableAPI, yet: true}, all(`false`),
			"HTTP front door"},
	}
}

func validPrefix(s string) bool {
	return prefixForm.MatchString(s) && !strings.HasPrefix(s, "aws") && !strings.HasSuffix(s, "-") && !strings.Contains(s, "--")
}

func validEventType(s string) bool { return s != "" && strings.TrimSpace(s) == s }

// nodeType is the name of an instance type; problem says what such a type lacks.
func nodeType(to *string, problem func(instanceType) string) text {
	return text{
		to:   to,
		rule: "an instance type such as t3.small.search",
		ok:   instanceTypeForm.MatchString,
		unfit: func(name string) string {
			t, _ := parseInstanceType(name)
			if lacks := problem(t); lacks != "" {
				return "a type " + lacks
			}
			return ""
		},
	}
}

// Setting describes one setting for the documentation.
type Setting struct {
	Key         string
	Variable    string            // environment variable that overrides it, or empty
	Accepts     string            // completes "must be …"
	Defaults    map[string]string // JSON by environment
	Description string
}

// List returns the settings in the order of the documentation, with the defaults of each environment as they are when nothing else is set.
func List() []Setting {
	rows := table(&Settings{})
	settings := make([]Setting, len(rows))
	for i, row := range rows {
		settings[i] = Setting{row.key, row.variable, row.field.accepts(), map[string]string{}, row.comment}
		for _, environment := range Environments() {
			settings[i].Defaults[environment] = string(row.defaults.of(environment))
		}
	}
	return settings
}
