package constructs_test

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"firehose-pipeline/settings"
)

// realMetrics are the metrics that exist, with the dimensions that they need: an alarm on any other stays silent for
// ever. Sources: the CloudWatch metric pages of Firehose, Lambda, SQS and OpenSearch Service; the functions' own
// metrics.
var realMetrics = map[string]struct {
	dimensions []string
	names      []string
}{
	"AWS/Firehose": {[]string{"DeliveryStreamName"}, []string{
		"DeliveryToS3.Success", "DeliveryToS3.Records", "DeliveryToS3.DataFreshness", "BackupToS3.Success",
		"DeliveryToAmazonOpenSearchService.Success", "DeliveryToAmazonOpenSearchService.Records",
		"DeliveryToAmazonOpenSearchService.DataFreshness",
		"DeliveryToAmazonOpenSearchService.AuthFailure", "DeliveryToAmazonOpenSearchService.DeliveryRejected",
		"ExecuteProcessing.Success", "FailedConversion.Records", "ThrottledRecords", "IncomingRecords", "IncomingBytes",
		"IncomingPutRequests",
		"BytesPerSecondLimit", "RecordsPerSecondLimit", "PutRequestsPerSecondLimit",
		"DataReadFromKinesisStream.Records", "KinesisMillisBehindLatest", "ThrottledGetRecords",
	}},
	"AWS/Kinesis": {[]string{"StreamName"}, []string{
		"WriteProvisionedThroughputExceeded", "ReadProvisionedThroughputExceeded",
	}},
	"AWS/Lambda": {[]string{"FunctionName"}, []string{
		"Errors", "Throttles", "Duration", "AsyncEventsDropped", "AsyncEventAge", "DestinationDeliveryFailures",
	}},
	"AWS/SQS": {[]string{"QueueName"}, []string{
		"ApproximateNumberOfMessagesVisible", "ApproximateAgeOfOldestMessage",
	}},
	"AWS/ES": {[]string{"ClientId", "DomainName"}, []string{
		"ClusterStatus.red", "ClusterStatus.yellow", "FreeStorageSpace", "ClusterIndexWritesBlocked", "Nodes",
		"AutomatedSnapshotFailure",
		"CPUUtilization", "JVMMemoryPressure", "OldGenJVMMemoryPressure", "MasterCPUUtilization", "MasterJVMMemoryPressure",
		"MasterReachableFromNode", "KMSKeyError", "KMSKeyInaccessible", "ThreadpoolWriteQueue", "ThreadpoolWriteRejected",
	}},
	"FirehosePipeline": {[]string{"Stack", "Stream"}, []string{"TooLarge"}},
}

func TestAlarmsWatchRealMetricsAndTellSomebody(t *testing.T) {
	everyVariant(t, func(t *testing.T, _ settings.Settings, template *template) {
		topic, _ := template.one(t, "AWS::SNS::Topic", "AlarmTopic")
		alarms := template.of("AWS::CloudWatch::Alarm")
		if len(alarms) < 10 {
			t.Errorf("alarms: must watch every stage (got %d)", len(alarms))
		}
		for id, alarm := range alarms {
			checkMetrics(t, id, alarm)
			for _, property := range []string{"AlarmActions", "OKActions"} {
				action, _ := at(alarm.Properties, property+".0.Ref")
				if action != topic {
					t.Errorf("%s: %s must be the alarm topic (got %v)", id, property, action)
				}
			}
			want(t, alarm.Properties, "TreatMissingData", "notBreaching")
			checkPeriods(t, id, alarm)
		}
	})
}

func checkMetrics(t *testing.T, id string, alarm resource) {
	t.Helper()
	metrics := []map[string]any{alarm.Properties}
	if queries, ok := alarm.Properties["Metrics"].([]any); ok {
		metrics = nil
		returned := 0
		for _, q := range queries {
			query := q.(map[string]any)
			if query["ReturnData"] == true {
				returned++
			}
			if stat, ok := query["MetricStat"].(map[string]any); ok {
				metrics = append(metrics, stat["Metric"].(map[string]any))
			}
		}
		if returned != 1 || len(queries) > 10 {
			t.Errorf("%s: must return one of at most 10 series (got %d of %d)", id, returned, len(queries))
		}
	}
	for _, metric := range metrics {
		namespace, _ := metric["Namespace"].(string)
		name, _ := metric["MetricName"].(string)
		real, ok := realMetrics[namespace]
		if !ok || !slices.Contains(real.names, name) {
			t.Errorf("%s: no such metric: %s %s", id, namespace, name)
			continue
		}
		var dimensions []string
		for _, d := range metric["Dimensions"].([]any) {
			dimensions = append(dimensions, d.(map[string]any)["Name"].(string))
		}
		slices.Sort(dimensions)
		if !slices.Equal(dimensions, real.dimensions) {
			t.Errorf("%s: dimensions of %s must be %v (got %v)", id, name, real.dimensions, dimensions)
		}
	}
}

// CloudWatch evaluates at most a day, or a week by periods of an hour and more; high resolution is not meant here.
// https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_PutMetricAlarm.html
func checkPeriods(t *testing.T, id string, alarm resource) {
	t.Helper()
	period, ok := alarm.Properties["Period"].(float64)
	if !ok {
		return
	}
	longest := 86_400.0
	if period >= 3600 {
		longest *= 7
	}
	if total := period * alarm.Properties["EvaluationPeriods"].(float64); total > longest || int(period)%60 != 0 {
		t.Errorf("%s: must evaluate at most %v s, by whole minutes (got %v s)", id, longest, total)
	}
}

// A stream that has never delivered has no metric of deliveries. CloudWatch documents the value of a missing point, 0,
// only for one of two series that are compared with each other.
func TestStalledAlarmComparesTwoSeries(t *testing.T) {
	everyVariant(t, func(t *testing.T, config settings.Settings, template *template) {
		streams := 0
		for id, alarm := range template.of("AWS::CloudWatch::Alarm") {
			if !strings.HasSuffix(alarm.Properties["AlarmName"].(string), "-stalled") {
				continue
			}
			streams++
			var got []string
			for _, q := range alarm.Properties["Metrics"].([]any) {
				query := q.(map[string]any)
				if name, ok := at(query, "MetricStat.Metric.MetricName"); ok {
					got = append(got, query["Id"].(string)+" = "+name.(string))
				} else {
					got = append(got, query["Expression"].(string))
				}
			}
			destination := "DeliveryToS3"
			if strings.Contains(id, "search") {
				destination = "DeliveryToAmazonOpenSearchService"
			}
			incoming := "IncomingRecords"
			if config.FromKinesis() {
				incoming = "DataReadFromKinesisStream.Records"
			}
			expected := []string{
				"incoming = " + incoming,
				"delivered = " + destination + ".Records",
				"incoming > 1000000000000 * delivered",
			}
			if !slices.Equal(got, expected) {
				t.Errorf("%s: must compare %q (got %q)", id, expected, got)
			}
			want(t, alarm.Properties, "ComparisonOperator", "GreaterThanOrEqualToThreshold")
			want(t, alarm.Properties, "Threshold", 1)
		}
		if expected := len(template.of(firehose)); streams != expected {
			t.Errorf("stalled: must be watched of %d streams (got %d)", expected, streams)
		}
	})
}

// The age of the oldest message leaves out messages that were received three times: dead letters that people only read
// are seen by their number, over the week that CloudWatch looks back at most.
func TestLettersThatPeopleOnlyLookAtHaveAnAlarm(t *testing.T) {
	for _, alarm := range synth(t, variants["dev"]).of("AWS::CloudWatch::Alarm") {
		if !strings.HasSuffix(alarm.Properties["AlarmName"].(string), "-dead-letters-waiting") {
			continue
		}
		for property, value := range map[string]any{
			"MetricName": "ApproximateNumberOfMessagesVisible", "Statistic": "Minimum",
			"ComparisonOperator": "GreaterThanOrEqualToThreshold",
			"Threshold":          1, "Period": 3600, "EvaluationPeriods": 168, "DatapointsToAlarm": 144,
		} {
			want(t, alarm.Properties, property, value)
		}
		return
	}
	t.Error("dead-letters-waiting: is missing")
}

// The bill counts the metrics of alarms, and docs/deploy.md has their number.
func TestNumbersOfAlarmsAreDocumented(t *testing.T) {
	page, err := os.ReadFile(fromRoot("docs/deploy.md"))
	if err != nil {
		t.Fatal(err)
	}
	var alarms, metrics []any
	for _, variant := range []string{"dev", "staging", "production", "enableOpenSearch false"} {
		watched := 0
		all := synth(t, variants[variant]).of("AWS::CloudWatch::Alarm")
		for _, alarm := range all {
			queries, _ := alarm.Properties["Metrics"].([]any)
			for _, query := range queries {
				if _, ok := at(query, "MetricStat"); ok {
					watched++
				}
			}
			if queries == nil {
				watched++
			}
		}
		alarms, metrics = append(alarms, len(all)), append(metrics, watched)
	}
	text := strings.Join(strings.Fields(string(page)), " ")
	for _, sentence := range []string{
		fmt.Sprintf("%d in dev, %d in staging, %d in production, %d without search", alarms...),
		fmt.Sprintf("each metric that an alarm watches: %d, %d, %d and %d of them", metrics...),
	} {
		if !strings.Contains(text, sentence) {
			t.Errorf("docs/deploy.md: must say %q", sentence)
		}
	}
}

// A dead stream, a dead handler and a full queue must not go unseen: the stages, by the alarms that watch them.
func TestEveryStageHasAnAlarm(t *testing.T) {
	var names []string
	for _, alarm := range synth(t, variants["production"]).of("AWS::CloudWatch::Alarm") {
		names = append(names,
			strings.TrimPrefix(alarm.Properties["AlarmName"].(string), "kinesis-firehose-pipeline-production-"))
	}
	for _, stage := range []string{
		"lake-throttled", "lake-transform-failing", "lake-transform-errors", "lake-conversion-failing",
		"lake-delivery-failing", "lake-delivery-lagging",
		"lake-stalled", "lake-near-limit", "lake-backup-failing", "search-throttled", "search-transform-failing",
		"search-transform-errors",
		"search-delivery-failing", "search-delivery-lagging", "search-stalled", "search-refused", "search-backup-failing",
		"error-handler-errors", "error-handler-events-dropped", "error-handler-destination-failing", "dead-letters",
		"dead-letters-expiring", "dead-letters-waiting",
		"domain-red", "domain-yellow", "domain-storage-low", "domain-writes-blocked", "domain-master-unreachable",
	} {
		if !slices.Contains(names, stage) {
			t.Errorf("alarm %s: is missing", stage)
		}
	}
}

// An alarm's description leads to a section of the runbook, and the runbook has no section for an alarm that is gone.
func TestEveryAlarmHasASectionInTheRunbook(t *testing.T) {
	runbook, err := os.ReadFile(fromRoot("docs/runbook.md"))
	if err != nil {
		t.Fatal(err)
	}
	sections := map[string]bool{}
	for line := range strings.Lines(string(runbook)) {
		if title, ok := strings.CutPrefix(line, "### "); ok {
			for _, name := range strings.Fields(strings.ReplaceAll(title, ",", " ")) {
				sections[name] = false
			}
		}
	}
	anchors := strings.Count(string(runbook), "<a id=\"")
	everyVariant(t, func(t *testing.T, config settings.Settings, template *template) {
		for _, alarm := range template.of("AWS::CloudWatch::Alarm") {
			name := strings.TrimPrefix(alarm.Properties["AlarmName"].(string), config.StackName()+"-")
			if _, ok := sections[name]; !ok {
				t.Errorf("docs/runbook.md: has no section on %s", name)
			}
			sections[name] = true
			if !strings.HasSuffix(alarm.Properties["AlarmDescription"].(string), "docs/runbook.md#"+name) ||
				!strings.Contains(string(runbook), `<a id="`+name+`"></a>`) {
				t.Errorf("docs/runbook.md: has no anchor #%s, which the alarm's description names", name)
			}
		}
	})
	for name, used := range sections {
		if !used {
			t.Errorf("docs/runbook.md: section %s is about no alarm", name)
		}
	}
	if anchors != len(sections) {
		t.Errorf("docs/runbook.md: has %d anchors for %d alarms", anchors, len(sections))
	}
}
