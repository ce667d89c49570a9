package firehose

import (
	"errors"
	"fmt"

	"firehose-pipeline/contract"
	"firehose-pipeline/errorobject"
	"firehose-pipeline/local/parquet"
	"firehose-pipeline/local/template"
)

// openDestinations makes the delivery and, when there is one, the backup.
func (s *Stream) openDestinations() (delivery, backup destination, err error) {
	config := s.o.Stream
	if config.Search != nil {
		return s.searchDestinations(config.Search)
	}
	place := config.S3
	d := &toS3{failing: failing{stream: s}}
	if d.out, err = s.newOutput(place.S3Output, "delivery", ""); err != nil {
		return nil, nil, err
	}
	d.out.stored, d.out.objects, d.out.refused = &s.delivered, &s.objects, &s.discarded
	if err := d.openProcessingErrors(place.S3Output); err != nil {
		return nil, nil, err
	}
	if place.Conversion != nil {
		if err := d.out.enableConversion(place.Conversion); err != nil {
			return nil, nil, err
		}
		d.catalog = schemaColumns(place.Conversion)
		if d.unconverted, err = d.openOutput(place.S3Output, contract.ConversionFailed); err != nil {
			return nil, nil, err
		}
		d.unconverted.patient = true
	}
	if place.Backup != nil {
		backup, err = s.backupTo(*place.Backup)
	}
	return d, backup, err
}

func schemaColumns(c *template.Conversion) errorobject.DataCatalogTable {
	return errorobject.DataCatalogTable{CatalogID: c.CatalogID, DatabaseName: c.Database, TableName: c.Table,
		Region:    c.Region,
		VersionID: c.VersionID, CatalogARN: "arn:aws:glue:" + c.Region + ":" + c.CatalogID + ":catalog"}
}

// failing writes the error output of a stream: each kind of failure is buffered like the destination itself.
type failing struct {
	stream      *Stream
	unprocessed *output
	line        []byte
	decoded     []byte
	outputs     []*output
}

func (f *failing) openOutput(place template.S3Output, errorType string) (*output, error) {
	o, err := f.stream.newOutput(place, errorType, errorType)
	if err != nil {
		return nil, err
	}
	o.stored, o.refused = &f.stream.lost, &f.stream.discarded
	f.outputs = append(f.outputs, o)
	return o, nil
}

func (f *failing) openProcessingErrors(place template.S3Output) (err error) {
	if f.stream.o.Stream.Transform != nil {
		f.unprocessed, err = f.openOutput(place, contract.ProcessingFailed)
	}
	return err
}

func (f *failing) writeError(o *output, now, number, arrival int64, r errorobject.Document) (err error) {
	if f.line, err = errorobject.AppendDocument(f.line[:0], r); err != nil {
		return err
	}
	return o.addRecord(now, number, arrival, f.line)
}

// resultOf returns the record as it goes on to the destination; false when it has been dropped, or written to the error
// output as it was received. The record is valid until the next call.
func (f *failing) resultOf(b *batch, i int) ([]byte, bool, error) {
	if b.done == nil {
		return b.recordAt(i), true, nil
	}
	why := b.failure
	if why == nil {
		got := b.results[i].outcome
		if got == delivered {
			var ok bool
			if f.decoded, ok = b.decodeData(f.decoded, i); ok {
				return f.decoded, true, nil
			}
			got = badData
		}
		if got == dropped {
			f.stream.dropped.Add(1)
			return nil, false, nil
		}
		why = failures[got]
	}
	now, arrival := b.arrivalTime(i), b.arrivals[i]
	return nil, false, f.writeError(f.unprocessed, now, b.numbers[i], arrival, errorobject.ProcessingFailed{
		RawData: b.recordAt(i), ErrorCode: why.code, ErrorMessage: why.message, AttemptsMade: why.attempts,
		ArrivalTimestamp: toMilliseconds(arrival), AttemptEndingTimestamp: toMilliseconds(now),
		LambdaARN: f.stream.o.Stream.Transform.FunctionARN,
	})
}

func (f *failing) advanceTo(now int64) error {
	for _, o := range f.outputs {
		if err := o.advanceTo(now); err != nil {
			return err
		}
	}
	return nil
}

func (f *failing) flushBuffers(now int64) error {
	for _, o := range f.outputs {
		if err := o.storeObject(now); err != nil {
			return err
		}
	}
	return nil
}

func (f *failing) discardBuffered() {
	for _, o := range f.outputs {
		o.discardObjects()
	}
}

// toS3 is an extended S3 destination.
type toS3 struct {
	failing
	out         *output
	unconverted *output // nil without format conversion
	catalog     errorobject.DataCatalogTable
}

func (d *toS3) deliverBatch(b *batch) error {
	d.stream.transformed.Add(int64(b.len()))
	for i := range b.len() {
		now := b.arrivalTime(i)
		if err := d.advanceTo(now); err != nil {
			return err
		}
		record, ok, err := d.resultOf(b, i)
		if err != nil {
			return err
		} else if !ok {
			continue
		}
		err = d.out.addRecord(now, b.numbers[i], b.arrivals[i], record)
		var malformed *parquet.MalformedError
		if errors.As(err, &malformed) {
			err = d.writeError(d.unconverted, now, b.numbers[i], b.arrivals[i], errorobject.ConversionFailed{
				AttemptsMade: 1, ArrivalTimestamp: toMilliseconds(b.arrivals[i]),
				AttemptEndingTimestamp: toMilliseconds(now),
				LastErrorCode:          malformed.Code, LastErrorMessage: malformed.Message, RawData: record,
				SequenceNumber: RecordID{d.stream.ids, b.numbers[i]}.String(), DataCatalogTable: d.catalog,
			})
		}
		if err != nil {
			return err
		}
	}
	if d.out.place.Buffer.Interval == 0 { // zero buffering: each batch is delivered at once
		return d.flushBuffers(b.closed)
	}
	return nil
}

func (d *toS3) advanceTo(now int64) error {
	return errors.Join(d.out.advanceTo(now), d.failing.advanceTo(now))
}

func (d *toS3) flushBuffers(now int64) error {
	return errors.Join(d.out.storeObject(now), d.failing.flushBuffers(now))
}

func (d *toS3) discardBuffered() {
	d.out.discardObjects()
	d.failing.discardBuffered()
}

// backingUp stores the records as they were received.
type backingUp struct{ out *output }

func (s *Stream) backupTo(place template.S3Output) (destination, error) {
	out, err := s.newOutput(place, "backup", "")
	if err != nil {
		return nil, fmt.Errorf("backup: %w", err)
	}
	out.refused = &s.uncopied
	return &backingUp{out}, nil
}

func (d *backingUp) deliverBatch(b *batch) error {
	for i := range b.len() {
		now := b.closed
		if b.done == nil {
			now = b.arrivals[i]
		}
		if err := d.out.advanceTo(now); err != nil {
			return err
		}
		if err := d.out.addRecord(now, b.numbers[i], b.arrivals[i], b.recordAt(i)); err != nil {
			return err
		}
	}
	return nil
}

func (d *backingUp) advanceTo(now int64) error    { return d.out.advanceTo(now) }
func (d *backingUp) flushBuffers(now int64) error { return d.out.storeObject(now) }
func (d *backingUp) discardBuffered()             { d.out.discardObjects() }
