package constructs

import (
	"fmt"
	"strings"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awscloudwatch"
	"github.com/aws/constructs-go/constructs/v10"
	"github.com/aws/jsii-runtime-go"
)

// Dashboard shows the way of the events on one page: from the put to the stores, and of those that failed to the queue.
// Lines at the thresholds of alarms are read from the alarms.
type Dashboard struct {
	constructs.Construct
	Name string
}

// DashboardProps are the parts to show; nil parts do not exist in this stack.
type DashboardProps struct {
	StackName    string
	Alarms       *Alarms
	DataStream   *DataStream
	FrontDoor    *FrontDoor
	Streams      []*Stream
	ErrorHandler *ErrorHandler
	DeadLetters  *DeadLetterQueue
	Domain       *SearchDomain
	NewVPC       bool // its log of refused connections
}

// Colours of lines: CloudWatch's own red and orange.
const (
	alarmColor = "#d62728"
	limitColor = "#ff7f0e"
)

// Heights and periods (seconds) of graphs.
const (
	graphHeight    = 6
	streamPeriod   = 300
	functionPeriod = 60
)

// painter lays out the dashboard.
type painter struct {
	board
	DashboardProps
}

// NewDashboard makes the dashboard.
func NewDashboard(scope constructs.Construct, id string, props DashboardProps) *Dashboard {
	this := constructs.NewConstruct(scope, jsii.String(id))
	p := &painter{DashboardProps: props}
	p.paintHeader(props.Alarms.arns)
	if props.FrontDoor != nil {
		p.paintFrontDoor()
	}
	p.paintIngestion()
	p.paintTransforms()
	p.paintDelivery()
	if props.Domain != nil {
		p.paintDomain(props.Domain)
	}
	p.paintErrors()
	p.paintLogs()
	// Dashboards are the account's, not a region's: the stack of another region has its own.
	// https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_PutDashboard.html
	name := props.StackName + "-" + *awscdk.Aws_REGION()
	awscloudwatch.NewCfnDashboard(this, jsii.String("Dashboard"), &awscloudwatch.CfnDashboardProps{
		DashboardName: jsii.String(name), DashboardBody: jsii.String(p.encode())})
	return &Dashboard{this, name}
}

// alarmAt is a line at the threshold of the alarm on a metric; none when no alarm watches it.
func (p *painter) alarmAt(m metric) []horizontal {
	threshold, ok := p.Alarms.thresholds[m.key()]
	if !ok {
		return nil
	}
	return []horizontal{{Label: "alarm", Value: threshold, Color: alarmColor}}
}

// maxAlarms is how many alarms an alarm widget takes.
const maxAlarms = 100

func (p *painter) paintHeader(arns []string) {
	p.addText(2, "# "+p.StackName,
		"From the put to the stores: ingestion, transform, delivery, domain, failed records, logs. What to do about "+
			"an alarm: its section in `docs/runbook.md`, which its description names. Where one event is: "+
			"`pipeline trace --event-id ID --stack "+p.StackName+"`.")
	for len(arns) > 0 {
		n := min(len(arns), maxAlarms)
		p.beginRow(max(3, (n+6)/7+1))
		p.add("alarm", gridColumns, alarmProperties{"Alarms, those that fire first", arns[:n], "stateUpdatedTimestamp"})
		arns = arns[n:]
	}
}

// sections names sections of the runbook.
func sections(names ...string) string {
	var all []string
	for _, name := range names {
		all = append(all, "`docs/runbook.md#"+name+"`")
	}
	return "Runbook: " + strings.Join(all, ", ")
}

// ofStreams names alarms, by their names without the stream's, of all streams.
func (p *painter) ofStreams(alarms ...string) []string {
	var all []string
	for _, alarm := range alarms {
		for _, s := range p.Streams {
			all = append(all, string(s.Kind)+"-"+alarm)
		}
	}
	return all
}

// paintFrontDoor shows the requests of the API, how many were rejected or failed, and how long they took.
func (p *painter) paintFrontDoor() {
	p.addText(2, "## Front door", "Requests, those that were rejected (4XX) or failed (5XX), and their latency. The "+
		"access log has each: `/aws/apigateway/"+p.StackName+"-access`. "+
		sections("api-failing", "api-rejecting", "api-slow"))
	p.beginRow(graphHeight)
	of := ofFrontDoor(p.StackName)
	p.addGraph(gridColumns/2, functionPeriod, "front door: requests", "requests", 0, []graphed{
		line(of("Count", "Sum"), "requests"), line(of("4XXError", "Sum"), "rejected"), line(of("5XXError", "Sum"), "failed")})
	latency := of("Latency", "p90")
	p.addGraph(gridColumns/2, functionPeriod, "front door: latency", "ms", 0, []graphed{
		line(of("Latency", "p50"), "p50"), line(latency, "p90"), line(of("IntegrationLatency", "p90"), "stream, p90")},
		p.alarmAt(latency)...)
}

func (p *painter) paintIngestion() {
	if p.DataStream != nil {
		p.paintDataStream()
		return
	}
	p.addText(2, "## Ingestion", "Accepted records and bytes against the streams' limits; throttled records have "+
		"to be put again by the producer. "+sections(p.ofStreams("throttled", "near-limit")...))
	p.beginRow(graphHeight)
	width := gridColumns / 2 / len(p.Streams)
	for _, s := range p.Streams {
		of := ofStream(s)
		records := append(rate(of("IncomingRecords", "Sum"), "records", "accepted"),
			line(of("RecordsPerSecondLimit", "Maximum"), "limit"), line(of("ThrottledRecords", "Sum"), "throttled").onRight())
		p.addGraph(width, streamPeriod, fmt.Sprintf("%s stream: records a second", s.Kind), "records/s", 0, records)
		bytes := append(rate(of("IncomingBytes", "Sum"), "bytes", "accepted"),
			line(of("BytesPerSecondLimit", "Maximum"), "limit"))
		p.addGraph(width, streamPeriod, fmt.Sprintf("%s stream: bytes a second", s.Kind), "bytes/s", 0, bytes)
	}
}

// paintDataStream shows the one stream that producers put to, and how far behind each delivery stream reads it.
func (p *painter) paintDataStream() {
	p.addText(2, "## Ingestion", "Records and bytes that the data stream accepted; throttled records have to be put "+
		"again by the producer. How far behind the delivery streams read. "+
		sections(append([]string{"data-stream-write-throttled", "data-stream-read-throttled"},
			p.ofStreams("reading-behind")...)...))
	p.beginRow(graphHeight)
	of := ofDataStream(p.DataStream)
	p.addGraph(gridColumns/4, streamPeriod, "data stream: records a second", "records/s", 0,
		append(rate(of("IncomingRecords", "Sum"), "records", "accepted"),
			line(of("WriteProvisionedThroughputExceeded", "Sum"), "throttled").onRight()))
	p.addGraph(gridColumns/4, streamPeriod, "data stream: bytes a second", "bytes/s", 0,
		rate(of("IncomingBytes", "Sum"), "bytes", "accepted"))
	behind := []graphed{}
	throttled := []graphed{line(of("ReadProvisionedThroughputExceeded", "Sum"), "all readers")}
	for _, s := range p.Streams {
		behind = append(behind, line(ofStream(s)("KinesisMillisBehindLatest", "Maximum"), string(s.Kind)))
		throttled = append(throttled, line(ofStream(s)("ThrottledGetRecords", "Sum"), string(s.Kind)))
	}
	p.addGraph(gridColumns/4, streamPeriod, "read behind", "ms", 0, behind, horizontal{Label: "alarm",
		Value: readingLag, Color: alarmColor})
	p.addGraph(gridColumns/4, streamPeriod, "throttled reads", "reads", 0, throttled)
}

func (p *painter) paintTransforms() {
	var streams []*Stream
	for _, s := range p.Streams {
		if s.Transform != nil {
			streams = append(streams, s)
		}
	}
	if len(streams) == 0 {
		return
	}
	p.addText(2, "## Transform", "Invocations by Firehose, their duration against the timeout, and what became of "+
		"the records. "+sections(p.ofStreams("transform-errors", "transform-slow")...))
	p.beginRow(graphHeight)
	for _, s := range streams {
		of := ofFunction(s.Transform.Function)
		p.paintFunction(fmt.Sprintf("%s transform", s.Kind), of, s.Transform.TimeoutSeconds)
		own := ofPipeline(p.StackName, s.Kind)
		p.addGraph(gridColumns/3, functionPeriod, fmt.Sprintf("%s transform: records", s.Kind), "records", 0, []graphed{
			line(own("Ok", "Sum"), "ok"), line(own("PartialRecords", "Sum"), "partial"),
			line(own("Dropped", "Sum"), "dropped"), line(own("ProcessingFailed", "Sum"), "rejected"),
			line(own("TooLarge", "Sum"), "too large")})
	}
}

// paintFunction adds two graphs, each a third of the width: invocations, and duration against the timeout.
func (p *painter) paintFunction(title string, of metrics, timeoutSeconds int) {
	p.addGraph(gridColumns/3, functionPeriod, title+": invocations", "invocations", 0, []graphed{
		line(of("Invocations", "Sum"), "invocations"), line(of("Errors", "Sum"), "errors"),
		line(of("Throttles", "Sum"), "throttled")})
	p.addGraph(gridColumns/3, functionPeriod, title+": duration", "ms", 0, []graphed{
		line(of("Duration", "p50"), "p50"), line(of("Duration", "p90"), "p90"), line(of("Duration", "Maximum"), "longest")},
		horizontal{Label: "timeout", Value: float64(timeoutSeconds) * 1000, Color: limitColor})
}
