package constructs

import (
	"fmt"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awscloudwatch"
	"github.com/aws/constructs-go/constructs/v10"
	"github.com/aws/jsii-runtime-go"

	"firehose-pipeline/contract"
	"firehose-pipeline/event"
)

// Alarms watch every stage of the pipeline. Each goes to the alarm topic when it fires and when it recovers, and each
// has a section of its own in docs/runbook.md. A metric that exists only in trouble, or that idles, counts as fine when
// missing.
type Alarms struct {
	constructs.Construct
	stackName string
	topic     string
}

// AlarmsProps are the parts to watch; nil parts do not exist in this stack.
type AlarmsProps struct {
	StackName    string
	Topic        *AlarmTopic
	DataStream   *DataStream
	Streams      []*Stream
	ErrorHandler *ErrorHandler
	DeadLetters  *DeadLetterQueue
	Domain       *SearchDomain
}

// metric is one metric of one resource.
type metric struct {
	namespace, name string
	dimensions      [][2]string
	statistic       string // Sum, Average, Minimum, Maximum or a percentile such as p90
}

// properties returns the dimensions as the CDK wants them.
func (m metric) properties() []any {
	var properties []any
	for _, d := range m.dimensions {
		properties = append(properties,
			&awscloudwatch.CfnAlarm_DimensionProperty{Name: jsii.String(d[0]), Value: jsii.String(d[1])})
	}
	return properties
}

// condition is when an alarm fires: in `of` of the last `periods` periods.
type condition struct {
	comparison  string
	threshold   float64
	periodSecs  int
	of, periods int
}

// The comparisons of CloudWatch that are used here.
const (
	above   = "GreaterThanThreshold"
	atLeast = "GreaterThanOrEqualToThreshold"
	below   = "LessThanThreshold"
	atMost  = "LessThanOrEqualToThreshold"
)

// NewAlarms makes the alarms.
func NewAlarms(scope constructs.Construct, id string, props AlarmsProps) *Alarms {
	a := &Alarms{constructs.NewConstruct(scope, jsii.String(id)), props.StackName, *props.Topic.Topic.TopicArn()}
	a.watchDataStream(props.DataStream, props.Streams)
	for _, stream := range props.Streams {
		a.watchStream(stream)
		if stream.Transform != nil {
			a.watchTransform(stream)
		}
	}
	a.watchErrorHandler(props.ErrorHandler)
	a.watchDeadLetters(props.DeadLetters)
	if props.Domain != nil {
		a.watchDomain(props.Domain)
	}
	return a
}

// watchStream watches ingestion and delivery of one stream. Shares of success are averages over three periods: Firehose
// retries, so a short dip loses nothing.
// https://docs.aws.amazon.com/firehose/latest/dev/firehose-cloudwatch-metrics-best-practices.html
func (a *Alarms) watchStream(s *Stream) {
	kind := string(s.Kind)
	of := func(name, statistic string) metric {
		return metric{"AWS/Firehose", name, [][2]string{{"DeliveryStreamName", *s.Name()}}, statistic}
	}
	destination := "DeliveryToS3"
	if s.Kind == event.Search {
		destination = "DeliveryToAmazonOpenSearchService"
	}

	// Fires when puts to the store keep failing for 15 minutes. Look at the stream's log group first.
	a.on(kind+"-delivery-failing", "deliveries of the "+kind+" stream keep failing",
		of(destination+".Success", "Average"), condition{below, 0.99, 300, 3, 3})

	// Fires when the oldest undelivered record is ten minutes older than the buffer interval allows. The metric falls
	// silent when nothing at all is delivered: the next alarm sees that.
	lag := s.IntervalSeconds + 600
	a.on(kind+"-delivery-lagging", "the "+kind+" stream delivers later than "+seconds(lag),
		of(destination+".DataFreshness", "Maximum"), condition{above, float64(lag), 300, 3, 3})

	// Fires when records come in and none goes out for 45 minutes, longer than any buffer interval. Two series are
	// compared with each other, because the metric of deliveries does not exist before the first one: where one of two
	// compared series has no value CloudWatch uses 0; the result of FILL for a series without values is undocumented.
	// Nothing fires when neither has a value.
	// https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/using-metric-math.html#metric-math-syntax-operators
	a.onMath(kind+"-stalled", "records enter the "+kind+" stream and none is delivered",
		"incoming > 1000000000000 * delivered", // more than a stream takes in for each record delivered: none is
		[]input{{"incoming", of(incomingMetric(s), "Sum")}, {"delivered", of(destination+".Records", "Sum")}},
		nil, condition{atLeast, 1, 900, 3, 3})

	if s.Source == nil {
		a.watchPuts(kind, of)
	}
	if s.Converts {
		// Fires on the first record that does not fit the table: the transform conforms every declared field, so a record
		// that fails here shows a table and a transform that disagree.
		a.on(kind+"-conversion-failing", "records do not fit the lake's table",
			of("FailedConversion.Records", "Sum"), condition{above, 0, 300, 1, 1})
	}
	if s.Kind == event.Lake && s.BacksUp {
		// Fires when the copy of the records as received cannot be written.
		a.on("lake-backup-failing", "the source backup of the lake stream keeps failing",
			of("BackupToS3.Success", "Average"), condition{below, 0.99, 300, 3, 3})
	}
	if s.Kind == event.Search {
		// Fires when the domain rejects the stream's role: access policy, or the role mapping inside the domain.
		a.on("search-refused", "the domain refuses the search stream's role",
			of("DeliveryToAmazonOpenSearchService.AuthFailure", "Maximum"), condition{atLeast, 1, 300, 1, 1})
		// Fires when the domain rejects deliveries.
		a.on("search-rejected", "the domain rejects deliveries",
			of("DeliveryToAmazonOpenSearchService.DeliveryRejected", "Maximum"), condition{atLeast, 1, 300, 1, 1})
		// Fires when failed (or all) documents cannot be written to S3: the stream stops when both stores fail.
		a.on("search-backup-failing", "failed documents of the search stream cannot be written to S3",
			of("DeliveryToS3.Success", "Average"), condition{below, 0.99, 300, 3, 3})
	}
}

// watchPuts watches producers that put records to a stream themselves.
func (a *Alarms) watchPuts(kind string, of func(name, statistic string) metric) {
	// Fires when producers are throttled. Retries let the stream scale up; a quota increase lifts the ceiling.
	a.on(kind+"-throttled", "producers of the "+kind+" stream are throttled",
		of("ThrottledRecords", "Sum"), condition{above, 0, 300, 1, 1})

	// Fires at 80 % of any of the three quotas, which only an increase by AWS lifts.
	a.onMath(kind+"-near-limit", "the "+kind+" stream takes over 80 % of a quota",
		"MAX([bytes, records, requests])",
		[]input{
			{"incomingBytes", of("IncomingBytes", "Sum")}, {"bytesLimit", of("BytesPerSecondLimit", "Maximum")},
			{"incomingRecords", of("IncomingRecords", "Sum")}, {"recordsLimit", of("RecordsPerSecondLimit", "Maximum")},
			{"putRequests", of("IncomingPutRequests", "Sum")}, {"requestsLimit", of("PutRequestsPerSecondLimit", "Maximum")},
		},
		[][2]string{
			{"bytes", "100 * (incomingBytes / PERIOD(incomingBytes)) / bytesLimit"},
			{"records", "100 * (incomingRecords / PERIOD(incomingRecords)) / recordsLimit"},
			{"requests", "100 * (putRequests / PERIOD(putRequests)) / requestsLimit"},
		}, condition{above, 80, 300, 2, 3})
}

// watchTransform watches one transform: as Firehose sees it, as Lambda sees it, and its own counts.
func (a *Alarms) watchTransform(s *Stream) {
	kind, function := string(s.Kind), *s.Transform.Function.FunctionName()
	// Fires when invocations fail as a whole: after its retries Firehose gives up the batch to the error prefix. A record
	// that the transform rejects is not a failed invocation; it is counted and becomes a dead letter.
	a.on(kind+"-transform-failing", "Firehose's invocations of the "+kind+" transform fail",
		metric{"AWS/Firehose", "ExecuteProcessing.Success", [][2]string{{"DeliveryStreamName", *s.Name()}}, "Average"},
		condition{below, 0.99, 300, 2, 3})
	a.watchFunction(kind+"-transform", "the "+kind+" transform", function, s.Transform.TimeoutSeconds)
	// Fires when records were given up because the answer would have passed 6 MB: lower the processor buffer.
	a.on(
		kind+"-transform-too-large",
		"answers of the "+kind+" transform reach Lambda's 6 MB",
		metric{
			contract.MetricNamespace,
			"TooLarge",
			[][2]string{{contract.DimensionStack, a.stackName}, {contract.DimensionStream, kind}},
			"Sum",
		},
		condition{above, 0, 300, 1, 1},
	)
}

// watchFunction watches errors, throttles and time of a function.
func (a *Alarms) watchFunction(name, title, function string, timeoutSeconds int) {
	of := ofFunction(function)
	// Fires on any failed invocation: both functions catch every failure that a record can cause, so an error is a defect
	// or an outage.
	a.on(name+"-errors", "invocations of "+title+" fail", of("Errors", "Sum"), condition{above, 0, 60, 3, 5})
	// Fires when the function hits a concurrency limit, of the account or its own.
	a.on(name+"-throttles", title+" is throttled", of("Throttles", "Sum"), condition{above, 0, 60, 5, 5})
	// Fires when the slowest tenth comes near the timeout.
	limit := float64(timeoutSeconds) * 1000 * 0.8
	a.on(name+"-slow", fmt.Sprintf("%s takes over %.0f ms of its %d s", title, limit, timeoutSeconds),
		of("Duration", "p90"), condition{above, limit, 60, 10, 15})
}

// ofFunction makes metrics of one function.
func ofFunction(function string) func(name, statistic string) metric {
	return func(name, statistic string) metric {
		return metric{"AWS/Lambda", name, [][2]string{{"FunctionName", function}}, statistic}
	}
}

// watchErrorHandler watches the function between the error prefix and the queue: records that it loses never reach the
// queue.
func (a *Alarms) watchErrorHandler(h *ErrorHandler) {
	function := *h.Function.FunctionName()
	of := ofFunction(function)
	a.watchFunction("error-handler", "the error handler", function, ErrorHandlerTimeoutSeconds)
	// Fires when Lambda gave an event up without a trace in the queue: replay the error prefix.
	a.on("error-handler-events-dropped", "error objects were given up without a dead letter",
		of("AsyncEventsDropped", "Sum"), condition{above, 0, 60, 1, 1})
	// Fires when a failed invocation could not be written to the queue: rights, or the key.
	a.on("error-handler-destination-failing", "failed invocations of the error handler do not reach the queue",
		of("DestinationDeliveryFailures", "Sum"), condition{above, 0, 60, 1, 1})
	// Fires when error objects wait for an hour: the handler is throttled or failing.
	a.on("error-handler-behind", "error objects wait for the error handler for over an hour",
		of("AsyncEventAge", "Maximum"), condition{above, 3_600_000, 300, 1, 1})
}

// watchDeadLetters watches the queue that people empty.
func (a *Alarms) watchDeadLetters(q *DeadLetterQueue) {
	of := func(metricName, statistic string) metric {
		return metric{"AWS/SQS", metricName, [][2]string{{"QueueName", *q.Queue.QueueName()}}, statistic}
	}
	// Fires when there is a failed record to look at.
	a.on("dead-letters", "records failed and wait in the dead-letter queue",
		of("ApproximateNumberOfMessagesVisible", "Maximum"), condition{above, 0, 300, 1, 1})
	// Fires four days before SQS deletes the oldest dead letter. SQS leaves a message out of this metric that was received
	// three times and not deleted: one that people only read. The next alarm sees those.
	// https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-available-cloudwatch-metrics.html
	a.on("dead-letters-expiring", "dead letters are about to be deleted by their age",
		of("ApproximateAgeOfOldestMessage", "Maximum"),
		condition{above, float64((DeadLetterRetentionDays - 4) * 24 * 60 * 60), 300, 1, 1})
	// Fires when the queue held dead letters in 144 of the last 168 hours, without a break in each. Not in seven days of
	// seven: reading the last dead letter makes it invisible for a moment, and one such moment would make a day's minimum
	// 0.
	a.on("dead-letters-waiting", "dead letters waited for 144 of the last 168 hours",
		of("ApproximateNumberOfMessagesVisible", "Minimum"), condition{atLeast, 1, 3600, 6 * 24, 7 * 24})
}

// watchDomain watches the domain by AWS's recommended alarms.
// https://docs.aws.amazon.com/opensearch-service/latest/developerguide/cloudwatch-alarms.html
func (a *Alarms) watchDomain(d *SearchDomain) {
	of := func(name, statistic string) metric {
		// Both dimensions: one alone matches nothing.
		return metric{"AWS/ES", name, [][2]string{{"DomainName", d.Name}, {"ClientId", *awscdk.Aws_ACCOUNT_ID()}}, statistic}
	}
	// Fires when a primary shard is nowhere: writes to its index fail.
	a.on("domain-red", "a primary shard is not allocated", of("ClusterStatus.red", "Maximum"),
		condition{atLeast, 1, 60, 1, 1})
	if d.DataNodes > 1 {
		// Fires when a replica is nowhere. A single node has no replicas: its index template says so.
		a.on("domain-yellow", "a replica shard is not allocated", of("ClusterStatus.yellow", "Maximum"),
			condition{atLeast, 1, 60, 5, 5})
	}
	// Fires at a quarter of a node's storage left; at about a fifth the domain blocks writes.
	free := float64(d.VolumeGB) * 1024 / 4
	a.on("domain-storage-low", fmt.Sprintf("a node has less than %.0f MiB free", free), of("FreeStorageSpace", "Minimum"),
		condition{atMost, free, 60, 1, 1})
	// Fires when the domain rejects writes, mostly for lack of storage or memory.
	a.on("domain-writes-blocked", "the domain blocks writes", of("ClusterIndexWritesBlocked", "Maximum"),
		condition{atLeast, 1, 300, 1, 1})
	// Fires when on some minute of a day a node was missing: AWS's form, which looks at the day's minimum.
	nodes := float64(d.DataNodes + d.MasterNodes)
	a.on("domain-node-missing", fmt.Sprintf("the domain had fewer than %.0f nodes at some time of a day", nodes),
		of("Nodes", "Minimum"), condition{below, nodes, 86_400, 1, 1})
	// Fires when the daily snapshot failed.
	a.on("domain-snapshot-failed", "the automated snapshot failed", of("AutomatedSnapshotFailure", "Maximum"),
		condition{atLeast, 1, 60, 1, 1})
	// Fires when the nodes are too small for the load.
	a.on("domain-cpu-high", "CPU stays above 80 %", of("CPUUtilization", "Maximum"), condition{atLeast, 80, 900, 3, 3})
	a.on("domain-memory-high", "the JVM heap stays above 95 %", of("JVMMemoryPressure", "Maximum"),
		condition{atLeast, 95, 60, 3, 3})
	a.on("domain-old-memory-high", "the old generation of the JVM heap stays above 80 %",
		of("OldGenJVMMemoryPressure", "Maximum"), condition{atLeast, 80, 60, 3, 3})
	// Fires when writes queue up or are rejected.
	a.on("domain-write-queue", "writes queue up in the domain", of("ThreadpoolWriteQueue", "Average"),
		condition{atLeast, 100, 60, 5, 5})
	a.onMath("domain-writes-rejected", "the domain turns writes away", "DIFF(rejected)",
		[]input{{"rejected", of("ThreadpoolWriteRejected", "Sum")}}, nil, condition{atLeast, 1, 60, 1, 1})
	// Fires when the key that encrypts the domain is disabled or its grant is gone: the data is about to be unreadable.
	a.on("domain-key-error", "the domain cannot use its key", of("KMSKeyError", "Maximum"),
		condition{atLeast, 1, 60, 1, 1})
	a.on("domain-key-inaccessible", "the domain's key is inaccessible", of("KMSKeyInaccessible", "Maximum"),
		condition{atLeast, 1, 60, 1, 1})
	if d.MasterNodes > 0 {
		// Fires when the dedicated masters are too small, or cannot be reached.
		a.on("domain-master-cpu-high", "CPU of a dedicated master stays above 50 %", of("MasterCPUUtilization", "Maximum"),
			condition{atLeast, 50, 900, 3, 3})
		a.on("domain-master-memory-high", "the JVM heap of a dedicated master stays above 95 %",
			of("MasterJVMMemoryPressure", "Maximum"), condition{atLeast, 95, 60, 3, 3})
		a.on("domain-master-unreachable", "the dedicated masters cannot be reached", of("MasterReachableFromNode", "Maximum"),
			condition{below, 1, 300, 1, 1})
	}
}

// on makes an alarm on one metric.
func (a *Alarms) on(name, fires string, m metric, c condition) {
	props := a.props(name, fires, c)
	props.Namespace = jsii.String(m.namespace)
	props.MetricName = jsii.String(m.name)
	props.Dimensions = m.properties()
	props.Period = jsii.Number(c.periodSecs)
	if m.statistic[0] == 'p' {
		props.ExtendedStatistic = jsii.String(m.statistic)
	} else {
		props.Statistic = jsii.String(m.statistic)
	}
	awscloudwatch.NewCfnAlarm(a.Construct, jsii.String(name), props)
}

// input is a metric of an expression, by the id that the expression uses.
type input struct {
	id string
	metric
}

// onMath makes an alarm on an expression over metrics; steps are named expressions that it uses.
func (a *Alarms) onMath(name, fires, expression string, inputs []input, steps [][2]string, c condition) {
	var queries []any
	for _, in := range inputs {
		queries = append(queries, &awscloudwatch.CfnAlarm_MetricDataQueryProperty{
			Id:         jsii.String(in.id),
			ReturnData: jsii.Bool(false),
			MetricStat: &awscloudwatch.CfnAlarm_MetricStatProperty{
				Metric: &awscloudwatch.CfnAlarm_MetricProperty{
					Namespace:  jsii.String(in.namespace),
					MetricName: jsii.String(in.name),
					Dimensions: in.properties(),
				},
				Period: jsii.Number(c.periodSecs),
				Stat:   jsii.String(in.statistic),
			},
		})
	}
	for _, step := range steps {
		queries = append(
			queries,
			&awscloudwatch.CfnAlarm_MetricDataQueryProperty{
				Id:         jsii.String(step[0]),
				Expression: jsii.String(step[1]),
				ReturnData: jsii.Bool(false),
			},
		)
	}
	queries = append(
		queries,
		&awscloudwatch.CfnAlarm_MetricDataQueryProperty{
			Id:         jsii.String("result"),
			Expression: jsii.String(expression),
			ReturnData: jsii.Bool(true),
		},
	)
	props := a.props(name, fires, c)
	props.Metrics = queries
	awscloudwatch.NewCfnAlarm(a.Construct, jsii.String(name), props)
}

func (a *Alarms) props(name, fires string, c condition) *awscloudwatch.CfnAlarmProps {
	return &awscloudwatch.CfnAlarmProps{
		AlarmName:          jsii.String(a.stackName + "-" + name),
		AlarmDescription:   jsii.String("Fires when " + fires + ". What to do: docs/runbook.md#" + name),
		AlarmActions:       &[]any{a.topic},
		OkActions:          &[]any{a.topic},
		ComparisonOperator: jsii.String(c.comparison),
		Threshold:          jsii.Number(c.threshold),
		EvaluationPeriods:  jsii.Number(c.periods),
		DatapointsToAlarm:  jsii.Number(c.of),
		TreatMissingData:   jsii.String("notBreaching"),
	}
}
