package settings

import (
	"fmt"
	"strconv"
	"strings"
)

const (
	// conversionBufferMB is the least buffer of a stream that converts to Parquet or ORC (Firehose,
	// DataFormatConversionConfiguration).
	conversionBufferMB = 64
	// smallPayloadBufferMB keeps a bulk request, which is larger than the events in it, within 10 MiB.
	smallPayloadBufferMB = 5
	// minInfrequentAccessDays is S3's minimum storage time in Standard-IA.
	minInfrequentAccessDays = 30
	// maxNodesWithoutMasters: "Dedicated master instances must be enabled for domains with more than 10 instance count".
	maxNodesWithoutMasters = 10
)

// conflict is a broken rule between settings. The first key is the one to change.
type conflict struct {
	keys []string
	text string
}

// Validate checks the rules between settings, each of which AWS would enforce at deploy time or punish later. Settings
// that [Load] returned keep all of them. The error is of type [Problems].
func (s Settings) Validate() error {
	var problems Problems
	for _, c := range s.conflicts() {
		problems = append(problems, c.keys[0]+": "+c.text)
	}
	if problems == nil {
		return nil
	}
	return problems
}

func (s Settings) conflicts() []conflict {
	var conflicts []conflict
	broken := func(keys string, format string, args ...any) {
		conflicts = append(conflicts, conflict{strings.Fields(keys), fmt.Sprintf(format, args...)})
	}

	if s.tooSoonForGlacier() {
		broken("glacierAfterDays infrequentAccessAfterDays",
			"must be never or at least %d, %d after infrequentAccessAfterDays (got %d)",
			s.InfrequentAccessAfterDays+minInfrequentAccessDays, minInfrequentAccessDays, s.GlacierAfterDays)
	}
	if moved := max(s.InfrequentAccessAfterDays, s.GlacierAfterDays); s.ExpireAfterDays > 0 && s.ExpireAfterDays <= moved {
		broken("expireAfterDays infrequentAccessAfterDays glacierAfterDays",
			"must be never or more than %d, when objects have moved to their last storage class (got %d)", moved,
			s.ExpireAfterDays)
	}

	if s.FromKinesis() && !s.EnableDataTransformation {
		// A record of the data stream ends without a newline, which search rejects and the lake needs: the lake's transform
		// adds it. And only a transform can drop the replays that are meant for the other store.
		broken("enableDataTransformation ingestion", "must be true with ingestion kinesis: the transform ends the "+
			"lake's records with a newline, and keeps replays out of the store that has the event (got false)")
	}
	if s.EnableAPI && s.EnableOpenSearch && !s.FromKinesis() {
		broken("enableApi ingestion enableOpenSearch", "must be false with ingestion direct and enableOpenSearch true: the "+
			"front door puts each event to one stream; set ingestion kinesis, whose stream feeds both stores, or "+
			"enableOpenSearch false (got true)")
	}

	if !s.EnableOpenSearch {
		return conflicts // the other rules are about the domain
	}
	data, nodes := s.dataType(), s.OpenSearchInstanceCount
	if data.burstable() && nodes > 10 {
		broken("openSearchInstanceCount openSearchInstanceType", "must be 1 to 10 with %s (got %d)", data.name, nodes)
	} else if nodes > maxNodesWithoutMasters && s.OpenSearchMasterCount == 0 {
		broken("openSearchMasterCount openSearchInstanceCount openSearchInstanceType",
			"must be 3 or 5 with more than %d data nodes (got 0)", maxNodesWithoutMasters)
	}
	if smallest, largest := data.volumeGiB(); s.OpenSearchVolumeSizeGB < smallest || s.OpenSearchVolumeSizeGB > largest {
		broken("openSearchVolumeSizeGB openSearchInstanceType", "must be %d to %d with %s (got %d)", smallest, largest,
			data.name, s.OpenSearchVolumeSizeGB)
	}
	switch {
	case s.OpenSearchZoneCount == 2 && nodes%2 != 0:
		broken("openSearchZoneCount openSearchInstanceCount",
			"2 zones need an even number of data nodes (openSearchInstanceCount is %d)", nodes)
	case s.OpenSearchZoneCount == 3 && nodes < 3:
		broken("openSearchZoneCount openSearchInstanceCount",
			"3 zones need at least 3 data nodes (openSearchInstanceCount is %d)", nodes)
	}
	if existing := s.VPC.Existing; existing != nil && len(existing.Subnets) != s.OpenSearchZoneCount {
		// "You must specify exactly one subnet": the service needs as many subnets as zones, each in a zone of its own.
		broken("vpc openSearchZoneCount openSearchInstanceCount",
			"subnets must be one for each zone: %d with openSearchZoneCount %d (got %d)", s.OpenSearchZoneCount,
			s.OpenSearchZoneCount, len(existing.Subnets))
	}
	if zones := s.VPCZones; s.VPC.New && len(zones) > 0 && len(zones) != s.OpenSearchZoneCount {
		broken("vpcZones openSearchZoneCount openSearchInstanceCount",
			"must be none or name %d, one for each zone of openSearchZoneCount (got %d)", s.OpenSearchZoneCount, len(zones))
	}
	if master, ok := parseInstanceType(s.OpenSearchMasterInstanceType); ok && s.OpenSearchMasterCount > 0 &&
		master.graviton() != data.graviton() {
		broken("openSearchMasterInstanceType openSearchMasterCount openSearchInstanceType",
			"must be %s type like the data nodes' %s (got %q)", data.processor(), data.name, master.name)
	}
	if data.optimized() && !atLeast(s.OpenSearchVersion, 2, 11) {
		broken("openSearchVersion openSearchInstanceType", "must be 2.11 or later with %s (got %q)", data.name,
			s.OpenSearchVersion)
	}
	if data.payloadMiB() == 10 && s.OpenSearchBufferSizeMB > smallPayloadBufferMB {
		broken("openSearchBufferSizeMB openSearchInstanceType",
			"must be 1 to %d with %s, which accepts requests of at most 10 MiB (got %d)", smallPayloadBufferMB, data.name,
			s.OpenSearchBufferSizeMB)
	}
	if written := s.rotationDays(); s.OpenSearchRetentionDays <= written {
		broken("openSearchRetentionDays openSearchIndexRotation",
			"must be more than %d with %s, or an index is deleted while events are written to it (got %d)", written,
			s.OpenSearchIndexRotation, s.OpenSearchRetentionDays)
	}
	if shards, limit := s.openShards(); shards > limit {
		broken("openSearchShards openSearchInstanceCount openSearchIndexRotation openSearchRetentionDays openSearchVersion",
			"%d per index make %d with all copies after %d days of %s, more than the %d that the data nodes can hold",
			s.OpenSearchShards, shards, s.OpenSearchRetentionDays, s.OpenSearchIndexRotation, limit)
	}
	return conflicts
}

// tooSoonForGlacier: S3 moves an object on only 30 days after it came to Standard-IA.
func (s Settings) tooSoonForGlacier() bool {
	return s.InfrequentAccessAfterDays > 0 && s.GlacierAfterDays > 0 &&
		s.GlacierAfterDays < s.InfrequentAccessAfterDays+minInfrequentAccessDays
}

// rotationDays is the longest time in days that an index is written to, 0 when that is less than a day or without end.
func (s Settings) rotationDays() int {
	return map[string]int{"OneDay": 1, "OneWeek": 7, "OneMonth": 31}[s.OpenSearchIndexRotation]
}

// openShards returns the shards that the domain holds once retention has set in, and the most that it opens: 1,000 a
// node up to OpenSearch 2.15, later 1,000 for 16 GB of heap and never more than 4,000 (Developer Guide, "Shard count
// quotas").
func (s Settings) openShards() (shards, limit int) {
	indices := 1
	switch s.OpenSearchIndexRotation {
	case "OneHour":
		indices += 24 * s.OpenSearchRetentionDays
	case "OneDay", "OneWeek", "OneMonth":
		indices += s.OpenSearchRetentionDays / s.rotationDays()
	}
	limit = 4000
	if !atLeast(s.OpenSearchVersion, 2, 17) {
		limit = 1000
	}
	return s.OpenSearchShards * (1 + s.Replicas()) * indices, limit * s.OpenSearchInstanceCount
}

// OpenSearchAtLeast reports whether openSearchVersion is this version or a later one.
func (s Settings) OpenSearchAtLeast(major, minor int) bool {
	return atLeast(s.OpenSearchVersion, major, minor)
}

// atLeast compares engine versions, in which 2.9 comes before 2.11.
func atLeast(version string, major, minor int) bool {
	before, after, _ := strings.Cut(version, ".")
	x, errX := strconv.Atoi(before)
	y, errY := strconv.Atoi(after)
	return errX == nil && errY == nil && (x > major || x == major && y >= minor)
}
