package constructs_test

import (
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"

	"firehose-pipeline/settings"
)

func TestAlarmsWatchRealMetricsAndTellSomebody(t *testing.T) {
	everyVariant(t, func(t *testing.T, config settings.Settings, template *template) {
		pages, _ := template.one(t, "AWS::SNS::Topic", "AlarmTopic")
		tickets, _ := template.one(t, "AWS::SNS::Topic", "TicketTopic")
		alarms, composites := template.of("AWS::CloudWatch::Alarm"), template.of("AWS::CloudWatch::CompositeAlarm")
		if len(alarms) < 10 {
			t.Errorf("alarms: must watch every stage (got %d)", len(alarms))
		}
		byName := map[string]string{}
		heard := map[string]bool{} // alarms that send messages, and alarms in rules of these
		for id, alarm := range template.Resources {
			if !strings.HasPrefix(alarm.Type, "AWS::CloudWatch::") {
				continue
			}
			name, _ := alarm.Properties["AlarmName"].(string)
			byName[name] = id
			// OK actions would be executed when the alarm is created.
			for _, property := range []string{"OKActions", "InsufficientDataActions", "AlarmActions.1"} {
				wantAbsent(t, alarm.Properties, property)
			}
			if action, ok := at(alarm.Properties, "AlarmActions.0.Ref"); ok {
				heard[name] = true
				if action != pages && action != tickets {
					t.Errorf("%s: AlarmActions must be a topic (got %v)", id, action)
				}
			}
		}
		for name := range maps.Clone(heard) {
			for _, member := range rulesAlarms(composites[byName[name]]) {
				heard[member] = true
			}
		}
		for id, alarm := range alarms {
			checkMetrics(t, id, alarm)
			want(t, alarm.Properties, "TreatMissingData", "notBreaching")
			checkPeriods(t, id, alarm)
			if name := alarm.Properties["AlarmName"].(string); !heard[name] {
				t.Errorf("%s: must send messages or be in the rule of an alarm that does", id)
			}
		}
		checkComposites(t, template, composites, byName)
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
		var dimensions []string
		for _, d := range metric["Dimensions"].([]any) {
			dimensions = append(dimensions, d.(map[string]any)["Name"].(string))
		}
		if err := checkRealMetric(namespace, name, dimensions); err != nil {
			t.Errorf("%s: %v", id, err)
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

// countMetrics counts the metrics that alarms watch.
func countMetrics(alarms map[string]resource) int {
	watched := 0
	for _, alarm := range alarms {
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
	return watched
}

// The bill counts the metrics of alarms, and docs/deploy.md has their number.
func TestNumbersOfAlarmsAreDocumented(t *testing.T) {
	page, err := os.ReadFile(fromRoot("docs/deploy.md"))
	if err != nil {
		t.Fatal(err)
	}
	var alarms, metrics, composites []any
	for _, variant := range []string{"dev", "staging", "production", "enableOpenSearch false", "ingestion kinesis"} {
		template := synth(t, variants[variant])
		all := template.of("AWS::CloudWatch::Alarm")
		alarms, metrics = append(alarms, len(all)), append(metrics, countMetrics(all))
		composites = append(composites, len(template.of("AWS::CloudWatch::CompositeAlarm")))
	}
	text := strings.Join(strings.Fields(string(page)), " ")
	for _, sentence := range []string{
		fmt.Sprintf("%d in dev, %d in staging, %d in production, %d without search", alarms[:4]...),
		fmt.Sprintf("each metric that an alarm watches: %d, %d, %d and %d of them", metrics[:4]...),
		fmt.Sprintf("0.50 USD for each composite alarm: %d, %d, %d and %d of them", composites[:4]...),
		fmt.Sprintf("dev has %d alarms on %d metrics, and %d composite alarms", alarms[4], metrics[4], composites[4]),
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
		for _, alarm := range template.Resources {
			if alarm.Type != "AWS::CloudWatch::Alarm" && alarm.Type != "AWS::CloudWatch::CompositeAlarm" {
				continue
			}
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
