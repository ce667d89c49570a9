package constructs

import (
	"fmt"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/constructs-go/constructs/v10"
	"github.com/aws/jsii-runtime-go"

	"firehose-pipeline/event"
	"firehose-pipeline/settings"
)

// Alarms watch every stage of the pipeline. A metric alarm sees one symptom; the composite alarms of alarmlosses.go
// send one message for each cause. Every alarm has a section of its own in docs/runbook.md. A metric that exists only
// in trouble, or that idles, counts as fine when missing.
type Alarms struct {
	constructs.Construct
	stackName  string
	pages      *AlarmTopic
	tickets    *AlarmTopic
	made       map[string]awscdk.CfnResource // every alarm by its name without the stack's
	arns       []string                      // of every alarm, in the order in which they were made
	thresholds map[string]float64            // of alarms on one metric, by its key
	members    map[string][]string           // metric alarms by the name of the composite alarm that they belong to
	sending    []string                      // alarms that send messages
}

// AlarmsProps are the parts to watch; nil parts do not exist in this stack.
type AlarmsProps struct {
	StackName    string
	Pages        *AlarmTopic            // where somebody has to act now
	Tickets      *AlarmTopic            // what can wait for the next working day
	Mute         *settings.MuteSchedule // nil: never muted
	DataStream   *DataStream
	Streams      []*Stream
	ErrorHandler *ErrorHandler
	DeadLetters  *DeadLetterQueue
	Domain       *SearchDomain
	FrontDoor    *FrontDoor
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
	a := &Alarms{
		Construct:  constructs.NewConstruct(scope, jsii.String(id)),
		stackName:  props.StackName,
		pages:      props.Pages,
		tickets:    props.Tickets,
		made:       map[string]awscdk.CfnResource{},
		thresholds: map[string]float64{},
		members:    map[string][]string{},
	}
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
	if props.FrontDoor != nil {
		a.watchFrontDoor(props.FrontDoor)
	}
	a.combine()
	if props.Mute != nil {
		a.mute(*props.Mute)
	}
	return a
}

// lateLoss is the loss when the store of a stream is late.
func lateLoss(s *Stream) loss {
	if s.Kind == event.Search {
		return searchLate
	}
	return lakeLate
}

// watchStream watches ingestion and delivery of one stream. Shares of success are averages over three periods: Firehose
// retries, so a short dip loses nothing.
// https://docs.aws.amazon.com/firehose/latest/dev/firehose-cloudwatch-metrics-best-practices.html
func (a *Alarms) watchStream(s *Stream) {
	kind := string(s.Kind)
	of, destination, late := ofStream(s), deliveryTo(s), lateLoss(s)

	// Fires when puts to the store keep failing for 15 minutes, in half an hour: so it is still on when the backlog of an
	// outage sets off the next alarm, and both are one page. Look at the stream's log group first.
	a.on(late, kind+"-delivery-failing", "deliveries of the "+kind+" stream keep failing",
		of(destination+".Success", "Average"), condition{below, 0.99, 300, 3, 6})

	// Fires when the oldest undelivered record is ten minutes older than the buffer interval allows. The metric falls
	// silent when nothing at all is delivered: the next alarm sees that.
	lag := s.IntervalSeconds + 600
	a.on(late, kind+"-delivery-lagging", "the "+kind+" stream delivers later than "+seconds(lag),
		of(destination+".DataFreshness", "Maximum"), condition{above, float64(lag), 300, 3, 3})

	// Fires when records come in and none goes out for 45 minutes, longer than any buffer interval. Two series are
	// compared with each other, because the metric of deliveries does not exist before the first one: where one of two
	// compared series has no value CloudWatch uses 0; the result of FILL for a series without values is undocumented.
	// Nothing fires when neither has a value. Five periods: as above.
	// https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/using-metric-math.html#metric-math-syntax-operators
	a.onMath(late, kind+"-stalled", "records enter the "+kind+" stream and none is delivered",
		"incoming > 1000000000000 * delivered", // more than a stream takes in for each record delivered: none is
		[]input{{"incoming", of(incomingMetric(s), "Sum")}, {"delivered", of(destination+".Records", "Sum")}},
		nil, condition{atLeast, 1, 900, 3, 5})

	if s.Source == nil {
		a.watchPuts(kind, of)
	}
	if s.Converts {
		// Fires on the first record that does not fit the table: the transform conforms every declared field, so a record
		// that fails here shows a table and a transform that disagree.
		a.on(recordsFailed, kind+"-conversion-failing", "records do not fit the lake's table",
			of("FailedConversion.Records", "Sum"), condition{above, 0, 300, 1, 1})
	}
	if s.Kind == event.Lake && s.BacksUp {
		// Fires when the copy of the records as received cannot be written.
		a.on(failurePathBroken, "lake-backup-failing", "the source backup of the lake stream keeps failing",
			of("BackupToS3.Success", "Average"), condition{below, 0.99, 300, 3, 3})
	}
	if s.Kind == event.Search {
		// Fires when the domain rejects the stream's role: access policy, or the role mapping inside the domain.
		a.on(searchLate, "search-refused", "the domain refuses the search stream's role",
			of(destination+".AuthFailure", "Maximum"), condition{atLeast, 1, 300, 1, 1})
		// Fires when the domain rejects deliveries.
		a.on(searchLate, "search-rejected", "the domain rejects deliveries",
			of(destination+".DeliveryRejected", "Maximum"), condition{atLeast, 1, 300, 1, 1})
		// Fires when failed (or all) documents cannot be written to S3: the stream stops when both stores fail.
		a.on(failurePathBroken, "search-backup-failing",
			"failed documents of the search stream cannot be written to S3", of("DeliveryToS3.Success", "Average"),
			condition{below, 0.99, 300, 3, 3})
	}
}

// watchPuts watches producers that put records to a stream themselves.
func (a *Alarms) watchPuts(kind string, of metrics) {
	// Fires when producers are throttled in ten of fifteen minutes. Retries let the stream scale up, so one burst needs
	// nobody; a quota increase lifts the ceiling.
	a.on(eventsNotAccepted, kind+"-throttled", "producers of the "+kind+" stream are throttled",
		of("ThrottledRecords", "Sum"), condition{above, 0, 300, 2, 3})

	// Fires at 80 % of any of the three quotas, which only an increase by AWS lifts.
	a.onMath(capacityLow, kind+"-near-limit", "the "+kind+" stream takes over 80 % of a quota",
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
	kind := string(s.Kind)
	// Fires when invocations fail as a whole: after its retries Firehose gives up the batch to the error prefix. A record
	// that the transform rejects is not a failed invocation; it is counted and becomes a dead letter. Three periods: the
	// few throttled minutes of a deployment can reach into two. The alarm on errors sees a broken function sooner.
	a.on(recordsFailing, kind+"-transform-failing", "Firehose's invocations of the "+kind+" transform fail",
		ofStream(s)("ExecuteProcessing.Success", "Average"), condition{below, 0.99, 300, 3, 3})
	a.watchFunction(kind+"-transform", "the "+kind+" transform", ofFunction(s.Transform.Function),
		s.Transform.TimeoutSeconds, recordsFailing, recordsFailing)
	// Fires when records were given up because the answer would have passed 6 MB: lower the processor buffer.
	a.on(recordsFailed, kind+"-transform-too-large", "answers of the "+kind+" transform reach Lambda's 6 MB",
		ofPipeline(a.stackName, s.Kind)("TooLarge", "Sum"), condition{above, 0, 300, 1, 1})
}

// watchFunction watches errors, throttles and time of a function.
func (a *Alarms) watchFunction(name, title string, of metrics, timeoutSeconds int, broken, throttled loss) {
	// Fires on any failed invocation: both functions catch every failure that a record can cause, so an error is a defect
	// or an outage.
	a.on(broken, name+"-errors", "invocations of "+title+" fail", of("Errors", "Sum"), condition{above, 0, 60, 3, 5})
	// Fires when the function hits a concurrency limit, of the account or its own.
	a.on(throttled, name+"-throttles", title+" is throttled", of("Throttles", "Sum"), condition{above, 0, 60, 5, 5})
	// Fires when the slowest tenth comes near the timeout.
	limit := float64(timeoutSeconds) * 1000 * 0.8
	a.on(capacityLow, name+"-slow", fmt.Sprintf("%s takes over %.0f ms of its %d s", title, limit, timeoutSeconds),
		of("Duration", "p90"), condition{above, limit, 60, 10, 15})
}

// watchErrorHandler watches the function between the error prefix and the queue: records that it loses never reach the
// queue.
func (a *Alarms) watchErrorHandler(h *ErrorHandler) {
	of := ofFunction(h.Function)
	// Throttled, it is late: Lambda keeps its events for six hours.
	a.watchFunction("error-handler", "the error handler", of, ErrorHandlerTimeoutSeconds,
		failurePathBroken, capacityLow)
	// Fires when Lambda gave an event up without a trace in the queue: replay the error prefix.
	a.on(failurePathBroken, "error-handler-events-dropped", "error objects were given up without a dead letter",
		of("AsyncEventsDropped", "Sum"), condition{above, 0, 60, 1, 1})
	// Fires when a failed invocation could not be written to the queue: rights, or the key.
	a.on(failurePathBroken, "error-handler-destination-failing",
		"failed invocations of the error handler do not reach the queue", of("DestinationDeliveryFailures", "Sum"),
		condition{above, 0, 60, 1, 1})
	// Fires when error objects wait for an hour: the handler is throttled or failing.
	a.on(failurePathBroken, "error-handler-behind", "error objects wait for the error handler for over an hour",
		of("AsyncEventAge", "Maximum"), condition{above, 3_600_000, 300, 1, 1})
}

// watchDeadLetters watches the queue that people empty.
func (a *Alarms) watchDeadLetters(q *DeadLetterQueue) {
	of := ofQueue(q)
	// Fires when there is a failed record to look at.
	a.on(recordsFailed, "dead-letters", "records failed and wait in the dead-letter queue",
		of("ApproximateNumberOfMessagesVisible", "Maximum"), condition{above, 0, 300, 1, 1})
	// Fires four days before SQS deletes the oldest dead letter. SQS leaves a message out of this metric that was received
	// three times and not deleted: one that people only read. The next alarm sees those.
	// https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-available-cloudwatch-metrics.html
	a.on(ticketByItself, "dead-letters-expiring", "dead letters are about to be deleted by their age",
		of("ApproximateAgeOfOldestMessage", "Maximum"),
		condition{above, float64((DeadLetterRetentionDays - 4) * 24 * 60 * 60), 300, 1, 1})
	// Fires when the queue held dead letters in 144 of the last 168 hours, without a break in each. Not in seven days of
	// seven: reading the last dead letter makes it invisible for a moment, and one such moment would make a day's minimum
	// 0.
	a.on(ticketByItself, "dead-letters-waiting", "dead letters waited for 144 of the last 168 hours",
		of("ApproximateNumberOfMessagesVisible", "Minimum"), condition{atLeast, 1, 3600, 6 * 24, 7 * 24})
}
