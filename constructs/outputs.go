package constructs

import (
	"strings"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/jsii-runtime-go"

	"firehose-pipeline/contract"
	"firehose-pipeline/event"
	"firehose-pipeline/settings"
)

// writeOutputs writes the stack's outputs: names for programs, and commands that a person can paste into a shell with
// AWS CLI version 2. Plain outputs have no scope and id in their names; a stack has those of one pipeline.
func writeOutputs(p *Pipeline, config settings.Settings, plain bool) {
	indexPattern := config.IndexPattern()
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
	output(contract.OutputGlueTable, "Table of the lake, as database.table",
		jsii.String(p.Lake.DatabaseName+"."+TableName))
	if p.Athena.View != nil {
		output("EventsOnceView", "View of the lake with each event once, as database.view",
			jsii.String(p.Lake.DatabaseName+"."+ViewName))
	}
	output("FailuresTable", "Table of the records that failed, as database.table",
		jsii.String(p.Lake.DatabaseName+"."+FailuresTableName))
	output(contract.OutputAthenaWorkGroup, "Athena workgroup for queries of the lake, with saved queries",
		p.Athena.WorkGroup.Ref())
	output("LakeReaderPolicyArn", "Managed policy of people who query the lake",
		p.Athena.Readers.Policy.ManagedPolicyArn())
	output("QueryAthenaCommand", "Runs the saved query events-per-hour in the workgroup",
		jsii.String(queryAthena(p.Athena)))
	output("ErrorHandlerFunctionName", "Turns error objects into dead letters", p.ErrorHandler.Function.FunctionName())
	output(contract.OutputDeadLetterQueue, "One message for each failed record", p.DeadLetters.Queue.QueueUrl())
	if config.EnableDataTransformation {
		output(contract.OutputDropEventTypes, "Types of events that the transforms drop, as JSON",
			jsii.String(encodeJSON(config.DropEventTypes)))
	}
	output("AlarmTopicArn", "Pages go here: somebody has to act now", p.AlarmTopic.Topic.TopicArn())
	output("TicketTopicArn", "Tickets go here: they can wait for the next working day", p.TicketTopic.Topic.TopicArn())
	output(contract.OutputDashboard, "CloudWatch dashboard of the pipeline", jsii.String(p.Dashboard.Name))
	output("ProducerPolicyArn", "Managed policy of producers", p.Producers.Policy.ManagedPolicyArn())
	output("SendEventCommand", "Sends one event to every stream",
		jsii.String(`event='{"event_id":"hello-1","event_type":"view","user_id":"42","amount":9.99,`+
			`"timestamp":"'$(date -u +%Y-%m-%dT%H:%M:%SZ)'"}'`+puts))
	output("ListLakeCommand", "Lists the objects of the lake",
		jsii.String("aws s3 ls --recursive --human-readable s3://"+bucket+"/"+contract.DataPrefix))
	output("ListErrorsCommand", "Lists the error objects",
		jsii.String("aws s3 ls --recursive --human-readable s3://"+bucket+"/"+contract.ErrorPrefix))
	if p.FrontDoor != nil {
		output(contract.OutputAPIURL, "Front door: POST one event, or one event a line", jsii.String(p.FrontDoor.URL()))
		output("PostEventCommand", "Posts one event to the front door, signed with the credentials in the environment",
			jsii.String(postEvent(p.FrontDoor)))
		if len(p.FrontDoor.Keys) > 0 {
			output("ApiKeyIds", "Ids of the API keys by name: aws apigateway get-api-key --include-value shows a key",
				jsii.String(p.FrontDoor.describeKeys(config.APIKeys)))
		}
	}
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
	output(contract.OutputSearchIndices, "Pattern of the names of the indices", jsii.String(indexPattern))
	output(contract.OutputSearchEndpoint, "HTTPS endpoint of the search domain"+where, jsii.String("https://"+endpoint))
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

// postEvent is the command that posts an event to the front door. A key, if one is needed, is in the variable API_KEY.
func postEvent(f *FrontDoor) string {
	key := ""
	if len(f.Keys) > 0 {
		key = `-H "x-api-key: $API_KEY" `
	}
	return `curl -sS --aws-sigv4 aws:amz:` + *awscdk.Aws_REGION() + `:execute-api ` +
		`--user "$AWS_ACCESS_KEY_ID:$AWS_SECRET_ACCESS_KEY" -H "x-amz-security-token: $AWS_SESSION_TOKEN" ` + key +
		`-H 'Content-Type: application/json' --data-binary '{"event_id":"hello-1","event_type":"view","user_id":"42",` +
		`"amount":9.99}' '` + f.URL() + `'`
}

// queryAthena is the command that runs the first saved query, waits for it, and prints its rows or why it failed.
func queryAthena(a *Athena) string {
	athena := func(operation string) string {
		return `aws athena ` + operation + ` --region ` + *awscdk.Aws_REGION() + ` `
	}
	execution := athena("get-query-execution") + `--query-execution-id "$id" --query QueryExecution.Status.`
	return `sql=$(` + athena("get-named-query") + `--named-query-id ` + *a.Queries[0].AttrNamedQueryId() +
		` --query NamedQuery.QueryString --output text) && ` +
		`id=$(` + athena("start-query-execution") + `--work-group ` + *a.WorkGroup.Ref() +
		` --query-execution-context Database=` + *a.Queries[0].Database() +
		` --query-string "$sql" --query QueryExecutionId --output text) && ` +
		`while state=$(` + execution + `State --output text) && [[ $state == QUEUED || $state == RUNNING ]]; ` +
		`do sleep 1; done; ` +
		`if [[ $state == SUCCEEDED ]]; then ` + athena("get-query-results") +
		`--query-execution-id "$id" --query 'ResultSet.Rows[*].Data[*].VarCharValue' --output text; ` +
		`else ` + execution + `StateChangeReason --output text; fi`
}

// putEventOnce is the command that puts $event to the data stream: without a newline, which the lake's transform adds,
// and with a partition key that spreads the events over the shards.
func putEventOnce(stream *DataStream) string {
	return `aws kinesis put-record --region ` + *awscdk.Aws_REGION() + ` --stream-name ` + *stream.Name() +
		` --partition-key "$RANDOM$RANDOM" --data $(printf '%s' "$event" | base64 -w0)`
}
