package constructs

import (
	"fmt"
	"strings"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/constructs-go/constructs/v10"
	"github.com/aws/jsii-runtime-go"

	"firehose-pipeline/event"
	"firehose-pipeline/internal/functionbuild"
	"firehose-pipeline/schema"
	"firehose-pipeline/settings"
)

// PipelineProps configure a [Pipeline].
type PipelineProps struct {
	// Settings as [settings.Load] or [settings.FromEnvironment] returns them: with every value checked. The names of
	// functions, log groups, alarms, key and domain begin with Settings.StackName(), with any name of the CloudFormation
	// stack.
	Settings settings.Settings
	// Schema is the event schema, of which the functions have the text ([BuildFunctions]).
	Schema *schema.Schema
	// Functions by name, as [BuildFunctions] returns them: transform, errorhandler, searchsetup and searchrelay.
	Functions map[string]FunctionAsset
}

// Pipeline is the whole pipeline. A CDK app in Go embeds it in a stack of its own and goes on from its parts.
//
// A stack can have one pipeline. The operator's command finds the parts by the names of the stack's outputs, and the
// function with which the CDK empties buckets, one a stack, writes to one log group. A second pipeline in the same
// stack is composed too, but `cdk synth` and `cdk deploy` fail with an error at its path. Two stacks of an account and
// region can have a pipeline each if their settings differ in resourcePrefix or environment.
type Pipeline struct {
	constructs.Construct
	Key          *EncryptionKey
	DeadLetters  *DeadLetterQueue
	ErrorHandler *ErrorHandler
	Lake         *DataLake
	Athena       *Athena
	DataStream   *DataStream // nil: producers put events to the streams themselves
	Streams      []*Stream   // lake, then search
	Network      *Network    // nil: the search domain has a public endpoint, or there is none
	Domain       *SearchDomain
	Setup        *SearchSetup
	FrontDoor    *FrontDoor // nil: events come through no API
	Producers    *Producers
	AlarmTopic   *AlarmTopic // pages
	TicketTopic  *AlarmTopic
	Dashboard    *Dashboard
}

// pipelineMark is the id of an empty construct in a stack that has a pipeline.
const pipelineMark = "OnePipelineAStack"

// NewPipeline composes the pipeline from the dead-letter queue back to the streams, because each part must exist before
// the one that refers to it.
//
// Scope is a stack or a construct in one. The CDK leaves the id "Default" out of logical ids: the parts of a pipeline
// with this id have those of the pipeline's own app. The outputs are named without scope and id in any case: the
// operator's command reads them by name. Like the CDK's own constructs it panics on props that it cannot use: a
// function that is missing.
func NewPipeline(scope constructs.Construct, id string, props PipelineProps) *Pipeline {
	for _, name := range functionbuild.Names {
		if _, ok := props.Functions[name]; !ok {
			panic(fmt.Sprintf("Functions: must have an asset for %s (accepted: what BuildFunctions returns)", name))
		}
	}
	if props.Schema == nil {
		panic("Schema: must be an event schema (accepted: what schema.Load returns)")
	}
	this := constructs.NewConstruct(scope, jsii.String(id))
	config, functions := props.Settings, props.Functions
	name := config.StackName()
	p := &Pipeline{Construct: this}

	p.Key = NewEncryptionKey(this, "EncryptionKey", EncryptionKeyProps{
		StackName: name,
		Retain:    config.RetainData,
		FlowLog:   config.EnableOpenSearch && config.VPC.New,
		FrontDoor: config.EnableAPI,
	})
	key := p.Key.Key
	logs := Logs{Key: key, RetentionDays: config.LogRetentionDays}

	p.DeadLetters = NewDeadLetterQueue(this, "DeadLetters", DeadLetterQueueProps{Key: key, Retain: config.RetainData})
	p.ErrorHandler = NewErrorHandler(this, "ErrorHandler", ErrorHandlerProps{
		StackName:   name,
		Asset:       functions["errorhandler"],
		DeadLetters: p.DeadLetters,
		EventID:     eventIDPointer(props.Schema),
		RawData:     config.DeadLetterRawData,
		LogLevel:    config.LogLevel,
		Tracing:     config.EnableTracing,
		Logs:        logs,
	})
	p.Lake = NewDataLake(this, "DataLake", DataLakeProps{
		Schema:                    props.Schema,
		DatabaseName:              strings.ReplaceAll(name, "-", "_"),
		Format:                    config.DataFormat,
		Compressed:                config.EnableCompression,
		Key:                       key,
		Retain:                    config.RetainData,
		InfrequentAccessAfterDays: config.InfrequentAccessAfterDays,
		GlacierAfterDays:          config.GlacierAfterDays,
		ExpireAfterDays:           config.ExpireAfterDays,
		ErrorHandler:              p.ErrorHandler,
	})
	p.Athena = NewAthena(this, "Athena", AthenaProps{
		StackName:    name,
		Schema:       props.Schema,
		Lake:         p.Lake,
		Key:          p.Key,
		ScanLimitGiB: config.AthenaScanLimitGB,
	})

	checkMaps(props)
	hashKey := newHashKey(this, props, p.Key)
	if config.FromKinesis() {
		p.DataStream = NewDataStream(this, "DataStream", DataStreamProps{
			Key:            key,
			RetentionHours: config.KinesisRetentionHours,
			Retain:         config.RetainData,
		})
	}
	p.Streams = []*Stream{NewLakeStream(this, "LakeStream", LakeStreamProps{
		StackName:       name,
		Lake:            p.Lake,
		Source:          p.DataStream,
		Transform:       newTransform(this, "LakeTransform", event.Lake, props, hashKey, logs),
		Format:          config.DataFormat,
		Compressed:      config.EnableCompression,
		SourceBackup:    config.EnableSourceBackup,
		BufferMB:        config.BufferSizeMB,
		IntervalSeconds: config.BufferIntervalSeconds,
		Logs:            logs,
	})}
	if config.EnableOpenSearch {
		search := newSearch(this, props, p, hashKey, logs)
		p.Network, p.Domain, p.Setup = search.network, search.domain, search.setup
		p.Streams = append(p.Streams, search.stream)
	}

	if config.EnableAPI {
		p.FrontDoor = NewFrontDoor(this, "FrontDoor", FrontDoorProps{
			StackName: name,
			Schema:    props.Schema,
			Stream:    chooseFrontDoorStream(p),
			Rate:      config.APIRequestsPerSecond,
			Burst:     config.APIBurstRequests,
			Keys:      config.APIKeys,
			Logs:      logs,
		})
	}
	p.Producers = NewProducers(this, "Producers", p.Streams, p.DataStream, p.FrontDoor)
	p.AlarmTopic = NewAlarmTopic(this, "AlarmTopic", AlarmTopicProps{
		StackName: name,
		Key:       key,
		Title:     "Pages of " + name,
		Email:     config.AlarmEmail,
	})
	p.TicketTopic = NewAlarmTopic(this, "TicketTopic", AlarmTopicProps{
		StackName: name,
		Key:       key,
		Title:     "Tickets of " + name,
		Email:     config.AlarmEmail,
	})
	alarms := NewAlarms(this, "Alarms", AlarmsProps{
		StackName:    name,
		Pages:        p.AlarmTopic,
		Tickets:      p.TicketTopic,
		Mute:         config.MuteSchedule(),
		DataStream:   p.DataStream,
		Streams:      p.Streams,
		ErrorHandler: p.ErrorHandler,
		DeadLetters:  p.DeadLetters,
		Domain:       p.Domain,
		FrontDoor:    p.FrontDoor,
	})
	p.Dashboard = NewDashboard(this, "Dashboard", DashboardProps{
		StackName:    name,
		Alarms:       alarms,
		DataStream:   p.DataStream,
		FrontDoor:    p.FrontDoor,
		Streams:      p.Streams,
		ErrorHandler: p.ErrorHandler,
		DeadLetters:  p.DeadLetters,
		Domain:       p.Domain,
		NewVPC:       p.Network != nil && config.VPC.New,
	})
	first := markStack(this)
	writeOutputs(p, config, first)
	if first {
		restrictBucketEmptier(this, name, logs)
	}
	return p
}

// markStack reports whether the stack has no other pipeline, and reports an error to the CDK's command line where it
// has: two outputs of one name, or two log groups of one function, would end the synthesis with the CDK's own words and
// a panic.
func markStack(pipeline constructs.Construct) bool {
	stack := awscdk.Stack_Of(pipeline)
	if stack.Node().TryFindChild(jsii.String(pipelineMark)) != nil {
		awscdk.Annotations_Of(pipeline).AddError(
			jsii.String("a stack takes one pipeline: its outputs and the function that " +
				"empties buckets are one a stack; give each pipeline a stack of its own"),
		)
		return false
	}
	constructs.NewConstruct(stack, jsii.String(pipelineMark))
	return true
}

// newTransform makes the transform of one stream, or none.
func newTransform(
	scope constructs.Construct,
	id string,
	stream event.Stream,
	props PipelineProps,
	hashKey *HashKey,
	logs Logs,
) *Transform {
	config := props.Settings
	if !config.EnableDataTransformation {
		return nil
	}
	return NewTransform(scope, id, TransformProps{
		StackName:      config.StackName(),
		Stream:         stream,
		Asset:          props.Functions["transform"],
		MemoryMB:       config.TransformMemoryMB,
		TimeoutSeconds: config.TransformTimeoutSeconds,
		Reserved:       config.TransformReservedConcurrency,
		LogLevel:       config.LogLevel,
		Tracing:        config.EnableTracing,
		DropEventTypes: config.DropEventTypes,
		HashKey:        hashKey,
		Logs:           logs,
	})
}
