package firehose

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"sync/atomic"
	"time"

	"github.com/klauspost/compress/gzip"

	"firehose-pipeline/local/parquet"
	"firehose-pipeline/local/template"
	"firehose-pipeline/schema"
)

// output is where a kind of object goes: a prefix, a form, a buffer.
type output struct {
	stream    *Stream
	place     template.S3Output
	prefix    prefix
	extension string
	headers   map[string]string
	compress  bool
	columns   []schema.Column // Parquet, when there are any
	codec     string
	matchCase bool
	keys      map[string]string
	what      string // makes names of objects of different outputs differ
	// stored counts the records of an object that has been stored, and objects the objects.
	stored  *atomic.Int64
	objects *atomic.Int64
	// rejected counts the records of an object that S3 did not take in time; a patient output gives it all the time
	// there is.
	refused *atomic.Int64
	patient bool
	level   *level

	count int64 // objects begun
	free  int64 // when S3 has taken, or lost, the last one: the next one does not come before
	open  *object
	lines *bufio.Writer
	gzip  *gzip.Writer
}

// object is one object being written: the store has it as an upload that does not show before it is complete.
type object struct {
	opened  int64 // when the first record came into the buffer
	oldest  int64 // arrival of the oldest record, which is the first
	bytes   int64 // of the records as received: the size hint counts these
	records int64
	numbers []Range // of the records, when losses are reported
	upload  *upload
	rows    *parquet.Writer
}

func (s *Stream) newOutput(place template.S3Output, what, errorType string) (*output, error) {
	text := place.Prefix
	if errorType != "" {
		text = place.ErrorOutputPrefix
	}
	parsed, err := parsePrefix(text, errorType)
	if err != nil {
		return nil, fmt.Errorf("prefix %q: %w", text, err)
	}
	o := &output{stream: s, place: place, prefix: parsed, what: what,
		level:   s.addLevel(what, place.Buffer.Bytes, place.Buffer.Interval),
		headers: map[string]string{"Content-Type": "application/octet-stream"}}
	// Objects in the error output have no extension and are not compressed (probed), whatever the configuration.
	if errorType != "" {
		return o, nil
	}
	o.extension = place.Extension
	if place.Compression == "GZIP" {
		o.compress = true
		o.headers["Content-Encoding"] = "gzip"
		if o.extension == "" {
			o.extension = ".gz"
		}
	}
	return o, nil
}

// enableConversion makes the output Parquet.
func (o *output) enableConversion(c *template.Conversion) error {
	// Fails at the start if every object would fail.
	if _, err := parquet.NewWriter(io.Discard, c.Columns, c.Compression); err != nil {
		return fmt.Errorf("format conversion: %w", err)
	}
	o.columns, o.codec, o.matchCase, o.keys = c.Columns, c.Compression, c.MatchCase, c.Keys
	if c.Compression == "SNAPPY" {
		o.headers["Content-Encoding"] = "hadoop-snappy" // probed, although the file is ordinary Parquet
	}
	if o.extension == "" {
		o.extension = ".parquet"
	}
	return nil
}

// addRecord writes one record into the open object. The error is a [*parquet.MalformedError] when the record cannot be
// converted; every other ends the run.
func (o *output) addRecord(now, number, arrival int64, record []byte) error {
	obj := o.open
	if obj == nil {
		var err error
		if obj, err = o.beginObject(now, arrival); err != nil {
			return err
		}
		o.open = obj
	}
	if obj.records == 0 {
		// Time and name are those of the first record that is really in the object: one before may have failed to
		// convert.
		obj.opened, obj.oldest = now, arrival
	}
	if obj.rows != nil {
		if err := obj.rows.Write(record); err != nil {
			return o.uploadError(err)
		}
	} else if _, err := o.openWriter().Write(record); err != nil {
		return o.uploadError(err)
	}
	obj.records++
	obj.bytes += int64(len(record))
	if o.stream.o.Discarded != nil {
		obj.noteNumber(number)
	}
	if obj.bytes >= o.place.Buffer.Bytes {
		return o.storeObject(now)
	}
	return nil
}

func (obj *object) noteNumber(n int64) {
	if last := len(obj.numbers) - 1; last >= 0 && obj.numbers[last].Last == n-1 {
		obj.numbers[last].Last = n
		return
	}
	obj.numbers = append(obj.numbers, Range{n, n})
}

// uploadError prefers the store's own error to that of the pipe to it.
func (o *output) uploadError(err error) error {
	if failed := o.open.upload.uploadError(); failed != nil {
		return failed
	}
	return err
}

func (o *output) openWriter() io.Writer {
	if o.compress {
		return o.gzip
	}
	return o.lines
}

func (o *output) beginObject(now, arrival int64) (*object, error) {
	obj := &object{opened: now, oldest: arrival}
	obj.upload = &upload{output: o, object: obj, number: o.count}
	o.count++
	if o.lines == nil {
		o.lines = bufio.NewWriterSize(obj.upload, 64<<10)
	} else {
		o.lines.Reset(obj.upload)
	}
	switch {
	case o.columns != nil:
		var err error
		if obj.rows, err = parquet.NewWriter(o.lines, o.columns, o.codec); err == nil && o.matchCase {
			obj.rows.MatchCase()
		}
		obj.rows.MapKeys(o.keys)
		return obj, err
	case o.compress && o.gzip == nil:
		// Level 1: Firehose's own is not documented, and nothing here depends on it.
		var err error
		o.gzip, err = gzip.NewWriterLevel(o.lines, gzip.BestSpeed)
		return obj, err
	case o.compress:
		o.gzip.Reset(o.lines)
	}
	return obj, nil
}

// advanceTo stores the object when its interval is over.
func (o *output) advanceTo(now int64) error {
	if o.open == nil || o.open.records == 0 || now < o.open.opened+int64(o.place.Buffer.Interval) {
		return nil
	}
	return o.storeObject(o.open.opened + int64(o.place.Buffer.Interval))
}

// storeObject completes the open object; one without records is thrown away.
func (o *output) storeObject(now int64) error {
	obj := o.open
	if obj == nil {
		return nil
	}
	if obj.records == 0 {
		o.discardObjects()
		return nil
	}
	var err error
	switch {
	case obj.rows != nil:
		err = obj.rows.Close()
	case o.compress:
		err = o.gzip.Close()
	}
	if err == nil {
		err = o.lines.Flush()
	}
	if err != nil {
		return o.uploadError(err)
	}
	o.open = nil
	taken, err := o.waitForAdmission(now)
	if err != nil || !taken {
		obj.upload.cancelUpload()
		if err == nil {
			o.noteLost(obj)
		}
		return err
	}
	if err := obj.upload.completeUpload(); err != nil {
		return err
	}
	if o.stored != nil {
		o.stored.Add(obj.records)
	}
	if o.objects != nil {
		o.objects.Add(1)
	}
	o.level.flushes.Add(1)
	return nil
}

// keptFor is how long S3 may reject an object before its records are discarded (Developer Guide, "Data delivery failure
// handling"): with a Kinesis source the retention of the data stream, which then keeps the records.
const keptFor = 24 * time.Hour

func (s *Stream) keptFor() time.Duration {
	if source := s.o.Stream.Source; source != nil {
		return source.Retention
	}
	return keptFor
}

// waitForAdmission asks S3 to take an object, again and again while it rejects. It is false when the time for that is
// over. The pauses are those of bulk requests: the guide does not document S3's.
func (o *output) waitForAdmission(now int64) (bool, error) {
	refuse := o.stream.o.Refuse
	if refuse == nil {
		return true, nil
	}
	deadline := now + int64(o.stream.keptFor())
	o.free = max(o.free, now)
	for attempt := 1; refuse(time.Unix(0, o.free).UTC()) != nil; attempt++ {
		if o.free >= deadline && !o.patient {
			return false, nil
		}
		pause := pauseAfter(attempt)
		if !o.patient {
			pause = min(pause, time.Duration(deadline-o.free))
		}
		if err := o.stream.passTime(pause); err != nil {
			return false, err
		}
		o.free += int64(pause)
	}
	return true, nil
}

// noteLost notes an object as lost.
func (o *output) noteLost(obj *object) {
	o.refused.Add(obj.records)
	if told := o.stream.o.Discarded; told != nil {
		told(Discarded{Output: o.what, Records: obj.numbers})
	}
}

func (o *output) discardObjects() {
	if o.open != nil {
		o.open.upload.cancelUpload()
		o.open = nil
	}
}

// objectKey is the object's name in the bucket.
func (o *output) objectKey(oldest, number int64) (string, error) {
	at := time.Unix(0, oldest).In(o.place.TimeZone)
	stream := o.stream.o.Stream.Name
	id := uuidOf(o.stream.o.Seed, stream, o.what, number)
	prefix, err := o.prefix.evaluatePrefix(at, id)
	if err != nil {
		return "", err
	}
	return prefix + objectName(stream, at, id, o.extension), nil
}

// upload passes an object's content to the store while it is being made. It begins with the first content, so that the
// first record's arrival, which the name has, is known.
type upload struct {
	output *output
	object *object
	number int64
	pipe   *io.PipeWriter
	done   chan struct{}
	err    error
}

var errDiscarded = errors.New("object is discarded")

func (u *upload) Write(content []byte) (int, error) {
	if err := u.beginUpload(); err != nil {
		return 0, err
	}
	return u.pipe.Write(content)
}

func (u *upload) beginUpload() error {
	if u.pipe != nil {
		return nil
	}
	key, err := u.output.objectKey(u.object.oldest, u.number)
	if err != nil {
		return err
	}
	var content *io.PipeReader
	content, u.pipe = io.Pipe()
	u.done = make(chan struct{})
	go func() {
		defer close(u.done)
		if err := u.output.stream.o.Store(u.output.place.Bucket, key, u.output.headers, content); err != nil {
			u.err = fmt.Errorf("storing %s: %w", key, err)
			content.CloseWithError(u.err)
		}
	}()
	return nil
}

// completeUpload ends the content and waits until the object is stored. An object may be empty.
func (u *upload) completeUpload() error {
	if err := u.beginUpload(); err != nil {
		return err
	}
	u.pipe.Close() // never fails
	<-u.done
	return u.err
}

// cancelUpload makes the store discard the parts that it has.
func (u *upload) cancelUpload() {
	if u.pipe != nil {
		u.pipe.CloseWithError(errDiscarded)
		<-u.done
	}
}

// uploadError returns the store's error when it has failed already.
func (u *upload) uploadError() error {
	if u.done == nil {
		return nil
	}
	select {
	case <-u.done:
		return u.err
	default:
		return nil
	}
}
