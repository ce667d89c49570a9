package constructs_test

import (
	"encoding/json"
	"fmt"
	"os"
	"strings"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/assertions"
	"github.com/aws/aws-cdk-go/awscdk/v2/awscloudwatch"
	"github.com/aws/aws-cdk-go/awscdk/v2/awscloudwatchactions"
	"github.com/aws/aws-cdk-go/awscdk/v2/awssns"
	"github.com/aws/jsii-runtime-go"

	"firehose-pipeline/constructs"
	"firehose-pipeline/schema"
	"firehose-pipeline/settings"
)

// An app with a stack and a topic of its own embeds the pipeline, and sends its topic a message for every dead letter.
func Example() {
	// In an app: settings.FromEnvironment(), which reads the context of the CDK's command line.
	config, _, err := settings.Load([]byte(`{"resourcePrefix": "shop", "enableOpenSearch": false}`), os.LookupEnv)
	if err != nil {
		fmt.Println(err)
		return
	}
	events, err := schema.Load("../event-schema.json")
	if err != nil {
		fmt.Println(err)
		return
	}
	// In an app: constructs.BuildFunctions(ctx, moduleDir, ".build/functions", text, os.Stderr). For a test of the template any
	// folder will do.
	functions := map[string]constructs.FunctionAsset{}
	for _, name := range []string{"transform", "errorhandler", "searchsetup", "searchrelay"} {
		functions[name] = constructs.FunctionAsset{Dir: "testdata/function", Hash: strings.Repeat("0", 64)}
	}

	app := awscdk.NewApp(nil)
	stack := awscdk.NewStack(app, jsii.String("Shop"), nil)
	topic := awssns.NewTopic(stack, jsii.String("Oncall"), nil)
	pipeline := constructs.NewPipeline(stack, "Events", constructs.PipelineProps{Settings: config, Schema: events, Functions: functions})
	alarm := awscloudwatch.NewAlarm(stack, jsii.String("AnyDeadLetter"), &awscloudwatch.AlarmProps{
		Metric:            pipeline.DeadLetters.Queue.MetricApproximateNumberOfMessagesVisible(nil),
		Threshold:         jsii.Number(1),
		EvaluationPeriods: jsii.Number(1),
	})
	alarm.AddAlarmAction(awscloudwatchactions.NewSnsAction(topic))

	// In an app: app.Synth(nil).
	template := assertions.Template_FromStack(stack, nil)
	streams := *template.FindResources(jsii.String("AWS::KinesisFirehose::DeliveryStream"), nil)
	outputs := *template.FindOutputs(jsii.String("FirehoseStreamName"), nil)
	output, err := json.Marshal(*outputs["FirehoseStreamName"])
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println("streams:", len(streams))
	fmt.Println("output:", string(output))
	// Output:
	// streams: 1
	// output: {"Description":"Lake stream: a producer puts each event here","Value":{"Ref":"EventsLakeStream9C100505"}}
}
