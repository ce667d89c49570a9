package transform

import (
	"fmt"
	"time"

	"github.com/emmansun/base64"

	"firehose-pipeline/event"
	"firehose-pipeline/internal/jsonscan"
)

// The results that Firehose knows; they are case-sensitive.
const (
	ok               = "Ok"
	dropped          = "Dropped"
	processingFailed = "ProcessingFailed"
)

// The parts of an answer. A record has no metadata: aws-lambda-go's type would write about 120 bytes of it for nothing.
const (
	answerStart = `{"records":[`
	answerEnd   = `]}`
	idStart     = `{"recordId":"`
	okStart     = `","result":"` + ok + `","data":"`
	okEnd       = `"}`
	droppedEnd  = `","result":"` + dropped + `"}`
	failedEnd   = `","result":"` + processingFailed + `"}`
	// shortest is the length of the shortest answer that a record can always be given, without its id.
	shortest = len(`,` + idStart + failedEnd)
	// shortestRequest is the length of the shortest record in a request, without its id.
	shortestRequest = len(`{"recordId":""}`)
)

// batch is the work on one request, with memory that the next one reuses.
type batch struct {
	processor *event.Processor
	elsewhere string // start of the partition keys of replays for the other store
	request   request
	limit     int // bytes that the answer may have
	answer    []byte
	text      []byte // data of one record, as base64
	decoded   []byte // the same, decoded
	output    []byte // the record's output, after the unchanged beginning
	// reserved is the size of the shortest answers to the records still to come, once counted: -1 before, while there
	// is room in any case.
	reserved int
	growth   float64 // how much longer the last answer was than its request
	counts   counts
}

// keepBytes is the most memory that a batch keeps in each buffer from one request to the next. A record has at most
// 1,000 KiB; only many small objects in a record grow to more than this.
const keepBytes = 4 << 20

// slack is room after decoded or encoded bytes, so that vector code never has to write up to the end of a buffer.
const slack = 64

// answerBatch answers a request; the answer has at most limit bytes.
func (b *batch) answerBatch(data []byte, limit int, now time.Time) ([]byte, counts, error) {
	b.request = request{data: data}
	b.limit, b.reserved = limit, -1
	b.counts = counts{inputBytes: len(data)}
	b.processor.SetTime(now)
	if b.growth == 0 {
		b.growth = 1.6 // events of 600 bytes
	}
	b.answer = growBuffer(b.answer, min(int(float64(len(data))*b.growth), limit)+1024)
	b.answer = append(b.answer, answerStart...)
	err := b.request.eachRecord(b.answerRecord)
	b.answer = append(b.answer, answerEnd...)

	answer, c := b.answer, b.counts
	c.outputBytes = len(answer)
	if err == nil && len(data) > 0 {
		b.growth = 1.05 * float64(len(answer)) / float64(len(data))
	}
	b.request, b.answer, b.text, b.counts = request{}, nil, nil, counts{}
	if cap(b.decoded) > keepBytes {
		b.decoded = nil
	}
	if cap(b.output) > keepBytes {
		b.output = nil
	}
	if err != nil {
		return nil, counts{}, err
	}
	return answer, c, nil
}

// answerRecord answers one record.
func (b *batch) answerRecord(rec *record) error {
	b.counts.records++
	if b.reserved >= 0 {
		b.reserved -= shortest + len(rec.id)
	}
	answer := b.answer
	if b.counts.records > 1 {
		answer = append(answer, ',')
	}
	answer = append(answer, idStart...)
	b.answer = append(answer, rec.id...)

	refused, err := b.transformRecord(rec)
	if err != nil {
		return err
	}
	if refused != "" {
		if fits, err := b.fitsAnswer(len(failedEnd)); err != nil {
			return err
		} else if !fits {
			return fmt.Errorf("answering request of %d bytes: no room in %d bytes for the shortest answers",
				len(b.request.data), b.limit)
		}
		b.counts.countFailed(refused)
		b.answer = append(b.answer, failedEnd...)
	}
	return nil
}

// transformRecord finishes the answer to a record. When the record is rejected it leaves that to the caller and says
// why.
func (b *batch) transformRecord(rec *record) (event.Reason, error) {
	if n := len(b.elsewhere); len(rec.partitionKey) >= n && string(rec.partitionKey[:n]) == b.elsewhere {
		return b.leaveToOther()
	}
	valid, err := b.decodeData(rec)
	if err != nil {
		return "", err
	}
	if !valid {
		return event.InvalidBase64, nil
	}
	room := (b.limit - len(b.answer)) / 4 * 3
	var parts *event.Parts
	b.output, parts = b.processor.AppendMiddle(b.output[:0], b.decoded, room)
	if parts.Refused.Reason != "" {
		return parts.Refused.Reason, nil
	}
	if parts.Written == 0 {
		if fits, err := b.fitsAnswer(len(droppedEnd)); err != nil || !fits {
			return event.TooLarge, err
		}
		b.counts.dropped++
		b.answer = append(b.answer, droppedEnd...)
		return "", nil
	}
	// The data begins as the record's does, and then so does its base64. What ends it is mostly encoded already.
	begins, ends := b.text[:parts.Same/3*4], []byte(nil)
	if parts.Suffix != nil {
		ends = b.encodeSuffix(parts.Suffix)
	}
	n := base64.StdEncoding.EncodedLen(len(b.output))
	if fits, err := b.fitsAnswer(len(okStart) + len(begins) + n + len(ends) + len(okEnd)); err != nil || !fits {
		return event.TooLarge, err
	}
	if parts.Partial > 0 {
		b.counts.partial++
		b.counts.malformedFields += parts.MalformedFields
	}
	b.counts.undeclaredFields += parts.UndeclaredFields
	b.counts.ok++
	answer := growBuffer(b.answer, len(okStart)+len(begins)+n+len(ends)+slack)
	answer = append(answer, okStart...)
	answer = append(answer, begins...)
	answer = appendBase64(answer, b.output, n)
	answer = append(answer, ends...)
	b.answer = append(answer, okEnd...)
	return "", nil
}

// leaveToOther answers Dropped to a replayed record that only the other store lacks: both streams read it from the same
// data stream. No rule has dropped it, so it has a count of its own.
func (b *batch) leaveToOther() (event.Reason, error) {
	if fits, err := b.fitsAnswer(len(droppedEnd)); err != nil || !fits {
		return event.TooLarge, err
	}
	b.counts.elsewhere++
	b.answer = append(b.answer, droppedEnd...)
	return "", nil
}

// appendBase64 appends the base64 of data, n bytes, for which dst has room and slack besides.
func appendBase64(dst, data []byte, n int) []byte {
	if len(data) == 3 { // which is most often all that is left to do
		bits := uint(data[0])<<16 | uint(data[1])<<8 | uint(data[2])
		return append(dst, digits[bits>>18&63], digits[bits>>12&63], digits[bits>>6&63], digits[bits&63])
	}
	from := len(dst)
	base64.StdEncoding.Encode(dst[from:from+n+slack], data)
	return dst[:from+n]
}

// encodeSuffix returns the base64 of a suffix, the first bytes of which it moves to b.output, so that b.output ends
// with a whole group.
func (b *batch) encodeSuffix(suffix *event.Suffix) []byte {
	first := (3 - len(b.output)%3) % 3
	b.output = append(b.output, suffix.JSON[:first]...)
	if len(suffix.Texts[first]) == 0 {
		suffix.Texts[first] = base64.StdEncoding.AppendEncode(suffix.Texts[first], suffix.JSON[first:])
	}
	return suffix.Texts[first]
}

// decodeData puts the record's data, decoded, into b.decoded; false when it is not base64. An error means that it is
// not even a JSON string.
func (b *batch) decodeData(rec *record) (bool, error) {
	if !rec.hasData {
		return false, nil
	}
	if b.decodeText(rec.data) {
		return true, nil
	}
	_, escaped, err := b.request.textAt(rec.dataAt)
	if err != nil || !escaped {
		return false, err
	}
	return b.decodeText(jsonscan.Unescape(nil, rec.data)), nil // some write / as \/
}

// decodeText decodes standard base64 with padding. Line breaks, which the library would skip, are rejected.
func (b *batch) decodeText(text []byte) bool {
	if len(text)%4 != 0 || len(text) == 0 {
		b.text, b.decoded = nil, b.decoded[:0]
		return len(text) == 0
	}
	b.text = text
	// The last four characters, which may have padding, are read here: the library is slow with that.
	whole := len(text) - 4
	b.decoded = growBuffer(b.decoded[:0], len(text)/4*3+slack)
	n, err := base64.StdEncoding.Decode(b.decoded[:whole/4*3+slack], text[:whole])
	if err != nil || n != whole/4*3 {
		return false
	}
	last := text[whole:]
	v0, v1, v2, v3 := digitValues[last[0]], digitValues[last[1]], digitValues[last[2]], digitValues[last[3]]
	bits := v0<<18 | v1<<12 | v2<<6 | v3
	b.decoded = append(b.decoded[:n], byte(bits>>16), byte(bits>>8), byte(bits))
	switch {
	case (v0|v1|v2|v3)>>24 == 0:
		return true
	case (v0|v1|v2)>>24 == 0 && last[3] == '=':
		b.decoded = b.decoded[:n+2]
		return true
	case (v0|v1)>>24 == 0 && last[2] == '=' && last[3] == '=':
		b.decoded = b.decoded[:n+1]
		return true
	}
	return false
}

const digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"

// digitValues has the value of each base64 digit, and 1<<24 for any other byte.
var digitValues = func() (values [256]uint32) {
	for c := range values {
		values[c] = 1 << 24
	}
	for v := range len(digits) {
		values[digits[v]] = uint32(v)
	}
	return values
}()

// fitsAnswer reports whether n more bytes leave room for the end of the answer and the shortest answers to all records
// still to come. An error means that the rest of the request cannot be read.
func (b *batch) fitsAnswer(n int) (bool, error) {
	room := b.limit - len(b.answer) - n - len(answerEnd)
	if b.reserved < 0 {
		// No record's shortest answer is more than this times as long as the record in the request.
		const most = shortest/shortestRequest + 1
		if room >= most*(len(b.request.data)-b.request.at) {
			return true, nil
		}
		if err := b.reserveAnswers(); err != nil {
			return false, err
		}
	}
	return room >= b.reserved, nil
}

// reserveAnswers counts the bytes of the shortest answers to the records still to come.
func (b *batch) reserveAnswers() error {
	rest := b.request
	b.reserved = 0
	return rest.readRest(func(rec *record) error {
		b.reserved += shortest + len(rec.id)
		return nil
	})
}

// growBuffer returns buffer with room for n more bytes.
func growBuffer(buffer []byte, n int) []byte {
	if cap(buffer)-len(buffer) >= n {
		return buffer
	}
	grown := make([]byte, len(buffer), max(len(buffer)+n, cap(buffer)+cap(buffer)/4))
	copy(grown, buffer)
	return grown
}
