package cost

import "fmt"

// advantageMiB is the commitment of On-demand Advantage, each for data in and data out, in MiB a second of all streams
// of the account in the region:
// https://aws.amazon.com/blogs/big-data/kinesis-on-demand-advantage-saves-60-on-streaming-costs/
const advantageMiB = 25

// addKinesis adds the data streams. Each event is one record; every Firehose stream reads all of them.
func (e *estimator) addKinesis() error {
	streams := e.t.of(dataType)
	for _, r := range streams {
		name := "data stream"
		if len(streams) > 1 {
			name += " " + r.id
			e.note("%s: every event is counted into each of the %d data streams", r.id, len(streams))
		}
		readers := int64(0)
		for _, s := range e.streams {
			source := e.t.at(s.Properties, "KinesisStreamSourceConfiguration")
			if s.fromKinesis && (len(streams) == 1 || e.t.find(source, dataType) == r) {
				readers++
			}
		}
		hours, err := e.t.number(WholeNumber(24), r.Properties, "RetentionPeriodHours")
		if err != nil {
			return fmt.Errorf("%s: %w", r.id, err)
		}
		d := dataStream{r, name, WholeNumber(readers), hours}
		mode := e.t.text(r.Properties, "StreamModeDetails", "StreamMode")
		shards, err := e.t.number(Number{}, r.Properties, "ShardCount")
		switch {
		case err != nil:
			return fmt.Errorf("%s: %w", r.id, err)
		case mode == "ON_DEMAND" || mode == "" && shards.Sign() == 0:
			e.addOnDemand(d)
		default:
			e.addProvisioned(d, shards.LargerOf(one))
		}
		if e.t.text(r.Properties, "StreamEncryption", "EncryptionType") == "KMS" {
			e.noteStreamKey(d, shards)
		}
	}
	if e.w.Advantage && len(streams) == 0 {
		e.note("On-demand Advantage changes nothing here: the stack has no data stream")
	}
	return nil
}

type dataStream struct {
	*resource
	name    string
	readers Number // Firehose streams
	hours   Number // of retention
}

// addOnDemand adds a stream in on-demand mode. Data in is rounded up to 1 KB a record, data out is not.
// https://aws.amazon.com/kinesis/data-streams/pricing/
func (e *estimator) addOnDemand(d dataStream) {
	const service = "Kinesis"
	sizes := e.w.Sizes
	in := e.monthly(sizes.perEvent(sizes.KinesisBilled),
		sizes.perEvent(sizes.KinesisBilled).Text(2)+" bytes (each record rounded up to 1 KB)")
	raw := sizes.perEvent(sizes.Bytes)
	out := e.monthly(raw.Times(d.readers), raw.Text(2)+" bytes × "+d.readers.Exact()+" Firehose streams")
	if e.w.Advantage {
		least := WholeNumber(advantageMiB << 20).Times(secondsPerMonth).DividedBy(bytesPerGB)
		for _, u := range []*usage{&in, &out} {
			if u.quantity.CompareTo(least) < 0 {
				u.how += fmt.Sprintf("; at least the commitment, %d MiB/s × %s s", advantageMiB, secondsPerMonth.Exact())
				u.quantity = least
			}
		}
		e.add(service, d.name+": data in, On-demand Advantage", "kinesis.advantage-in", in)
		e.add(service, d.name+": data out, On-demand Advantage", "kinesis.advantage-out", out)
		e.addRetention(d, "kinesis.advantage-retention", "kinesis.advantage-retention")
		e.note("On-demand Advantage is a setting of the account for all its on-demand streams in the region; its " +
			"commitment is counted to this stack alone")
		return
	}
	e.add(service, d.name+": hours, on demand", "kinesis.on-demand-hours", usage{hoursPerMonth, "730 h"})
	e.add(service, d.name+": data in", "kinesis.on-demand-in", in)
	e.add(service, d.name+": data out", "kinesis.on-demand-out", out)
	e.addRetention(d, "kinesis.on-demand-retention", "kinesis.on-demand-long-retention")
}

// addRetention adds data that is kept for longer than 24 hours, and for longer than 7 days.
func (e *estimator) addRetention(d dataStream, upToWeek, beyond string) {
	raw := e.w.Sizes.perEvent(e.w.Sizes.Bytes)
	day, week := WholeNumber(24), WholeNumber(7*24)
	for _, part := range []struct {
		item, id   string
		from, upTo Number
	}{
		{"retention, 24 hours to 7 days", upToWeek, day, d.hours.SmallerOf(week)},
		{"retention, over 7 days", beyond, week, d.hours},
	} {
		hours := part.upTo.Minus(part.from)
		stored := e.w.EventsPerSecond.Times(raw).Times(hours).Times(WholeNumber(3600)).DividedBy(bytesPerGB)
		e.add("Kinesis", d.name+": "+part.item, part.id, usage{stored,
			fmt.Sprintf("%s events/s × %s bytes × %s h × 3,600 s ÷ 2^30", e.w.EventsPerSecond.Exact(), raw.Text(2),
				hours.Exact())})
	}
}

// addProvisioned adds a stream with a fixed number of shards.
func (e *estimator) addProvisioned(d dataStream, shards Number) {
	const service = "Kinesis"
	hours := usage{hoursPerMonth.Times(shards), "730 h × " + shards.Exact() + " shards"}
	e.add(service, d.name+": shard hours", "kinesis.shard-hours", hours)
	units := e.w.Sizes.perEvent(e.w.Sizes.PutUnits)
	e.add(service, d.name+": PUT units", "kinesis.put-units", usage{e.w.eventsPerMonth().Times(units),
		e.eventsHow() + " × " + units.Text(2) + " units of 25 KB"})
	if d.hours.CompareTo(WholeNumber(24)) > 0 {
		e.add(service, d.name+": extended retention", "kinesis.extended-shard-hours", hours)
	}
	if d.hours.CompareTo(WholeNumber(7*24)) > 0 {
		e.skip(dataType, "retention of a provisioned stream over 7 days")
	}
	perShard := WholeNumber(1 << 20)
	peak := e.w.EventsPerSecond.Times(e.w.Peak)
	needed := peak.Times(e.w.Sizes.perEvent(e.w.Sizes.Bytes)).DividedBy(perShard).LargerOf(peak.DividedBy(WholeNumber(1000)))
	if needed.CompareTo(shards) > 0 {
		e.note("%s: the peak needs %s shards (1 MiB and 1,000 records a second each), the template has %s", d.id,
			needed.RoundedUp().Exact(), shards.Exact())
	}
}

// noteStreamKey counts the data keys of an encrypted data stream: one for each shard and caller in five minutes.
// https://docs.aws.amazon.com/streams/latest/dev/costs-performance.html
func (e *estimator) noteStreamKey(d dataStream, shards Number) {
	if shards.Sign() == 0 {
		shards = WholeNumber(4) // an on-demand stream begins with four
	}
	callers := d.readers.Plus(one)
	e.kms = append(e.kms, kmsUse{d.name, hoursPerMonth.Times(WholeNumber(12)).Times(shards).Times(callers),
		fmt.Sprintf("730 h × 12 × %s shards × %s callers", shards.Exact(), callers.Exact())})
}
