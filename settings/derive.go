package settings

import "fmt"

const (
	// firstShards is how many shards an on-demand data stream starts with (Developer Guide, "On-demand mode": 4 MB/s).
	firstShards = 4
	// leastConcurrency: Firehose has at most 5 invocations of a transform under way for each shard (Firehose quotas).
	leastConcurrency = 5 * firstShards
	// defaultRetentionHours is the default, and the least, of kinesisRetentionHours.
	defaultRetentionHours = 24
)

// deriveDefaults gives the settings that were not given, and whose default depends on others, a value that fits those.
func (s *Settings) deriveDefaults(given func(key string) bool) {
	t := s.dataType()
	if !given("openSearchMasterInstanceType") {
		s.OpenSearchMasterInstanceType = "m5.large.search"
		if t.graviton() {
			s.OpenSearchMasterInstanceType = "m7g.large.search"
		}
	}
	if !given("openSearchMasterCount") {
		switch {
		case t.burstable(): // the masters would cost more than the data nodes
			s.OpenSearchMasterCount = 0
		case s.OpenSearchInstanceCount > maxNodesWithoutMasters:
			s.OpenSearchMasterCount = 3
		}
	}
	if !given("openSearchZoneCount") {
		s.OpenSearchZoneCount = chooseZones(s.OpenSearchZoneCount, s.OpenSearchInstanceCount)
	}
	s.deriveLifecycle(given)
}

// deriveLifecycle lets a default transition of the lake's objects give way to the days that were given.
func (s *Settings) deriveLifecycle(given func(key string) bool) {
	infrequent, glacier := given("infrequentAccessAfterDays"), given("glacierAfterDays")
	expired := func(days int) bool { return s.ExpireAfterDays > 0 && days >= s.ExpireAfterDays }
	if !infrequent && (expired(s.InfrequentAccessAfterDays) || glacier && s.tooSoonForGlacier()) {
		s.InfrequentAccessAfterDays = 0
	}
	if !glacier && s.tooSoonForGlacier() {
		s.GlacierAfterDays = s.InfrequentAccessAfterDays + minInfrequentAccessDays
	}
	if !glacier && (expired(s.GlacierAfterDays) || s.GlacierAfterDays > longestDays) {
		s.GlacierAfterDays = 0
	}
}

// chooseZones returns the number of zones for a number of nodes, at most the wanted one: two zones need an even number
// of nodes, three need three or more.
func chooseZones(wanted, nodes int) int {
	switch {
	case wanted == 1 || nodes == 1:
		return 1
	case nodes == 2:
		return 2
	case wanted == 2 && nodes%2 == 0:
		return 2
	}
	return 3
}

// adjustAndNote raises values to the limits of Firehose. It returns notes about that and about easily overlooked
// settings.
func (s *Settings) adjustAndNote(name func(key string) string) []string {
	var notes []string
	note := func(key, format string, args ...any) {
		notes = append(notes, name(key)+": "+fmt.Sprintf(format, args...))
	}
	if s.Conversion() && s.BufferSizeMB < conversionBufferMB {
		note("bufferSizeMB", "raised from %d to %d, the minimum of Firehose with %s", s.BufferSizeMB, conversionBufferMB,
			s.DataFormat)
		s.BufferSizeMB = conversionBufferMB
	}
	if reserved := s.TransformReservedConcurrency; s.FromKinesis() && reserved > 0 && reserved < leastConcurrency {
		note("transformReservedConcurrency", "%d is less than the %d invocations of a transform that Firehose may have "+
			"under way with ingestion kinesis: 5 for each of the %d shards that a data stream starts with, and more when "+
			"it grows; a throttled batch becomes dead letters after its retries", reserved, leastConcurrency, firstShards)
	}
	if !s.FromKinesis() && s.KinesisRetentionHours != defaultRetentionHours {
		note("kinesisRetentionHours", "not used: ingestion is %s", s.Ingestion)
	}
	if !s.EnableAPI && len(s.APIKeys) > 0 {
		note("apiKeys", "not used: enableApi is false")
	}
	if !s.EnableOpenSearch {
		if s.VPC.Inside() {
			note("vpc", "not used: enableOpenSearch is false")
		}
		return notes
	}
	if len(s.VPCZones) > 0 && !s.VPC.New {
		note("vpcZones", "not used: only a new VPC gets subnets in these zones")
	}
	if s.OpenSearchZoneCount == 3 && s.OpenSearchInstanceCount%3 != 0 {
		note("openSearchInstanceCount", "%d data nodes spread unevenly over 3 zones; a multiple of 3 does not",
			s.OpenSearchInstanceCount)
	}
	if s.OpenSearchIndexRotation == "NoRotation" {
		note(
			"openSearchIndexRotation",
			"with NoRotation nothing is deleted by age, because one index holds all events "+
				"(openSearchRetentionDays is not used)",
		)
	}
	if len(s.OpenSearchAdminRoleArns) == 0 && len(s.OpenSearchReaderRoleArns) == 0 {
		note("openSearchAdminRoleArns",
			"none, and no openSearchReaderRoleArns: only the setup function can send the domain requests")
	}
	return notes
}
