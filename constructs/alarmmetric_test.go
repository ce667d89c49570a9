package constructs_test

import (
	"slices"
	"strings"
	"testing"

	"firehose-pipeline/internal/testkit/cloudwatch"
)

// alarmSeries are two series for an alarm, each of the values of one metric in minutes 0 to minutes-1 of an incident.
// The quiet one comes as near as it can: the value next to the threshold, or a minute less than the alarm needs.
type alarmSeries struct {
	metric       string
	every        int // minutes between the samples
	fires, quiet values
}

type values struct {
	value   float64
	minutes int
}

// kinds of alarms that two streams or three functions have.
func streamSeries(stream string) map[string]alarmSeries {
	destination, lag, delivery := "DeliveryToS3.", 900.0, 5
	if stream == "search" {
		destination, lag, delivery = delivered, 660, 1
	}
	const limit = 60 * (5 << 20) // bytes a minute
	s := stream + " "
	f := stream + "-transform "
	return map[string]alarmSeries{
		stream + "-delivery-failing":    {s + destination + "Success", delivery, values{0.98, 15}, values{0.99, 60}},
		stream + "-delivery-lagging":    {s + destination + "DataFreshness", delivery, values{lag + 1, 15}, values{lag, 60}},
		stream + "-stalled":             {s + destination + "Records", delivery, values{0, 45}, values{0, 44 - delivery}},
		stream + "-throttled":           {s + "ThrottledRecords", 1, values{1, 6}, values{1, 1}},
		stream + "-near-limit":          {s + "IncomingBytes", 1, values{0.81 * limit, 10}, values{0.8 * limit, 60}},
		stream + "-transform-failing":   {s + "ExecuteProcessing.Success", 1, values{0.98, 13}, values{0.98, 12}},
		stream + "-transform-too-large": {s + "TooLarge", 1, values{1, 1}, values{0, 60}},
		stream + "-transform-errors":    {f + "Errors", 1, values{1, 3}, values{1, 2}},
		stream + "-transform-throttles": {f + "Throttles", 1, values{1, 5}, values{1, 4}},
		stream + "-transform-slow":      {f + "Duration", 1, values{48_001, 10}, values{48_000, 60}},
		stream + "-reading-behind":      {s + "KinesisMillisBehindLatest", 1, values{600_001, 15}, values{600_000, 60}},
		stream + "-reading-expiring":    {s + "KinesisMillisBehindLatest", 1, values{43_200_001, 1}, values{43_200_000, 60}},
		stream + "-reading-throttled":   {s + "ThrottledGetRecords", 1, values{1, 7}, values{1, 6}},
	}
}

// allSeries has an entry for each alarm of any stack.
func allSeries() map[string]alarmSeries {
	all := streamSeries("lake")
	for name, series := range streamSeries("search") {
		all[name] = series
	}
	h, q, d := "error-handler ", "queue ", "domain "
	for name, series := range map[string]alarmSeries{
		"lake-conversion-failing": {"lake FailedConversion.Records", 5, values{1, 5}, values{0, 60}},
		"lake-backup-failing":     {"lake BackupToS3.Success", 5, values{0.98, 15}, values{0.99, 60}},
		"search-backup-failing":   {"search DeliveryToS3.Success", 1, values{0.98, 15}, values{0.99, 60}},
		"search-refused":          {"search " + delivered + "AuthFailure", 1, values{1, 1}, values{0, 60}},
		"search-rejected":         {"search " + delivered + "DeliveryRejected", 1, values{1, 1}, values{0, 60}},

		"data-stream-write-throttled": {"data WriteProvisionedThroughputExceeded", 1, values{1, 6}, values{1, 1}},
		"data-stream-read-throttled":  {"data ReadProvisionedThroughputExceeded", 1, values{1, 7}, values{1, 6}},

		"api-failing":   {"api 5XXError", 1, values{0.06, 3}, values{0.06, 2}},
		"api-rejecting": {"api 4XXError", 1, values{0.06, 10}, values{0.06, 9}},
		"api-slow":      {"api Latency", 1, values{2501, 5}, values{2500, 60}},

		"error-handler-errors":              {h + "Errors", 1, values{1, 3}, values{1, 2}},
		"error-handler-throttles":           {h + "Throttles", 1, values{1, 5}, values{1, 4}},
		"error-handler-slow":                {h + "Duration", 1, values{240_001, 10}, values{240_000, 60}},
		"error-handler-events-dropped":      {h + "AsyncEventsDropped", 1, values{1, 1}, values{0, 60}},
		"error-handler-destination-failing": {h + "DestinationDeliveryFailures", 1, values{1, 1}, values{0, 60}},
		"error-handler-behind":              {h + "AsyncEventAge", 1, values{3_600_001, 1}, values{3_600_000, 60}},

		"dead-letters":          {q + "ApproximateNumberOfMessagesVisible", 1, values{1, 1}, values{0, 60}},
		"dead-letters-expiring": {q + "ApproximateAgeOfOldestMessage", 1, values{864_001, 1}, values{864_000, 60}},
		"dead-letters-waiting":  {q + "ApproximateNumberOfMessagesVisible", 1, values{1, 144 * 60}, values{1, 144*60 - 1}},

		"domain-red":                {d + "ClusterStatus.red", 1, values{1, 1}, values{0, 60}},
		"domain-yellow":             {d + "ClusterStatus.yellow", 1, values{1, 5}, values{1, 4}},
		"domain-storage-low":        {d + "FreeStorageSpace", 1, values{25_600, 1}, values{25_601, 60}},
		"domain-writes-blocked":     {d + "ClusterIndexWritesBlocked", 1, values{1, 1}, values{0, 60}},
		"domain-node-missing":       {d + "Nodes", 1, values{5, 1}, values{6, 60}},
		"domain-snapshot-failed":    {d + "AutomatedSnapshotFailure", 1, values{1, 1}, values{0, 60}},
		"domain-cpu-high":           {d + "CPUUtilization", 1, values{80, 31}, values{79, 120}},
		"domain-memory-high":        {d + "JVMMemoryPressure", 1, values{95, 3}, values{95, 2}},
		"domain-old-memory-high":    {d + "OldGenJVMMemoryPressure", 1, values{80, 3}, values{80, 2}},
		"domain-write-queue":        {d + "ThreadpoolWriteQueue", 1, values{100, 5}, values{100, 4}},
		"domain-writes-rejected":    {d + "ThreadpoolWriteRejected", 1, values{13, 1}, values{12, 60}},
		"domain-key-error":          {d + "KMSKeyError", 1, values{1, 1}, values{0, 60}},
		"domain-key-inaccessible":   {d + "KMSKeyInaccessible", 1, values{1, 1}, values{0, 60}},
		"domain-master-cpu-high":    {d + "MasterCPUUtilization", 1, values{50, 31}, values{49, 120}},
		"domain-master-memory-high": {d + "MasterJVMMemoryPressure", 1, values{95, 3}, values{95, 2}},
		"domain-master-unreachable": {d + "MasterReachableFromNode", 1, values{0, 5}, values{0, 4}},

		"paged": {"pages NumberOfMessagesPublished", 1, values{1, 1}, values{0, 60}},
	} {
		all[name] = series
	}
	return all
}

// Each alarm fires with one series and stays quiet with the other, which differs as little as it can.
func TestEveryAlarmFiresAndStaysQuiet(t *testing.T) {
	series, checked, all := allSeries(), map[string]bool{}, allNames(t)
	for _, variant := range largestStacks {
		stack := readAlarms(t, variant)
		names := metricNames(t, stack)
		metrics, _ := stack.Alarms()
		for _, alarm := range metrics {
			name := strings.TrimPrefix(alarm, "kinesis-firehose-pipeline-production-")
			if s, ok := series[name]; ok {
				if checked[name] {
					continue // the same alarm in another stack
				}
				checkSeries(t, stack, names, all, alarm, s)
				checked[name] = true
				continue
			}
			t.Errorf("%s: must have a series that fires it and one that does not, in allSeries", name)
		}
	}
	for name := range series {
		if !checked[name] {
			t.Errorf("allSeries: %s is no alarm", name)
		}
	}
}

func checkSeries(t *testing.T, stack *cloudwatch.Stack, names, all map[string]cloudwatch.Metric, alarm string,
	s alarmSeries) {
	t.Helper()
	fires := func(v values) bool {
		p := newPlant(t, names, all, max(halfDay, v.minutes+2*began))
		p.setEvery(s.metric, began, began+v.minutes, s.every, v.value)
		result := stack.Only(alarm).Play(p.data, cloudwatch.Options{})
		return slices.ContainsFunc(result.Transitions, func(tr cloudwatch.Transition) bool {
			return tr.To == cloudwatch.Alarm
		})
	}
	if !fires(s.fires) {
		t.Errorf("%s: must fire with %v for %d minutes", alarm, s.fires.value, s.fires.minutes)
	}
	if fires(s.quiet) {
		t.Errorf("%s: must stay quiet with %v for %d minutes", alarm, s.quiet.value, s.quiet.minutes)
	}
}
