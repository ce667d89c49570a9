package cost

import (
	"encoding/json"
	"fmt"
	"maps"
	"regexp"
	"slices"

	"firehose-pipeline/contract"
)

// Edits of a template in memory, for the variants of a comparison.

// Metrics that only one kind of ingestion has. The app's alarms watch them.
var (
	putMetrics  = []string{"ThrottledRecords", "BytesPerSecondLimit"}
	readMetrics = []string{"KinesisMillisBehindLatest", "ThrottledGetRecords"}
)

// addDataStream lets the streams read from a data stream on demand. If the stack has the app's alarms on puts, it gets
// those on the data stream and on each reader in their place.
func (t *Template) addDataStream() {
	const id = "AddedDataStream"
	stream := map[string]any{"StreamModeDetails": map[string]any{"StreamMode": "ON_DEMAND"}}
	for _, key := range t.of("AWS::KMS::Key") {
		stream["StreamEncryption"] = map[string]any{"EncryptionType": "KMS", "KeyId": map[string]any{"Ref": key.id}}
	}
	t.resources[id] = &resource{id: id, Type: dataType, Properties: stream}
	watched := t.removeAlarms(putMetrics)
	for _, r := range t.of(streamType) {
		r.Properties["DeliveryStreamType"] = "KinesisStreamAsSource"
		r.Properties["KinesisStreamSourceConfiguration"] = map[string]any{
			"KinesisStreamARN": map[string]any{"Fn::GetAtt": []any{id, "Arn"}}}
		if watched {
			t.addAlarms(r.id, 1, 1, 1) // reads late, reads before they expire, throttled
		}
	}
	if watched {
		t.addAlarms(id, 1, 1) // throttled writes and reads
		t.addComposite(id + "NotAccepted")
		t.addComposite(id + "Expiring")
	}
}

// removeDataStreams lets the streams be put to directly, with the app's alarms on puts in place of those on reading.
func (t *Template) removeDataStreams() {
	for _, r := range t.of(dataType) {
		t.remove(r)
	}
	watched := t.removeAlarms(readMetrics)
	for _, r := range t.of(streamType) {
		r.Properties["DeliveryStreamType"] = "DirectPut"
		delete(r.Properties, "KinesisStreamSourceConfiguration")
		if watched {
			t.addAlarms(r.id, 1, 6) // throttled; the three quotas
		}
	}
	if watched {
		t.addComposite("AddedNotAccepted")
	}
}

// addAlarms adds alarms with these numbers of metrics.
func (t *Template) addAlarms(of string, metrics ...int) {
	for i, count := range metrics {
		var queries []any
		for range count {
			queries = append(queries, map[string]any{"MetricStat": map[string]any{"Period": json.Number("300")}})
		}
		id := fmt.Sprintf("%sAlarm%d", of, i)
		t.resources[id] = &resource{id: id, Type: alarmType, Properties: map[string]any{"Metrics": queries}}
	}
}

func (t *Template) addComposite(id string) {
	t.resources[id] = &resource{id: id, Type: compositeType, Properties: map[string]any{}}
}

// removeAlarms removes the alarms on any of these metrics, and the composite alarms that have no others. It reports
// whether there were any.
func (t *Template) removeAlarms(metrics []string) (removed bool) {
	for _, alarm := range t.of(alarmType) {
		if slices.ContainsFunc(metrics, func(name string) bool { return mentions(alarm.Properties, name) }) {
			delete(t.resources, alarm.id)
			removed = true
		}
	}
	for t.removeComposite() {
	}
	return removed
}

// removeSearch removes domains, the streams to them with their transforms, and the alarms on all these.
func (t *Template) removeSearch() {
	for _, r := range t.of(streamType) {
		destination := t.at(r.Properties, "AmazonopensearchserviceDestinationConfiguration")
		if destination == nil {
			continue
		}
		if function := t.find(t.at(destination, "ProcessingConfiguration"), "AWS::Lambda::Function"); function != nil {
			t.remove(function)
		}
		t.remove(r)
	}
	for _, kind := range []string{domainType, "Custom::SearchSetup"} {
		for _, r := range t.of(kind) {
			t.remove(r)
		}
	}
}

// remove removes a resource and the alarms that refer to it, by a reference or by its name.
func (t *Template) remove(gone *resource) {
	var name string
	for _, property := range []string{"DomainName", "FunctionName", "DeliveryStreamName", "Name"} {
		if text := t.text(gone.Properties, property); text != "" {
			name = text
		}
	}
	// The functions' own metrics have the stream as a dimension.
	ofStream := t.text(gone.Properties, "Environment", "Variables", contract.EnvStream)
	for _, alarm := range t.of(alarmType) {
		watched := map[string]any{"a": alarm.Properties["Dimensions"], "b": alarm.Properties["Metrics"]}
		if slices.Contains(t.referred(watched), gone.id) || name != "" && mentions(watched, name) ||
			ofStream != "" && mentions(watched, contract.DimensionStream) && mentions(watched, ofStream) {
			delete(t.resources, alarm.id)
		}
	}
	delete(t.resources, gone.id)
	for t.removeComposite() {
	}
}

// ruleAlarm is an alarm in the rule of a composite alarm.
var ruleAlarm = regexp.MustCompile(`\w+\("?([^()"]+)"?\)`)

// removeComposite removes a composite alarm that has lost all alarms of its rule, or all but one and sends nothing
// itself: the app lets that one suppress others instead. It reports whether there was one.
func (t *Template) removeComposite() bool {
	composites := t.of(compositeType)
	names := map[string]bool{}
	for _, alarm := range slices.Concat(composites, t.of(alarmType)) {
		names[t.text(alarm.Properties, "AlarmName")] = true
	}
	for _, composite := range composites {
		members, left := ruleAlarm.FindAllStringSubmatch(t.text(composite.Properties, "AlarmRule"), -1), 0
		for _, member := range members {
			if names[member[1]] {
				left++
			}
		}
		if left < len(members) && (left == 0 || left == 1 && composite.Properties["AlarmActions"] == nil) {
			delete(t.resources, composite.id)
			return true
		}
	}
	return false
}

// mentions reports whether a text is a value somewhere inside another.
func mentions(value any, text string) bool {
	switch value := value.(type) {
	case string:
		return value == text
	case []any:
		return slices.ContainsFunc(value, func(element any) bool { return mentions(element, text) })
	case map[string]any:
		return slices.ContainsFunc(slices.Collect(maps.Values(value)), func(member any) bool {
			return mentions(member, text)
		})
	}
	return false
}
