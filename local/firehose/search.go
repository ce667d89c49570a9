package firehose

import (
	"bytes"
	"context"
	"time"

	"firehose-pipeline/contract"
	"firehose-pipeline/errorobject"
	"firehose-pipeline/internal/jsonscan"
	"firehose-pipeline/local/template"
)

// Search is an OpenSearch, as a stream sees it.
type Search interface {
	// Bulk sends the body of one bulk request, at a time of the model, and returns the HTTP status of the answer and
	// its body. An error means that no answer came.
	Bulk(ctx context.Context, at time.Time, body []byte) (status int, answer []byte, err error)
}

// toSearch is an OpenSearch destination. Its buffer, at most 100 MB, is in memory; bulk.go sends it.
type toSearch struct {
	failing
	place    *template.SearchDestination
	rejected *output
	level    *level
	// The content of the next bulk request.
	opened    int64
	bytes     int64 // of the records
	body      []byte
	documents []document
	free      int64 // when the last request was done with: the next one does not begin before
	// The index of the last document. It is the same within an hour since 1970: rotation is never finer.
	hour  int64
	index string
}

// document is one of the bulk request: two lines of its body.
type document struct {
	number, arrival    int64
	index              string
	start, source, end int        // offsets in the body: of the action, of the document, behind it
	why                *rejection // why it is not in the index yet
}

// rejection is why OpenSearch, or Firehose on its way there, does not take a document.
type rejection struct{ code, message string }

func (s *Stream) searchDestinations(place *template.SearchDestination) (delivery, backup destination, err error) {
	d := &toSearch{failing: failing{stream: s}, place: place, hour: -1,
		level: s.addLevel("delivery", place.Buffer.Bytes, place.Buffer.Interval)}
	if err := d.openProcessingErrors(place.S3); err != nil {
		return nil, nil, err
	}
	if d.rejected, err = d.openOutput(place.S3, contract.SearchFailed); err != nil {
		return nil, nil, err
	}
	if place.BackupAll {
		// Whether the copy is of the record before or after the transform is not documented clearly; "source data" says
		// before.
		backup, err = s.backupTo(place.S3)
	}
	return d, backup, err
}

func (d *toSearch) deliverBatch(b *batch) error {
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
		if err := d.addRecord(now, b.numbers[i], b.arrivals[i], record); err != nil {
			return err
		}
	}
	if d.place.Buffer.Interval == 0 {
		return d.flushBuffers(b.closed)
	}
	return nil
}

var notOneObject = &rejection{"OS.MalformedData", "The data must be one single-line JSON object for each record."}

// addRecord puts a record into the buffer. It must be one JSON object on one line (Developer Guide, data delivery
// format); a newline at the end is taken off.
func (d *toSearch) addRecord(now, number, arrival int64, record []byte) error {
	source := bytes.TrimRight(record, " \t\r\n")
	start := jsonscan.SkipSpace(source, 0)
	end, problem := jsonscan.Value(source, start)
	if problem != jsonscan.None || end != len(source) || source[start] != '{' || bytes.IndexByte(source, '\n') >= 0 {
		return d.rejectDocument(now, 1, number, arrival, d.indexOf(arrival), record, notOneObject)
	}
	if len(d.documents) == 0 {
		d.opened = now
	}
	doc := document{number: number, arrival: arrival, index: d.indexOf(arrival), start: len(d.body)}
	d.body = d.appendAction(d.body, doc)
	doc.source = len(d.body)
	d.body = append(append(d.body, source...), '\n')
	doc.end = len(d.body)
	d.documents = append(d.documents, doc)
	if d.bytes += int64(len(record)); d.bytes >= d.place.Buffer.Bytes {
		return d.sendBuffer(now)
	}
	return nil
}

// indexOf is the index of a document that arrived then.
func (d *toSearch) indexOf(arrival int64) string {
	if hour := arrival / int64(time.Hour); hour != d.hour {
		d.hour, d.index = hour, indexName(d.place.Index, d.place.Rotation, time.Unix(0, arrival))
	}
	return d.index
}

// rejectDocument writes a document to the error output.
func (d *toSearch) rejectDocument(now int64, attempts int, number, arrival int64, index string, source []byte,
	why *rejection) error {
	return d.writeError(d.rejected, now, number, arrival, errorobject.SearchFailed{
		AttemptsMade: attempts, ArrivalTimestamp: toMilliseconds(arrival), AttemptEndingTimestamp: toMilliseconds(now),
		ErrorCode: why.code, ErrorMessage: why.message,
		ESDocumentID: string(d.appendID(nil, number)), ESIndexName: index, RawData: source,
	})
}

// appendID appends the id that Firehose gives a document, which stays the same over its retries.
func (d *toSearch) appendID(dst []byte, number int64) []byte {
	return append(d.stream.ids.appendID(dst, number), documentSuffix...)
}

const documentSuffix = ".0"

func (d *toSearch) advanceTo(now int64) error {
	if len(d.documents) > 0 && now >= d.opened+int64(d.place.Buffer.Interval) {
		if err := d.sendBuffer(d.opened + int64(d.place.Buffer.Interval)); err != nil {
			return err
		}
	}
	return d.failing.advanceTo(now)
}

func (d *toSearch) flushBuffers(now int64) error {
	if err := d.sendBuffer(now); err != nil {
		return err
	}
	return d.failing.flushBuffers(now)
}
