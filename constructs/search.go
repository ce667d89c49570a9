package constructs

import (
	"github.com/aws/constructs-go/constructs/v10"

	"firehose-pipeline/event"
	"firehose-pipeline/settings"
)

// search is the search domain with what belongs to it.
type search struct {
	network *Network // nil: the domain has a public endpoint
	domain  *SearchDomain
	setup   *SearchSetup
	stream  *Stream
}

// newSearch makes the search domain, its setup and the stream that delivers to it, in the order that a first deployment
// needs: network, roles, domain, setup inside the domain, stream. Of p it needs the lake and the data stream.
func newSearch(scope constructs.Construct, props PipelineProps, p *Pipeline, hashKey *HashKey, logs Logs) search {
	config, functions := props.Settings, props.Functions
	name := config.StackName()
	network := newNetwork(scope, config, logs)
	transform := newTransform(scope, "SearchTransform", event.Search, props, hashKey, logs)
	writer := NewSearchWriter(scope, "SearchWriter", SearchWriterProps{
		StackName:  name,
		DomainName: config.DomainName(),
		Index:      config.OpenSearchIndex,
		Lake:       p.Lake,
		Source:     p.DataStream,
		Logs:       logs,
		Network:    network,
	})
	setup := NewSearchSetup(scope, "SearchSetup", SearchSetupProps{
		StackName:  name,
		DomainName: config.DomainName(),
		Index:      config.OpenSearchIndex,
		Asset:      functions["searchsetup"],
		LogLevel:   config.LogLevel,
		Logs:       logs,
		Network:    network,
	})
	var relay *SearchRelay
	if network != nil {
		relay = NewSearchRelay(scope, "SearchRelay", SearchRelayProps{
			StackName: name,
			Asset:     functions["searchrelay"],
			LogLevel:  config.LogLevel,
			Logs:      logs,
		})
	}
	iops, throughput := config.VolumePerformance()
	domain := NewSearchDomain(scope, "SearchDomain", SearchDomainProps{
		StackName:          name,
		DomainName:         config.DomainName(),
		Index:              config.OpenSearchIndex,
		Version:            config.OpenSearchVersion,
		InstanceType:       config.OpenSearchInstanceType,
		InstanceCount:      config.OpenSearchInstanceCount,
		ZoneCount:          config.OpenSearchZoneCount,
		MasterInstanceType: config.OpenSearchMasterInstanceType,
		MasterCount:        config.OpenSearchMasterCount,
		VolumeSizeGB:       config.OpenSearchVolumeSizeGB,
		VolumeIOPS:         iops,
		VolumeThroughput:   throughput,
		Retain:             config.RetainData,
		Logs:               logs,
		Master:             setup.Role,
		Writer:             writer.Role,
		AdminARNs:          config.OpenSearchAdminRoleArns,
		ReaderARNs:         config.OpenSearchReaderRoleArns,
		Network:            network,
		Relay:              relay,
	})
	ready := setup.Configure(SearchState{
		Domain:         domain,
		Relay:          relay,
		Retain:         config.RetainData,
		Writer:         writer.Role,
		Index:          config.OpenSearchIndex,
		Rotation:       config.OpenSearchIndexRotation,
		Shards:         config.OpenSearchShards,
		Replicas:       config.Replicas(),
		RetentionDays:  config.OpenSearchRetentionDays,
		AdminRoleARNs:  config.OpenSearchAdminRoleArns,
		ReaderRoleARNs: config.OpenSearchReaderRoleArns,
		Properties:     props.Schema.IndexProperties(),
	})
	stream := NewSearchStream(scope, "SearchStream", SearchStreamProps{
		Writer:          writer,
		Domain:          domain,
		Ready:           ready,
		Lake:            p.Lake,
		Source:          p.DataStream,
		Transform:       transform,
		Index:           config.OpenSearchIndex,
		Rotation:        config.OpenSearchIndexRotation,
		BackupAll:       config.OpenSearchBackup == "all",
		BufferMB:        config.OpenSearchBufferSizeMB,
		IntervalSeconds: config.OpenSearchBufferIntervalSeconds,
		RetrySeconds:    config.OpenSearchRetrySeconds,
	})
	return search{network, domain, setup, stream}
}

// newNetwork makes the security groups of the search domain in a VPC, and the VPC itself if none is given; nil without
// a VPC.
func newNetwork(scope constructs.Construct, config settings.Settings, logs Logs) *Network {
	if !config.VPC.Inside() {
		return nil
	}
	props := NetworkProps{
		StackName: config.StackName(),
		ZoneCount: config.OpenSearchZoneCount,
		Zones:     config.VPCZones,
		Retain:    config.RetainData,
		Logs:      logs,
	}
	if existing := config.VPC.Existing; existing != nil {
		props.Existing = &ExistingNetwork{
			VPCID:         existing.ID,
			SubnetIDs:     existing.Subnets,
			ClientGroupID: existing.ClientSecurityGroup,
		}
	}
	return NewNetwork(scope, "Network", props)
}
