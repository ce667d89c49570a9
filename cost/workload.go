package cost

import (
	"errors"
	"fmt"

	"firehose-pipeline/producer"
)

// Workload is the load of the stack in a month, and the assumptions about its data.
type Workload struct {
	EventsPerSecond Number // on average over the month, above 0
	Sizes           *Sizes // of the events
	Pack            bool   // several events in a record of the lake stream, as `pipeline send --pack` does
	// Peak is the rate in busy hours as a multiple of the average, 1 or more. It changes the number of batches and
	// objects, and the notes about quotas.
	Peak Number
	// RetentionDays is the age of the oldest data in the bucket, unless the lifecycle deletes it before.
	RetentionDays    Number
	FailedPerMillion Number // events that become dead letters, of each stream
	TransformMS      Number // billed duration of an invocation, in milliseconds; 0 derives it from [cpuNanoseconds]
	ParquetShare     Number // bytes of Parquet or ORC for each byte of an event
	GzipShare        Number // bytes of GZIP for each byte of text
	AddedBytes       Number // that the transform adds to an event
	AthenaTB         Number // scanned by queries, in TB
	EventsPerRequest Number // of API Gateway, 1 or more
	AlarmEmails      Number // sent by SNS
	FreeTier         bool   // apply the quantities that every account has free, without an end
	Advantage        bool   // Kinesis On-demand Advantage, a setting of the account
}

// DefaultWorkload returns a workload without rate and sizes. The shares and the added bytes are rounded up from a run
// of the local model over 300,000 events of the shop's shape: 0.14, 0.11 and 211 bytes.
func DefaultWorkload() Workload {
	return Workload{
		Peak: one, RetentionDays: WholeNumber(365), EventsPerRequest: one, AlarmEmails: WholeNumber(100),
		ParquetShare: WholeNumber(20).DividedBy(WholeNumber(100)),
		GzipShare:    WholeNumber(15).DividedBy(WholeNumber(100)), AddedBytes: WholeNumber(211),
	}
}

func (w Workload) check() error {
	for _, v := range []struct {
		name  string
		value Number
		least Number
		above bool
	}{
		{"events per second", w.EventsPerSecond, Number{}, true}, {"peak", w.Peak, one, false},
		{"retention", w.RetentionDays, one, false}, {"failed per million", w.FailedPerMillion, Number{}, false},
		{"transform duration", w.TransformMS, Number{}, false}, {"Parquet share", w.ParquetShare, Number{}, true},
		{"GZIP share", w.GzipShare, Number{}, true}, {"added bytes", w.AddedBytes, Number{}, false},
		{"Athena TB", w.AthenaTB, Number{}, false}, {"events per request", w.EventsPerRequest, one, false},
		{"alarm e-mails", w.AlarmEmails, Number{}, false},
	} {
		if v.value.CompareTo(v.least) < 0 || v.above && v.value.CompareTo(v.least) == 0 {
			bound := "at least"
			if v.above {
				bound = "above"
			}
			return fmt.Errorf("%s: must be %s %s (got %s)", v.name, bound, v.least.Exact(), v.value.Exact())
		}
	}
	if w.FailedPerMillion.CompareTo(WholeNumber(1e6)) > 0 {
		return fmt.Errorf("failed per million: must be at most 1,000,000 (got %s)", w.FailedPerMillion.Exact())
	}
	if w.Sizes == nil || w.Sizes.Events == 0 {
		return errors.New("sizes: must have at least one event")
	}
	return nil
}

// kinesisRound and putUnit are the steps, in bytes, to which Kinesis rounds each record up: on demand, and provisioned.
// https://aws.amazon.com/kinesis/data-streams/pricing/
const (
	kinesisRound = 1 << 10
	putUnit      = 25 << 10
)

// Sizes are sums over a sample of events. A lake record that is put directly has a newline behind each event.
type Sizes struct {
	Events int64 // in the sample
	Bytes  int64 // without newlines

	// The sums that AWS bills when each event is a record of its own.
	LakeBilled, SearchBilled, KinesisBilled int64 // bytes
	PutUnits                                int64

	lengths []int32 // of the first events, for packing
}

// packSample is how many events packing is simulated with.
const packSample = 1 << 20

// Add adds an event of so many bytes, without the newline: 1 to 1,024,000.
func (s *Sizes) Add(length int) error {
	if length < 1 || length > producer.MaxRecordBytes {
		return fmt.Errorf("an event must have 1 to %d bytes (got %d)", producer.MaxRecordBytes, length)
	}
	s.Events++
	s.Bytes += int64(length)
	withNewline := min(length+1, producer.MaxRecordBytes)
	s.LakeBilled += producer.Billed(withNewline)
	s.SearchBilled += producer.Billed(length)
	s.KinesisBilled += roundUp(length, kinesisRound)
	s.PutUnits += roundUp(length, putUnit) / putUnit
	if len(s.lengths) < packSample {
		s.lengths = append(s.lengths, int32(length))
	}
	return nil
}

func roundUp(n, step int) int64 { return int64((n + step - 1) / step * step) }

// perEvent is the average of a sum over the events of the sample.
func (s *Sizes) perEvent(sum int64) Number { return WholeNumber(sum).DividedBy(WholeNumber(s.Events)) }

// packed is how full records get when events are packed.
type packed struct {
	recordsPerEvent, bytesPerEvent, billedPerEvent Number
}

// packedRecords is how many full records packing is measured over: the sample is repeated until there are so many.
const packedRecords = 1000

// pack fills records as [producer.Send] does, one event after another. Only full records count: in a month the last one
// carries no weight.
func (s *Sizes) pack() packed {
	var records, events, bytes, billed int64
	open, filling := 0, int64(0)
	for i := 0; records < packedRecords; i = (i + 1) % len(s.lengths) {
		size := int(s.lengths[i]) + 1
		if filling > 0 && open+size > producer.PackedBytes {
			records, events, bytes, billed = records+1, events+filling, bytes+int64(open), billed+producer.Billed(open)
			open, filling = 0, 0
		}
		open, filling = open+size, filling+1
	}
	over := WholeNumber(events)
	return packed{WholeNumber(records).DividedBy(over), WholeNumber(bytes).DividedBy(over),
		WholeNumber(billed).DividedBy(over)}
}

// phase is a share of the month in which the rate is a multiple of the average.
type phase struct{ share, factor Number }

// phases split the month into a busy part at the peak rate and the rest. Up to a peak of 2 the busy part is half of the
// time; above, it is as long as all events take at the peak rate, and the rest is idle.
func (w Workload) phases() []phase {
	two := WholeNumber(2)
	switch {
	case w.Peak.CompareTo(one) == 0:
		return []phase{{one, one}}
	case w.Peak.CompareTo(two) >= 0:
		return []phase{{one.DividedBy(w.Peak), w.Peak}}
	}
	half := one.DividedBy(two)
	return []phase{{half, w.Peak}, {half, two.Minus(w.Peak)}}
}

// buffer is a buffer that is emptied when it is full or its time has passed.
type buffer struct{ bytes, seconds Number }

// countBatches returns how often in a month a buffer is emptied: when it is full, or when its time has passed and it
// has at least one record. An interval of 0 counts as a second.
func (w Workload) countBatches(b buffer, recordsPerEvent, bytesPerEvent Number) Number {
	total := Number{}
	for _, p := range w.phases() {
		rate := w.EventsPerSecond.Times(p.factor)
		byTime := one.DividedBy(b.seconds.LargerOf(one))
		bySize := rate.Times(bytesPerEvent).DividedBy(b.bytes)
		batches := bySize.LargerOf(byTime).SmallerOf(rate.Times(recordsPerEvent))
		total = total.Plus(batches.Times(p.share).Times(secondsPerMonth))
	}
	return total
}

// eventsPerMonth is the number of events.
func (w Workload) eventsPerMonth() Number { return w.EventsPerSecond.Times(secondsPerMonth) }
