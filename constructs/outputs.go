package constructs

import (
	"strings"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/jsii-runtime-go"

	"firehose-pipeline/contract"
	"firehose-pipeline/event"
)

// writeOutputs writes the stack's outputs: names for programs, and commands that a person can paste into a shell with
// AWS CLI version 2. Plain outputs have no scope and id in their names; a stack has those of one pipeline.
func writeOutputs(p *Pipeline, indexPattern string, plain bool) {
	output := func(name, description string, value *string) {
		o := awscdk.NewCfnOutput(p.Construct, jsii.String(name),
			&awscdk.CfnOutputProps{Description: jsii.String(description), Value: value})
		if plain {
			o.OverrideLogicalId(jsii.String(name))
		}
	}
	puts, lakeUse, searchUse := "", "a producer puts each event here", "a producer puts each event here too"
	if p.DataStream != nil {
		puts = "; " + putEventOnce(p.DataStream)
		lakeUse, searchUse = "reads the data stream", "reads the data stream"
		output(contract.OutputDataStream, "Data stream: a producer puts each event here, once", p.DataStream.Name())
	}
	for _, stream := range p.Streams {
		if p.DataStream == nil {
			puts += "; " + putEvent(stream)
		}
		function := ""
		switch stream.Kind {
		case event.Lake:
			function = "TransformLakeFunctionName"
			output(contract.OutputLakeStream, "Lake stream: "+lakeUse, stream.Name())
		case event.Search:
			function = "TransformSearchFunctionName"
			output(contract.OutputSearchStream, "Search stream: "+searchUse, stream.Name())
		}
		if stream.Transform != nil {
			output(function, "Transform of the "+string(stream.Kind)+" stream", stream.Transform.Function.FunctionName())
		}
	}
	bucket := *p.Lake.Bucket.BucketName()
	output(contract.OutputBucket, "Data lake", jsii.String(bucket))
	output("GlueTable", "Table of the lake, as database.table", jsii.String(p.Lake.DatabaseName+"."+TableName))
	output("ErrorHandlerFunctionName", "Turns error objects into dead letters", p.ErrorHandler.Function.FunctionName())
	output(contract.OutputDeadLetterQueue, "One message for each failed record", p.DeadLetters.Queue.QueueUrl())
	output("AlarmTopicArn", "Every alarm goes here", p.AlarmTopic.Topic.TopicArn())
	output("ProducerPolicyArn", "Managed policy of producers", p.Producers.Policy.ManagedPolicyArn())
	output("SendEventCommand", "Sends one event to every stream",
		jsii.String(`event='{"event_id":"hello-1","event_type":"view","user_id":"42","amount":9.99,`+
			`"timestamp":"'$(date -u +%Y-%m-%dT%H:%M:%SZ)'"}'`+puts))
	output("ListLakeCommand", "Lists the objects of the lake",
		jsii.String("aws s3 ls --recursive --human-readable s3://"+bucket+"/"+contract.DataPrefix))
	output("ListErrorsCommand", "Lists the error objects",
		jsii.String("aws s3 ls --recursive --human-readable s3://"+bucket+"/"+contract.ErrorPrefix))
	if p.Domain == nil {
		return
	}
	endpoint := *p.Domain.Resource.AttrDomainEndpoint()
	where := ""
	if network := p.Network; network != nil {
		where = ", from inside the VPC only"
		output("VpcId", "VPC of the search domain", jsii.String(network.VPCID))
		output("VpcSubnetIds", "Subnets of the search domain, one a zone", jsii.String(strings.Join(network.SubnetIDs, ",")))
		output("OpenSearchClientSecurityGroupId", "Security group whose members reach the search domain, on 443",
			jsii.String(network.ClientGroupID))
	}
	output("OpenSearchEndpoint", "HTTPS endpoint of the search domain"+where, jsii.String("https://"+endpoint))
	output("OpenSearchDomainName", "Search domain", p.Domain.Resource.Ref())
	output("SearchSetupFunctionName", "Sets up roles, template and retention inside the domain",
		p.Setup.Function.FunctionName())
	// The index is in the body: many versions of curl sign an address with * in it wrongly.
	output("QueryOpenSearchCommand",
		"Searches"+where+", signed as a role of openSearchReaderRoleArns or openSearchAdminRoleArns "+
			"whose credentials are in the environment",
		jsii.String(`printf '%s\n' '{"index":"`+indexPattern+`"}' '{"size":3,"query":{"term":{"event_type":"view"}}}' | `+
			`curl -sS --aws-sigv4 aws:amz:`+*awscdk.Aws_REGION()+`:es --user "$AWS_ACCESS_KEY_ID:$AWS_SECRET_ACCESS_KEY" `+
			`-H "x-amz-security-token: $AWS_SESSION_TOKEN" -H 'Content-Type: application/x-ndjson' `+
			`--data-binary @- 'https://`+endpoint+`/_msearch'`))
}

// putEvent is the command that puts $event to the stream. A record of the lake stream ends with a newline, as the
// operator's command puts it: Firehose writes records one behind the other, and readers of the copy go by lines.
func putEvent(stream *Stream) string {
	format := "%s"
	if stream.Kind == event.Lake {
		format = `%s\n`
	}
	return `aws firehose put-record --region ` + *awscdk.Aws_REGION() + ` --delivery-stream-name ` + *stream.Name() +
		` --record Data=$(printf '` + format + `' "$event" | base64 -w0)`
}

// putEventOnce is the command that puts $event to the data stream: without a newline, which the lake's transform adds,
// and with a partition key that spreads the events over the shards.
func putEventOnce(stream *DataStream) string {
	return `aws kinesis put-record --region ` + *awscdk.Aws_REGION() + ` --stream-name ` + *stream.Name() +
		` --partition-key "$RANDOM$RANDOM" --data $(printf '%s' "$event" | base64 -w0)`
}
