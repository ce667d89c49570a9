package cost

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"firehose-pipeline/producer"
)

const (
	streamType = "AWS::KinesisFirehose::DeliveryStream"
	dataType   = "AWS::Kinesis::Stream"
	domainType = "AWS::OpenSearchService::Domain"

	alarmType     = "AWS::CloudWatch::Alarm"
	compositeType = "AWS::CloudWatch::CompositeAlarm"
)

// stream is a Firehose stream and its load for each event.
type stream struct {
	*resource
	name        string // of the lines
	destination map[string]any
	isLake      bool
	fromKinesis bool
	vendored    bool // another source, whose price this command does not know
	packed      bool
	function    *resource // the transform; nil without one
	processor   buffer

	recordsPerEvent, bytesPerEvent, billedPerEvent Number
	billedHow                                      string // how the billed bytes of an event come about
}

// destinations are the properties that hold a stream's destination, and the name of the stream in the lines.
var destinations = []struct{ property, name string }{
	{"ExtendedS3DestinationConfiguration", "lake stream"}, {"S3DestinationConfiguration", "lake stream"},
	{"AmazonopensearchserviceDestinationConfiguration", "search stream"},
}

func (e *estimator) readStreams() error {
	for _, r := range e.t.of(streamType) {
		s := &stream{resource: r, name: "stream " + r.id}
		for _, d := range destinations {
			if found, ok := e.t.at(r.Properties, d.property).(map[string]any); ok && s.destination == nil {
				s.destination, s.name, s.isLake = found, d.name, d.name == "lake stream"
			}
		}
		if s.destination == nil {
			e.skip(streamType, "delivery of "+s.name+": its destination is neither S3 nor an OpenSearch domain")
		}
		source := e.t.text(r.Properties, "DeliveryStreamType")
		s.fromKinesis = source == "KinesisStreamAsSource" ||
			e.t.at(r.Properties, "KinesisStreamSourceConfiguration") != nil
		if s.vendored = !s.fromKinesis && source != "" && source != "DirectPut"; s.vendored {
			e.skip(streamType, "ingestion of "+s.name+" from "+source)
		}
		if err := e.readProcessor(s); err != nil {
			return err
		}
		e.streams = append(e.streams, s)
	}
	slices.SortStableFunc(e.streams, func(a, b *stream) int {
		return strings.Compare(a.name, b.name) // lake before search
	})
	for i, s := range e.streams {
		if i > 0 && strings.HasPrefix(e.streams[i-1].name, s.name) {
			s.name += " " + s.id
		}
		e.measureRecords(s)
	}
	if e.w.Pack && !slices.ContainsFunc(e.streams, func(s *stream) bool { return s.packed }) {
		e.note("packing changes nothing here: it is for a lake stream that events are put to directly; a record of a " +
			"data stream is one event, because search accepts exactly one")
	}
	return nil
}

// readProcessor reads the function that transforms the stream's records, and the buffer before it.
// https://docs.aws.amazon.com/firehose/latest/dev/data-transformation.html
func (e *estimator) readProcessor(s *stream) error {
	if !e.t.isTrue(s.destination, "ProcessingConfiguration", "Enabled") {
		return nil
	}
	for _, processor := range e.t.list(s.destination, "ProcessingConfiguration", "Processors") {
		if e.t.text(processor, "Type") != "Lambda" {
			continue
		}
		size, seconds := one, WholeNumber(60)
		for _, parameter := range e.t.list(processor, "Parameters") {
			var err error
			switch e.t.text(parameter, "ParameterName") {
			case "LambdaArn":
				s.function = e.t.find(e.t.at(parameter, "ParameterValue"), "AWS::Lambda::Function")
				if s.function == nil {
					e.skip("AWS::Lambda::Function", "the transform of "+s.name+" is not in the template")
				}
			case "BufferSizeInMBs":
				size, err = e.t.number(size, parameter, "ParameterValue")
			case "BufferIntervalInSeconds":
				seconds, err = e.t.number(seconds, parameter, "ParameterValue")
			}
			if err != nil {
				return fmt.Errorf("%s: processor: %w", s.id, err)
			}
		}
		if size.Sign() == 0 {
			return fmt.Errorf("%s: processor: BufferSizeInMBs must be above 0", s.id)
		}
		s.processor = buffer{size.Times(bytesPerMB), seconds}
	}
	return nil
}

// measureRecords sets the records and bytes of a stream for each event. Firehose rounds each record up to 5 KB, also
// one that it reads from a data stream: https://aws.amazon.com/firehose/pricing/
func (e *estimator) measureRecords(s *stream) {
	sizes := e.w.Sizes
	s.recordsPerEvent, s.bytesPerEvent = one, sizes.perEvent(sizes.Bytes)
	s.billedPerEvent = sizes.perEvent(sizes.SearchBilled)
	direct := s.isLake && !s.fromKinesis && !s.vendored
	if direct {
		s.bytesPerEvent = s.bytesPerEvent.Plus(one) // a newline
		s.billedPerEvent = sizes.perEvent(sizes.LakeBilled)
	}
	s.billedHow = s.billedPerEvent.Text(2) + " bytes (each record rounded up to 5 KB)"
	if direct && e.w.Pack {
		full := sizes.pack()
		s.packed = true
		s.recordsPerEvent, s.bytesPerEvent = full.recordsPerEvent, full.bytesPerEvent
		s.billedPerEvent = full.billedPerEvent
		s.billedHow = fmt.Sprintf("%s bytes (%s events a record, rounded up to 5 KB)", s.billedPerEvent.Text(4),
			one.DividedBy(s.recordsPerEvent).Text(2))
		e.assume("packed records are full: producers collect %s bytes before they put a record",
			WholeNumber(producer.PackedBytes).Exact())
	}
}

// monthly is a quantity of GB from bytes for each event.
func (e *estimator) monthly(bytesPerEvent Number, how string) usage {
	return usage{e.w.eventsPerMonth().Times(bytesPerEvent).DividedBy(bytesPerGB),
		e.eventsHow() + " × " + how + " ÷ 2^30"}
}

func (e *estimator) eventsHow() string {
	return e.w.EventsPerSecond.Exact() + " events/s × " + secondsPerMonth.Exact() + " s"
}

// addFirehose adds ingestion, format conversion and delivery into a VPC. Both streams fill the same tiers.
func (e *estimator) addFirehose() error {
	const service = "Firehose"
	for _, s := range e.streams {
		if s.vendored {
			continue
		}
		billed := e.monthly(s.billedPerEvent, s.billedHow)
		e.add(service, s.name+": ingestion", "firehose.ingestion", billed)
		if e.t.isTrue(s.destination, "DataFormatConversionConfiguration", "Enabled") {
			e.add(service, s.name+": format conversion", "firehose.conversion", billed)
		}
		if e.t.isTrue(s.destination, "DynamicPartitioningConfiguration", "Enabled") {
			e.skip(streamType, "dynamic partitioning of "+s.name)
		}
		if subnets := e.t.list(s.destination, "VpcConfiguration", "SubnetIds"); len(subnets) > 0 {
			zones := WholeNumber(int64(len(subnets)))
			e.add(service, s.name+": VPC delivery, data", "firehose.vpc-data", billed)
			e.add(service, s.name+": VPC delivery, hours", "firehose.vpc-hours",
				usage{hoursPerMonth.Times(zones), "zones: " + zones.Exact() + " × 730 h"})
		} else if e.t.at(s.destination, "VpcConfiguration") != nil {
			e.skip(streamType, "VPC delivery of "+s.name+": its subnets are not listed in the template")
		}
	}
	return nil
}

// bufferOf reads buffering hints; both values are given or neither is.
func (e *estimator) bufferOf(s *stream, destination any, otherwise buffer) (buffer, error) {
	size, err := e.t.number(otherwise.bytes.DividedBy(bytesPerMB), destination, "BufferingHints", "SizeInMBs")
	seconds, other := e.t.number(otherwise.seconds, destination, "BufferingHints", "IntervalInSeconds")
	if err = errors.Join(err, other); err != nil {
		return buffer{}, fmt.Errorf("%s: BufferingHints: %w", s.id, err)
	}
	if size.Sign() == 0 {
		return buffer{}, fmt.Errorf("%s: BufferingHints: SizeInMBs must be above 0", s.id)
	}
	return buffer{size.Times(bytesPerMB), seconds}, nil
}
