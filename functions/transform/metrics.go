package transform

import (
	"encoding/json"
	"io"
	"log/slog"
	"slices"
	"strconv"
	"sync"
	"time"

	"firehose-pipeline/contract"
	"firehose-pipeline/event"
)

// Metrics are the metrics of an invocation and their units, with the dimensions Stack and Stream.
//
//   - Records is the sum of Ok, Dropped, ProcessingFailed and ReplayElsewhere.
//   - Dropped counts the records that a rule drops.
//   - TooLarge counts the records that are ProcessingFailed only because the answer would have passed MaxAnswerBytes.
//   - PartialRecords counts the Ok records in which something had to be moved to malformed.
//   - MalformedFields counts the values that were moved to malformed.
//   - UndeclaredFields counts the members of events that the schema does not declare.
//   - InputBytes and OutputBytes are the lengths of request and answer.
//   - Duration is the handler's own time, without Lambda's.
var Metrics = []struct{ Name, Unit string }{
	{"Records", "Count"}, {"Ok", "Count"}, {"Dropped", "Count"}, {"ProcessingFailed", "Count"}, {"TooLarge", "Count"},
	{"PartialRecords", "Count"}, {"MalformedFields", "Count"}, {"UndeclaredFields", "Count"}, {"InputBytes", "Bytes"},
	{"OutputBytes", "Bytes"}, {"Duration", "Milliseconds"},
}

// ReplayElsewhere is a metric that an invocation has only when it is not 0, and that no stream without a Kinesis source
// ever has: the number of replayed records that this store was not meant to get.
const ReplayElsewhere = "ReplayElsewhere"

// counts are of one invocation.
type counts struct {
	records, ok, dropped, failed, partial int
	elsewhere                             int
	malformedFields, undeclaredFields     int
	inputBytes, outputBytes               int
	rejected                              reasonCounts
	duration                              time.Duration
}

// reasonCounts are numbers of records by reason, in the order of event.Reasons; nil when none failed.
type reasonCounts []int

func (c *counts) countFailed(reason event.Reason) {
	c.failed++
	if c.rejected == nil {
		c.rejected = make(reasonCounts, len(event.Reasons))
	}
	c.rejected[slices.Index(event.Reasons, reason)]++
}

func (c reasonCounts) countOf(reason event.Reason) int {
	if c == nil {
		return 0
	}
	return c[slices.Index(event.Reasons, reason)]
}

// appendJSON appends the counts that are not 0 as JSON.
func (c reasonCounts) appendJSON(dst []byte) []byte {
	dst = append(dst, '{')
	for i, n := range c {
		if n == 0 {
			continue
		}
		if dst[len(dst)-1] != '{' {
			dst = append(dst, ',')
		}
		dst = append(dst, '"')
		dst = append(dst, event.Reasons[i]...)
		dst = append(dst, `":`...)
		dst = strconv.AppendInt(dst, int64(n), 10)
	}
	return append(dst, '}')
}

// LogValue makes the counts an object in a log.
func (c reasonCounts) LogValue() slog.Value {
	var attributes []slog.Attr
	for i, n := range c {
		if n > 0 {
			attributes = append(attributes, slog.Int(string(event.Reasons[i]), n))
		}
	}
	return slog.GroupValue(attributes...)
}

// metricWriter writes one line in CloudWatch's embedded metric format for each invocation. Reasons, not a metric but
// searchable, has the number of records by the reason they were rejected for.
type metricWriter struct {
	out        io.Writer
	dimensions []byte // the members Stack and Stream

	mu   sync.Mutex
	line []byte
}

func newMetricWriter(out io.Writer, stack string, stream event.Stream) *metricWriter {
	name, err := json.Marshal(stack)
	if err != nil {
		panic(err) // a string always encodes
	}
	return &metricWriter{out: out, dimensions: []byte(`"` + contract.DimensionStack + `":` + string(name) + `,"` +
		contract.DimensionStream + `":"` + string(stream) + `"`)}
}

// metricsStart is the declaration that the format wants in each line, up to the timestamp; replayStart is that of a line
// with ReplayElsewhere.
var metricsStart, replayStart = declareMetrics(""), declareMetrics(`,{"Name":"` + ReplayElsewhere + `","Unit":"Count"}`)

func declareMetrics(more string) []byte {
	start := `{"_aws":{"CloudWatchMetrics":[{"Namespace":"` + contract.MetricNamespace + `","Dimensions":[["` +
		contract.DimensionStack + `","` + contract.DimensionStream + `"]],"Metrics":[`
	for i, m := range Metrics {
		if i > 0 {
			start += ","
		}
		start += `{"Name":"` + m.Name + `","Unit":"` + m.Unit + `"}`
	}
	return []byte(start + more + `]}],"Timestamp":`)
}

func (w *metricWriter) writeMetrics(now time.Time, c counts) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	start := metricsStart
	if c.elsewhere > 0 {
		start = replayStart
	}
	line := append(w.line[:0], start...)
	line = strconv.AppendInt(line, now.UnixMilli(), 10)
	line = append(line, '}')
	values := [...]int{c.records, c.ok, c.dropped, c.failed, c.rejected.countOf(event.TooLarge), c.partial,
		c.malformedFields, c.undeclaredFields, c.inputBytes, c.outputBytes}
	for i, v := range values {
		line = append(line, `,"`...)
		line = append(line, Metrics[i].Name...)
		line = append(line, `":`...)
		line = strconv.AppendInt(line, int64(v), 10)
	}
	line = append(line, `,"`...)
	line = append(line, Metrics[len(values)].Name...)
	line = append(line, `":`...)
	line = strconv.AppendFloat(line, float64(c.duration.Microseconds())/1000, 'f', -1, 64)
	line = append(line, ',')
	line = append(line, w.dimensions...)
	if c.elsewhere > 0 {
		line = append(line, `,"`+ReplayElsewhere+`":`...)
		line = strconv.AppendInt(line, int64(c.elsewhere), 10)
	}
	if c.failed > 0 {
		line = c.rejected.appendJSON(append(line, `,"Reasons":`...))
	}
	w.line = append(line, "}\n"...)
	_, err := w.out.Write(w.line)
	return err
}
