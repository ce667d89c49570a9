// Command firehose-pipeline is the AWS CDK app: it reads the settings, builds the functions and writes the CloudFormation
// template of one stack. It is run by `cdk synth`, `cdk deploy` and `cdk destroy`, never by hand.
package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/jsii-runtime-go"

	"firehose-pipeline/constructs"
	"firehose-pipeline/event"
	"firehose-pipeline/internal/functionbuild"
	"firehose-pipeline/settings"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, os.Stderr); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// run checks the settings and builds the functions before the CDK is touched: the CDK reports a mistake as a panic.
func run(ctx context.Context, stderr io.Writer) (err error) {
	config, notes, err := settings.FromEnvironment()
	if err != nil {
		return err
	}
	for _, note := range notes {
		fmt.Fprintln(stderr, "note:", note)
	}
	functions, err := functionbuild.BuildAll(ctx, ".", ".build/functions", functionbuild.Lambda, stderr)
	if err != nil {
		return err
	}
	defer jsii.Close()
	defer func() {
		// What the checks above let through and the CDK refuses comes as a panic; its stack trace would help nobody.
		if problem := recover(); problem != nil {
			err = fmt.Errorf("synthesising the stack: %v", problem)
		}
	}()
	app := awscdk.NewApp(&awscdk.AppProps{AnalyticsReporting: jsii.Bool(false)})
	NewPipelineStack(app, config, functions)
	app.Synth(nil)
	return nil
}

// NewPipelineStack composes the pipeline, in the order in which an event passes it, backwards: what a part refers to is made
// before it.
func NewPipelineStack(app awscdk.App, config settings.Settings, functions map[string]functionbuild.Asset) awscdk.Stack {
	name := config.StackName()
	stack := awscdk.NewStack(app, jsii.String(name), &awscdk.StackProps{
		StackName:             jsii.String(name),
		Description:           jsii.String("Events through Amazon Data Firehose to a data lake in S3 and a search domain"),
		TerminationProtection: jsii.Bool(config.TerminationProtection),
	})
	awscdk.Tags_Of(stack).Add(jsii.String("pipeline"), jsii.String(name), nil)
	awscdk.Tags_Of(stack).Add(jsii.String("environment"), jsii.String(config.Environment), nil)

	key := constructs.NewEncryptionKey(stack, "EncryptionKey", constructs.EncryptionKeyProps{
		StackName: name,
		Retain:    config.RetainData,
		FlowLog:   config.EnableOpenSearch && config.VPC.New,
	})
	logs := constructs.Logs{Key: key.Key, RetentionDays: config.LogRetentionDays}

	deadLetters := constructs.NewDeadLetterQueue(stack, "DeadLetters", constructs.DeadLetterQueueProps{Key: key.Key, Retain: config.RetainData})
	errorHandler := constructs.NewErrorHandler(stack, "ErrorHandler", constructs.ErrorHandlerProps{
		StackName:   name,
		Asset:       functions["errorhandler"],
		DeadLetters: deadLetters,
		LogLevel:    config.LogLevel,
		Tracing:     config.EnableTracing,
		Logs:        logs,
	})
	lake := constructs.NewDataLake(stack, "DataLake", constructs.DataLakeProps{
		DatabaseName:              strings.ReplaceAll(name, "-", "_"),
		Format:                    config.DataFormat,
		Compressed:                config.EnableCompression,
		Key:                       key.Key,
		Retain:                    config.RetainData,
		InfrequentAccessAfterDays: config.InfrequentAccessAfterDays,
		GlacierAfterDays:          config.GlacierAfterDays,
		ExpireAfterDays:           config.ExpireAfterDays,
		ErrorHandler:              errorHandler,
	})

	streams := []*constructs.Stream{constructs.NewLakeStream(stack, "LakeStream", constructs.LakeStreamProps{
		StackName:       name,
		Lake:            lake,
		Transform:       newTransform(stack, "LakeTransform", event.Lake, config, functions["transform"], logs),
		Format:          config.DataFormat,
		Compressed:      config.EnableCompression,
		SourceBackup:    config.EnableSourceBackup,
		BufferMB:        config.BufferSizeMB,
		IntervalSeconds: config.BufferIntervalSeconds,
		Logs:            logs,
	})}
	var domain *constructs.SearchDomain
	var setup *constructs.SearchSetup
	var network *constructs.Network
	if config.EnableOpenSearch {
		if config.VPC.Inside() {
			network = newNetwork(stack, config, logs)
		}
		var search *constructs.Stream
		search, domain, setup = newSearch(stack, config, functions, lake, network, logs)
		streams = append(streams, search)
	}

	producers := constructs.NewProducers(stack, "Producers", streams)
	topic := constructs.NewAlarmTopic(stack, "AlarmTopic", constructs.AlarmTopicProps{StackName: name, Key: key.Key, Email: config.AlarmEmail})
	constructs.NewAlarms(stack, "Alarms", constructs.AlarmsProps{
		StackName:    name,
		Topic:        topic,
		Streams:      streams,
		ErrorHandler: errorHandler,
		DeadLetters:  deadLetters,
		Domain:       domain,
	})
	constructs.WriteOutputs(stack, constructs.OutputsProps{
		IndexPattern: config.IndexPattern(),
		Lake:         lake,
		Streams:      streams,
		ErrorHandler: errorHandler,
		DeadLetters:  deadLetters,
		Domain:       domain,
		Setup:        setup,
		Network:      network,
		Producers:    producers,
		Topic:        topic,
	})
	constructs.TameProviders(stack, name, logs)
	return stack
}

// newTransform makes the transform of one stream, or none.
func newTransform(stack awscdk.Stack, id string, stream event.Stream, config settings.Settings, asset functionbuild.Asset, logs constructs.Logs) *constructs.Transform {
	if !config.EnableDataTransformation {
		return nil
	}
	return constructs.NewTransform(stack, id, constructs.TransformProps{
		StackName:      config.StackName(),
		Stream:         stream,
		Asset:          asset,
		MemoryMB:       config.TransformMemoryMB,
		TimeoutSeconds: config.TransformTimeoutSeconds,
		Reserved:       config.TransformReservedConcurrency,
		LogLevel:       config.LogLevel,
		Tracing:        config.EnableTracing,
		DropEventTypes: config.DropEventTypes,
		Logs:           logs,
	})
}

// newNetwork makes what the search domain needs of a VPC, and the VPC itself where none is given.
func newNetwork(stack awscdk.Stack, config settings.Settings, logs constructs.Logs) *constructs.Network {
	props := constructs.NetworkProps{StackName: config.StackName(), ZoneCount: config.OpenSearchZoneCount, Zones: config.VPCZones, Retain: config.RetainData, Logs: logs}
	if existing := config.VPC.Existing; existing != nil {
		props.Existing = &constructs.ExistingNetwork{VPCID: existing.ID, SubnetIDs: existing.Subnets, ClientGroupID: existing.ClientSecurityGroup}
	}
	return constructs.NewNetwork(stack, "Network", props)
}

// newSearch makes the search domain, its setup and the stream that delivers to it, in the order that a first deployment
// needs: roles, domain, setup inside the domain, stream. Without a network the domain has a public endpoint.
func newSearch(stack awscdk.Stack, config settings.Settings, functions map[string]functionbuild.Asset, lake *constructs.DataLake, network *constructs.Network, logs constructs.Logs) (*constructs.Stream, *constructs.SearchDomain, *constructs.SearchSetup) {
	name := config.StackName()
	transform := newTransform(stack, "SearchTransform", event.Search, config, functions["transform"], logs)
	writer := constructs.NewSearchWriter(stack, "SearchWriter", constructs.SearchWriterProps{
		StackName:  name,
		DomainName: config.DomainName(),
		Index:      config.OpenSearchIndex,
		Lake:       lake,
		Logs:       logs,
		Network:    network,
	})
	setup := constructs.NewSearchSetup(stack, "SearchSetup", constructs.SearchSetupProps{
		StackName:  name,
		DomainName: config.DomainName(),
		Index:      config.OpenSearchIndex,
		Asset:      functions["searchsetup"],
		LogLevel:   config.LogLevel,
		Logs:       logs,
		Network:    network,
	})
	var relay *constructs.SearchRelay
	if network != nil {
		relay = constructs.NewSearchRelay(stack, "SearchRelay", constructs.SearchRelayProps{
			StackName: name,
			Asset:     functions["searchrelay"],
			LogLevel:  config.LogLevel,
			Logs:      logs,
		})
	}
	iops, throughput := config.VolumePerformance()
	domain := constructs.NewSearchDomain(stack, "SearchDomain", constructs.SearchDomainProps{
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
	ready := setup.Configure(constructs.SearchState{
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
	})
	stream := constructs.NewSearchStream(stack, "SearchStream", constructs.SearchStreamProps{
		Writer:          writer,
		Domain:          domain,
		Ready:           ready,
		Lake:            lake,
		Transform:       transform,
		Index:           config.OpenSearchIndex,
		Rotation:        config.OpenSearchIndexRotation,
		BackupAll:       config.OpenSearchBackup == "all",
		BufferMB:        config.OpenSearchBufferSizeMB,
		IntervalSeconds: config.OpenSearchBufferIntervalSeconds,
		RetrySeconds:    config.OpenSearchRetrySeconds,
	})
	return stream, domain, setup
}
