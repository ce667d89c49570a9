package constructs

import (
	"encoding/json"

	"github.com/aws/aws-cdk-go/awscdk/v2/awslambda"
	"github.com/aws/constructs-go/constructs/v10"
	"github.com/aws/jsii-runtime-go"

	"firehose-pipeline/contract"
	"firehose-pipeline/event"
)

// TransformProps configure a [Transform].
type TransformProps struct {
	StackName      string
	Stream         event.Stream
	Asset          FunctionAsset
	MemoryMB       int
	TimeoutSeconds int // at most 300: Firehose waits no longer
	Reserved       int // concurrency kept for the function; 0: none
	LogLevel       string
	Tracing        bool
	DropEventTypes []string
	HashKey        *HashKey // of hashed fields; nil when the schema hashes none
	Logs           Logs
}

// Transform is the function that a stream calls for every batch of records: two functions from one asset; STREAM names
// the stream that they serve. The stream's own name would close a circle, because the stream refers to the function.
type Transform struct {
	constructs.Construct
	Function       awslambda.Function
	TimeoutSeconds int
}

// NewTransform makes the transform of one stream.
func NewTransform(scope constructs.Construct, id string, props TransformProps) *Transform {
	this := constructs.NewConstruct(scope, jsii.String(id))
	environment := map[string]string{
		contract.EnvStream:         string(props.Stream),
		contract.EnvStack:          props.StackName,
		contract.EnvDropEventTypes: encodeJSON(props.DropEventTypes),
		contract.EnvLogLevel:       props.LogLevel,
	}
	policies := map[string][]statement{}
	if props.HashKey != nil {
		environment[contract.EnvHashSecret] = *props.HashKey.Secret.Ref()
		policies["HashKey"] = props.HashKey.read()
	}
	function, _ := newFunction(this, functionProps{
		Name:           transformName(props.StackName, props.Stream),
		Description:    "Checks, enriches and conforms the events of the " + string(props.Stream) + " stream",
		Asset:          props.Asset,
		Environment:    environment,
		Policies:       policies,
		MemoryMB:       props.MemoryMB,
		TimeoutSeconds: props.TimeoutSeconds,
		Reserved:       props.Reserved,
		Tracing:        props.Tracing,
		Logs:           props.Logs,
	})
	return &Transform{this, function, props.TimeoutSeconds}
}

func transformName(stackName string, stream event.Stream) string {
	return stackName + "-transform-" + string(stream)
}

// invokeTransform lets Firehose call a stream's transform, even if it does not exist: an update removes rights before
// it changes the stream, and the change is in force minutes later. Without the right, batches in between become dead
// letters. The stream names a qualified ARN ($LATEST), so both forms are needed.
// https://docs.aws.amazon.com/firehose/latest/dev/controlling-access.html
func invokeTransform(stackName string, stream event.Stream) statement {
	function := arn("lambda", "function:"+transformName(stackName, stream))
	return statement{
		Actions:   []string{"lambda:GetFunctionConfiguration", "lambda:InvokeFunction"},
		Resources: []string{function, function + ":*"},
	}
}

// encodeJSON returns a value of strings, numbers, lists and objects as JSON, the members of maps in the order of their
// names.
func encodeJSON(value any) string {
	text, err := json.Marshal(value)
	if err != nil {
		panic(err) // such values always encode
	}
	return string(text)
}
