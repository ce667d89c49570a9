package constructs_test

import (
	"encoding/json"
	"maps"
	"math"
	"os"
	"strings"
	"testing"

	"firehose-pipeline/internal/testkit/cloudwatch"
)

// readAlarms reads the alarms of a variant's template.
func readAlarms(t *testing.T, variant string) *cloudwatch.Stack {
	t.Helper()
	text, err := json.Marshal(synth(t, variants[variant]).cdk.ToJSON())
	if err != nil {
		t.Fatal(err)
	}
	stack, err := cloudwatch.Read(text)
	if err != nil {
		t.Fatalf("%s: %v", variant, err)
	}
	return stack
}

// metricNames are the metrics that the alarms watch, as "<part> <metric>": the parts are data (the data stream), lake and
// search (the delivery streams), lake-transform, search-transform, error-handler, queue, domain, api
// (the front door) and pages (the topic).
func metricNames(t *testing.T, stack *cloudwatch.Stack) map[string]cloudwatch.Metric {
	t.Helper()
	names := map[string]cloudwatch.Metric{}
	alarms, _ := stack.Alarms()
	for _, alarm := range alarms {
		for _, metric := range stack.Metrics(alarm) {
			fields := strings.SplitN(string(metric), " ", 3)
			part := ""
			for _, known := range [][2]string{
				{"=DataStream", "data"}, {"=LakeStream", "lake"}, {"=SearchStream", "search"}, {"Stream=lake", "lake"}, {"Stream=search", "search"},
				{"=LakeTransform", "lake-transform"}, {"=SearchTransform", "search-transform"},
				{"=ErrorHandler", "error-handler"}, {"=DeadLetters", "queue"}, {"DomainName=", "domain"}, {"ApiName=", "api"}, {"=AlarmTopic", "pages"},
			} {
				if strings.Contains(fields[2], known[0]) {
					part = known[1]
				}
			}
			if part == "" {
				t.Fatalf("%s: a part must have the metric", metric)
			}
			names[part+" "+fields[1]] = metric
		}
	}
	return names
}

// largestStacks are the variants that have every alarm together.
var largestStacks = []string{"production", "ingestion kinesis in production"}

// allNames are the metrics of the largest stacks.
func allNames(t *testing.T) map[string]cloudwatch.Metric {
	t.Helper()
	all := map[string]cloudwatch.Metric{}
	for _, variant := range largestStacks {
		maps.Copy(all, metricNames(t, readAlarms(t, variant)))
	}
	return all
}

// plant writes the metrics of a stack, as its parts would publish them.
type plant struct {
	t     testing.TB
	data  *cloudwatch.Data
	names map[string]cloudwatch.Metric
	all   map[string]cloudwatch.Metric // those of the largest stacks: another one lacks some
}

// set sets the samples of a metric in every minute from from to until-1; without values there are none.
func (p plant) set(name string, from, until int, values ...float64) {
	p.setEvery(name, from, until, 1, values...)
}

// setEvery is set with minutes between the samples; there are none between them.
func (p plant) setEvery(name string, from, until, every int, values ...float64) {
	p.t.Helper()
	if _, known := p.all[name]; !known {
		p.t.Fatalf("%q: no alarm watches it", name)
	}
	metric, ok := p.names[name]
	if !ok {
		return
	}
	for minute := from; minute < until; minute++ {
		if (minute-from)%every == every-1 {
			p.data.Set(metric, minute, values...)
		} else {
			p.data.Set(metric, minute)
		}
	}
}

// both sets a metric of the lake and of the search stream, or of both transforms.
func (p plant) both(name string, from, until int, values ...float64) {
	p.t.Helper()
	p.set("lake"+name, from, until, values...)
	p.set("search"+name, from, until, values...)
}

const delivered = "DeliveryToAmazonOpenSearchService."

// events writes the metrics of streams and transforms while events come and everything works: lake deliveries every
// five minutes, search deliveries every minute.
func (p plant) events(from, until int) {
	p.both(" BytesPerSecondLimit", from, until, 5<<20)
	p.both(" RecordsPerSecondLimit", from, until, 500_000)
	p.both(" PutRequestsPerSecondLimit", from, until, 2_000)
	for minute := from; minute < until; minute++ {
		load := 1 + 0.8*math.Sin(float64(minute)*2*math.Pi/1440) // in the course of a day
		p.both(" IncomingRecords", minute, minute+1, math.Round(20_000*load))
		p.both(" IncomingBytes", minute, minute+1, math.Round(40e6*load))
		p.both(" IncomingPutRequests", minute, minute+1, math.Round(50*load))
	}
	p.both(" ThrottledRecords", from, until, 0)
	p.sourceWorks(from, until)
	p.lakeDelivers(from, until)
	p.searchDelivers(from, until)
	p.transformsWork(from, until)
}

// sourceWorks writes the metrics of a data stream that both streams read.
func (p plant) sourceWorks(from, until int) {
	p.set("data WriteProvisionedThroughputExceeded", from, until, 0)
	p.set("data ReadProvisionedThroughputExceeded", from, until, 0)
	p.both(" DataReadFromKinesisStream.Records", from, until, 20_000)
	p.both(" KinesisMillisBehindLatest", from, until, 900, 1_500)
	p.both(" ThrottledGetRecords", from, until, 0)
	p.doorWorks(from, until)
}

// doorWorks writes the metrics of a front door: one request in 50 is rejected.
func (p plant) doorWorks(from, until int) {
	p.set("api 5XXError", from, until, 0)
	p.set("api 4XXError", from, until, 0.02)
	p.set("api Latency", from, until, 30, 60)
}

func (p plant) lakeDelivers(from, until int) {
	for name, value := range map[string]float64{
		"DeliveryToS3.Success": 1, "DeliveryToS3.Records": 100_000, "DeliveryToS3.DataFreshness": 330,
		"BackupToS3.Success": 1, "FailedConversion.Records": 0,
	} {
		p.setEvery("lake "+name, from, until, 5, value)
	}
}

func (p plant) searchDelivers(from, until int) {
	p.set("search "+delivered+"Success", from, until, 1)
	p.set("search "+delivered+"Records", from, until, 20_000)
	p.set("search "+delivered+"DataFreshness", from, until, 65)
	p.set("search "+delivered+"AuthFailure", from, until, 0)
	p.set("search "+delivered+"DeliveryRejected", from, until, 0)
	p.set("search DeliveryToS3.Success", from, until)
}

func (p plant) transformsWork(from, until int) {
	p.both(" ExecuteProcessing.Success", from, until, 1, 1, 1)
	p.both(" TooLarge", from, until, 0)
	p.both("-transform Errors", from, until, 0)
	p.both("-transform Throttles", from, until, 0)
	p.both("-transform Duration", from, until, 4, 6, 9)
}

// noEvents removes what streams and transforms publish only while events come.
func (p plant) noEvents(from, until int) {
	for name := range p.names {
		part, _, _ := strings.Cut(name, " ")
		if part == "data" || part == "api" || strings.HasPrefix(part, "lake") || strings.HasPrefix(part, "search") {
			p.set(name, from, until)
		}
	}
}

// rest writes the metrics of queue and domain, which come day and night. The error handler has none: nothing fails.
func (p plant) rest(from, until int) {
	p.queue(from, until, 0, 0)
	for name, value := range map[string]float64{
		"ClusterStatus.red": 0, "ClusterStatus.yellow": 0, "FreeStorageSpace": 60_000, "ClusterIndexWritesBlocked": 0,
		"Nodes": 6, "AutomatedSnapshotFailure": 0, "CPUUtilization": 35, "JVMMemoryPressure": 60,
		"OldGenJVMMemoryPressure": 40, "MasterCPUUtilization": 10, "MasterJVMMemoryPressure": 45, "MasterReachableFromNode": 1, "ThreadpoolWriteQueue": 2,
		"ThreadpoolWriteRejected": 12, // counts up from the start of a node
	} {
		p.set("domain "+name, from, until, value)
	}
}

// queue sets the number of dead letters and the age of the oldest at from, in minutes.
func (p plant) queue(from, until int, letters, age float64) {
	p.set("queue ApproximateNumberOfMessagesVisible", from, until, letters)
	for minute := from; minute < until; minute++ {
		seconds := 0.0
		if letters > 0 {
			seconds = (age + float64(minute-from)) * 60
		}
		p.set("queue ApproximateAgeOfOldestMessage", minute, minute+1, seconds)
	}
}

// failing adds error objects to the queue, from one minute on, and leaves them there until the replay at until.
func (p plant) failing(from, until int, letters float64) {
	p.queue(from, until, letters, 0)
	p.set("error-handler Errors", from, from+10, 0, 0, 0)
	p.set("error-handler Duration", from, from+10, 900, 1200, 1500)
	p.set("error-handler AsyncEventAge", from, from+10, 50, 80)
}

// newPlant is a stack that runs well, with events.
func newPlant(t testing.TB, names, all map[string]cloudwatch.Metric, minutes int) plant {
	p := plant{t, cloudwatch.NewData(minutes), names, maps.Clone(all)}
	p.events(0, minutes)
	p.rest(0, minutes)
	return p
}

// checkGenerated compares the part of a page between <!-- name: … --> and <!-- end of name --> with a text; -update
// writes it.
func checkGenerated(t *testing.T, path, name, text string) {
	t.Helper()
	page, err := os.ReadFile(fromRoot(path))
	if err != nil {
		t.Fatal(err)
	}
	before, rest, found := strings.Cut(string(page), "<!-- "+name+": written by make update -->\n")
	old, after, closed := strings.Cut(rest, "<!-- end of "+name+" -->")
	if !found || !closed {
		t.Fatalf("%s: must have a part %s", path, name)
	}
	text = "\n" + text + "\n\n"
	if old == text {
		return
	}
	if !*update {
		t.Errorf("%s: part %s must be what the test says (make update writes it):\n%s", path, name, text)
		return
	}
	whole := before + "<!-- " + name + ": written by make update -->\n" + text + "<!-- end of " + name + " -->" + after
	if err := os.WriteFile(fromRoot(path), []byte(whole), 0o644); err != nil {
		t.Fatal(err)
	}
}
