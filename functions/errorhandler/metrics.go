package errorhandler

import (
	"encoding/json"
	"io"
	"time"

	"firehose-pipeline/contract"
	"firehose-pipeline/errorobject"
	"firehose-pipeline/event"
)

// counter counts one stream's part of an invocation.
type counter struct {
	records    int // failed records read, itemised or not
	letters    int // messages that SQS accepted
	unreadable int // objects that are torn, missing or foreign
}

func (c *counter) addCounts(more counter) {
	c.records += more.records
	c.letters += more.letters
	c.unreadable += more.unreadable
}

type counters map[event.Stream]*counter

func (c counters) counterOf(stream event.Stream) *counter {
	if c[stream] == nil {
		c[stream] = &counter{}
	}
	return c[stream]
}

// metric is a line in CloudWatch's embedded metric format: CloudWatch makes the metrics out of the log.
type metric struct {
	AWS struct {
		Timestamp         int64 // milliseconds since 1970
		CloudWatchMetrics []metricSet
	} `json:"_aws"`
	Stack             string
	Stream            event.Stream
	FailedRecords     int
	DeadLetters       int
	UnreadableObjects int
}

type metricSet struct {
	Namespace  string
	Dimensions [][]string
	Metrics    []metricName
}

type metricName struct{ Name, Unit string }

// writeMetrics writes one line a stream. An invocation that fails counts its work so far, and its retry counts again.
func (c counters) writeMetrics(w io.Writer, stack string, now time.Time) error {
	for _, stream := range []event.Stream{event.Lake, event.Search, errorobject.UnknownStream} {
		count := c[stream]
		if count == nil {
			continue
		}
		m := metric{
			Stack:             stack,
			Stream:            stream,
			FailedRecords:     count.records,
			DeadLetters:       count.letters,
			UnreadableObjects: count.unreadable,
		}
		m.AWS.Timestamp = now.UnixMilli()
		m.AWS.CloudWatchMetrics = []metricSet{{
			Namespace:  contract.MetricNamespace,
			Dimensions: [][]string{{contract.DimensionStack, contract.DimensionStream}},
			Metrics: []metricName{{"FailedRecords", "Count"}, {"DeadLetters", "Count"},
				{"UnreadableObjects", "Count"}},
		}}
		line, err := json.Marshal(m)
		if err != nil {
			return err
		}
		if _, err := w.Write(append(line, '\n')); err != nil {
			return err
		}
	}
	return nil
}
