package transform

import (
	"encoding/json"
	"io"
	"strconv"
	"sync"
	"time"

	"firehose-pipeline/event"
)

// Namespace is the CloudWatch namespace of the pipeline's own metrics.
const Namespace = "FirehosePipeline"

// Metrics are the metrics of an invocation and their units, with the dimensions Stack and Stream.
//
//   - Records is the sum of Ok, Dropped and ProcessingFailed.
//   - TooLarge counts the records that are ProcessingFailed only because the answer would have passed MaxAnswerBytes.
//   - PartialRecords counts the Ok records in which something had to be moved to malformed.
//   - InputBytes and OutputBytes are the lengths of request and answer.
//   - Duration is the handler's own time, without Lambda's.
var Metrics = []struct{ Name, Unit string }{
	{"Records", "Count"}, {"Ok", "Count"}, {"Dropped", "Count"}, {"ProcessingFailed", "Count"}, {"TooLarge", "Count"},
	{"PartialRecords", "Count"}, {"InputBytes", "Bytes"}, {"OutputBytes", "Bytes"}, {"Duration", "Milliseconds"},
}

// counts is what one invocation counts.
type counts struct {
	records, ok, dropped, failed, partial int
	inputBytes, outputBytes               int
	refused                               map[event.Reason]int // nil while nothing is refused
	duration                              time.Duration
}

func (c *counts) refuse(reason event.Reason) {
	if c.refused == nil {
		c.refused = make(map[event.Reason]int)
	}
	c.failed++
	c.refused[reason]++
}

// metricWriter writes one line in CloudWatch's embedded metric format for each invocation. Reasons, which is no metric but
// can be searched for, has the number of records by the reason they were refused for.
type metricWriter struct {
	out    io.Writer
	stack  string
	stream event.Stream

	mu sync.Mutex
}

// metricsStart is the declaration that the format wants in each line, up to the timestamp.
var metricsStart = func() []byte {
	start := `{"_aws":{"CloudWatchMetrics":[{"Namespace":"` + Namespace + `","Dimensions":[["Stack","Stream"]],"Metrics":[`
	for i, m := range Metrics {
		if i > 0 {
			start += ","
		}
		start += `{"Name":"` + m.Name + `","Unit":"` + m.Unit + `"}`
	}
	return []byte(start + `]}],"Timestamp":`)
}()

func (w *metricWriter) write(now time.Time, c counts) error {
	line := make([]byte, 0, 1024)
	line = append(line, metricsStart...)
	line = strconv.AppendInt(line, now.UnixMilli(), 10)
	line = append(line, '}')
	values := [...]int{c.records, c.ok, c.dropped, c.failed, c.refused[event.TooLarge], c.partial, c.inputBytes, c.outputBytes}
	for i, v := range values {
		line = append(line, `,"`+Metrics[i].Name+`":`...)
		line = strconv.AppendInt(line, int64(v), 10)
	}
	line = append(line, `,"`+Metrics[len(values)].Name+`":`...)
	line = strconv.AppendFloat(line, float64(c.duration.Microseconds())/1000, 'f', -1, 64)

	rest, err := json.Marshal(struct {
		Stack   string
		Stream  event.Stream
		Reasons map[event.Reason]int `json:",omitempty"`
	}{w.stack, w.stream, c.refused})
	if err != nil {
		return err
	}
	line = append(line, ',')
	line = append(line, rest[1:]...)
	line = append(line, '\n')

	w.mu.Lock()
	defer w.mu.Unlock()
	_, err = w.out.Write(line)
	return err
}
