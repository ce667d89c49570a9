package constructs

// The alarms of a data stream as the source of the delivery streams. Firehose has other metrics for such a stream: no
// IncomingRecords, no ThrottledRecords and no quotas.
// https://docs.aws.amazon.com/firehose/latest/dev/monitoring-with-cloudwatch-metrics.html

// incomingMetric counts the records that enter a delivery stream.
func incomingMetric(s *Stream) string {
	if s.Source != nil {
		return "DataReadFromKinesisStream.Records"
	}
	return "IncomingRecords"
}

// watchDataStream watches the data stream, and how the delivery streams read it; nil when there is none.
func (a *Alarms) watchDataStream(d *DataStream, readers []*Stream) {
	if d == nil {
		return
	}
	of := ofDataStream(d)
	// Fires when producers are throttled in ten of fifteen minutes: more came than the stream has scaled up for, or most
	// of it to one shard. Retries bridge one burst.
	a.on(eventsNotAccepted, "data-stream-write-throttled", "producers of the data stream are throttled",
		of("WriteProvisionedThroughputExceeded", "Sum"), condition{above, 0, 300, 2, 3})
	// Fires when readers are throttled for 15 minutes: a third one reads along, and a shard is read 5 times a second.
	a.on(capacityLow, "data-stream-read-throttled", "readers of the data stream are throttled",
		of("ReadProvisionedThroughputExceeded", "Sum"), condition{above, 0, 300, 3, 3})
	for _, reader := range readers {
		a.watchReader(reader, d.RetentionHours)
	}
}

// readingLag is how far a delivery stream may be behind before an alarm fires, in milliseconds: it reads once a second.
const readingLag = 10 * 60 * 1000

// watchReader watches one delivery stream as a reader of the data stream.
func (a *Alarms) watchReader(s *Stream, retentionHours int) {
	kind := string(s.Kind)
	of, late := ofStream(s), lateLoss(s)
	// Fires when the stream reads records that are over ten minutes old: it is throttled, or its delivery holds it up. In
	// half an hour, so that it is still on when the backlog sets off the alarm on delivery.
	a.on(late, kind+"-reading-behind", "the "+kind+" stream reads the data stream over 10 minutes late",
		of("KinesisMillisBehindLatest", "Maximum"), condition{above, readingLag, 300, 3, 6})
	// Fires when half of the retention is used up: records older than all of it are lost.
	half := float64(retentionHours) * 60 * 60 * 1000 / 2
	a.on(recordsExpiring, kind+"-reading-expiring",
		"records of the data stream expire before the "+kind+" stream reads them",
		of("KinesisMillisBehindLatest", "Maximum"), condition{above, half, 300, 1, 1})
	// Fires when the stream's own reading is throttled for 15 minutes.
	a.on(capacityLow, kind+"-reading-throttled", "the "+kind+" stream's reading of the data stream is throttled",
		of("ThrottledGetRecords", "Sum"), condition{above, 0, 300, 3, 3})
}
