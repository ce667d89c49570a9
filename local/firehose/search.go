package firehose

import (
	"bytes"
	"fmt"
	"time"

	"firehose-pipeline/deadletter"
	"firehose-pipeline/jsonscan"
	"firehose-pipeline/local/template"
)

// toSearch is an OpenSearch destination. Its buffer, at most 100 MB, is in memory.
type toSearch struct {
	failing
	place    *template.SearchDestination
	rejected *output
	scanner  *jsonscan.Scanner
	id       []byte
	// What the next bulk request holds.
	opened  int64
	bytes   int64
	indices []*bulk // in order of their first document
	spare   []*bulk
	hour    int64 // since 1970, that last is for: rotation is never finer
	last    *bulk
}

// bulk is the documents for one index, one a line.
type bulk struct {
	index string
	lines []byte
	count int64
}

func (s *Stream) searchDestinations(place *template.SearchDestination) (delivery, backup destination, err error) {
	d := &toSearch{failing: failing{stream: s}, place: place, scanner: jsonscan.NewScanner(jsonscan.NewNames())}
	if err := d.processing(place.S3); err != nil {
		return nil, nil, err
	}
	if d.rejected, err = d.output(place.S3, searchFailed); err != nil {
		return nil, nil, err
	}
	if place.BackupAll {
		// Whether the copy is of the record before or after the transform is not documented clearly; "source data" says before.
		backup, err = s.backupTo(place.S3)
	}
	return d, backup, err
}

func (d *toSearch) deliver(b *batch) error {
	for i := range b.len() {
		now := b.time(i)
		if err := d.tick(now); err != nil {
			return err
		}
		record, ok, err := d.processed(b, i)
		if err != nil {
			return err
		} else if !ok {
			continue
		}
		if rejection := d.check(record); rejection != nil {
			if err := d.reject(b, i, record, rejection); err != nil {
				return err
			}
			continue
		}
		if err := d.add(now, b.arrivals[i], record); err != nil {
			return err
		}
	}
	if d.place.Buffer.Interval == 0 {
		return d.flush(0)
	}
	return nil
}

// rejection is why OpenSearch does not take a document.
type rejection struct{ code, message string }

var (
	notOneObject = &rejection{"OS.MalformedData", "The data must be one single-line JSON object for each record."}
	repeatedKey  = &rejection{"400", `{"type":"mapper_parsing_exception","reason":"failed to parse","caused_by":{"type":"json_parse_exception","reason":"Duplicate field"}}`}
)

// check says what OpenSearch has against a record: it must be one JSON object on one line (Developer Guide, data delivery
// format), and no key may come twice (OpenSearch's strict duplicate detection; here the top level only). A newline at the
// end is taken off. The index's mapping is not modelled.
func (d *toSearch) check(record []byte) *rejection {
	document := bytes.TrimRight(record, " \t\r\n")
	end, problem := d.scanner.Object(document, 0)
	switch {
	case problem != jsonscan.None || end != len(document) || d.scanner.Spaced && bytes.IndexByte(document, '\n') >= 0:
		return notOneObject
	case d.scanner.Repeats:
		return repeatedKey
	}
	return nil
}

func (d *toSearch) reject(b *batch, i int, record []byte, why *rejection) error {
	arrival, now := b.arrivals[i], b.time(i)
	return d.write(d.rejected, now, arrival, deadletter.SearchFailed{
		AttemptsMade: 1, ArrivalTimestamp: milliseconds(arrival), AttemptEndingTimestamp: milliseconds(now),
		ErrorCode: why.code, ErrorMessage: why.message,
		// The id that Firehose gives a document stays the same over its retries.
		ESDocumentID: RecordID{d.stream.ids, b.first + int64(i)}.String() + ".0",
		ESIndexName:  indexName(d.place.Index, d.place.Rotation, time.Unix(0, arrival)),
		RawData:      record,
	})
}

func (d *toSearch) add(now, arrival int64, record []byte) error {
	if d.bytes == 0 {
		d.opened = now
	}
	to := d.bulk(arrival)
	document := bytes.TrimRight(record, " \t\r\n")
	to.lines = append(append(to.lines, document...), '\n')
	to.count++
	if d.bytes += int64(len(record)); d.bytes >= d.place.Buffer.Bytes {
		return d.send()
	}
	return nil
}

// bulk returns the lines for a document of this arrival time.
func (d *toSearch) bulk(arrival int64) *bulk {
	hour := arrival / int64(time.Hour)
	if d.last != nil && d.hour == hour {
		return d.last
	}
	d.hour = hour
	name := indexName(d.place.Index, d.place.Rotation, time.Unix(0, arrival))
	for _, b := range d.indices {
		if b.index == name {
			d.last = b
			return b
		}
	}
	var b *bulk
	if n := len(d.spare); n > 0 {
		b, d.spare = d.spare[n-1], d.spare[:n-1]
	} else {
		b = &bulk{}
	}
	b.index, b.lines, b.count = name, b.lines[:0], 0
	d.indices = append(d.indices, b)
	d.last = b
	return b
}

// send delivers the buffer. The model's OpenSearch takes every document that it is given.
func (d *toSearch) send() error {
	for _, b := range d.indices {
		if err := d.stream.o.Index(b.index, b.lines); err != nil {
			return fmt.Errorf("indexing %d documents in %s: %w", b.count, b.index, err)
		}
		d.stream.delivered.Add(b.count)
		d.stream.indicesMu.Lock()
		d.stream.indices[b.index] += b.count
		d.stream.indicesMu.Unlock()
		d.spare = append(d.spare, b)
	}
	d.indices, d.last, d.bytes = d.indices[:0], nil, 0
	return nil
}

func (d *toSearch) tick(now int64) error {
	if d.bytes > 0 && now >= d.opened+int64(d.place.Buffer.Interval) {
		if err := d.send(); err != nil {
			return err
		}
	}
	return d.failing.tick(now)
}

func (d *toSearch) flush(int64) error {
	if err := d.send(); err != nil {
		return err
	}
	return d.failing.flush()
}
