package firehose

import (
	"strconv"
	"sync/atomic"

	"github.com/emmansun/base64"

	"firehose-pipeline/local/template"
)

// batch is a run of records on its way from put to delivery. Its memory is reused.
type batch struct {
	first    int64   // number of the first record
	opened   int64   // when the first record arrived, in nanoseconds as all times here
	closed   int64   // when the processor's buffer was sent
	arrivals []int64 // of each record
	data     []byte  // of all records, as received
	ends     []int   // in data
	request  int     // bytes of the invocation's request so far

	// The response of the invocation.
	done    chan struct{} // nil without a processor
	failure *failure      // of the whole batch
	answer  []byte
	results []result

	users atomic.Int32
}

func (b *batch) startBatch(first, at int64, stream template.Stream) {
	b.first, b.opened, b.closed = first, at, at
	b.arrivals, b.data, b.ends = b.arrivals[:0], b.data[:0], b.ends[:0]
	b.request = envelopeBytes + len(stream.ARN)
	b.done, b.failure, b.answer, b.results = nil, nil, nil, b.results[:0]
}

func (b *batch) addRecord(at int64, record []byte) {
	b.arrivals = append(b.arrivals, at)
	b.data = append(b.data, record...)
	b.ends = append(b.ends, len(b.data))
	b.request += requestBytes(len(record))
}

func (b *batch) len() int { return len(b.ends) }

// recordAt returns a record as it was received.
func (b *batch) recordAt(i int) []byte {
	from := 0
	if i > 0 {
		from = b.ends[i-1]
	}
	return b.data[from:b.ends[i]:b.ends[i]]
}

// arrivalTime is when a record comes out of the processor.
func (b *batch) arrivalTime(i int) int64 {
	if b.done == nil {
		return b.arrivals[i]
	}
	return b.closed
}

// The parts of a request (Developer Guide, "Transform source data"; aws-lambda-go's KinesisFirehoseEvent).
const (
	requestID      = `{"invocationId":"`
	requestARN     = `","deliveryStreamArn":"`
	requestRegion  = `","region":"`
	requestRecords = `","records":[`
	recordStart    = `{"recordId":"`
	recordArrival  = `","approximateArrivalTimestamp":`
	recordData     = `,"data":"`
	recordEnd      = `"}`
	requestEnd     = `]}`

	envelopeBytes = len(requestID) + len(requestARN) + len(requestRegion) + len(requestRecords) + len(requestEnd) +
		uuidBytes + len(template.Region)
	arrivalBytes = 13 // milliseconds, until the year 2286
)

// requestBytes is the size of a record in a request, with a comma.
func requestBytes(n int) int {
	return 1 + len(recordStart) + idPrefix + idNumber + len(recordArrival) + arrivalBytes + len(recordData) +
		base64.StdEncoding.EncodedLen(n) + len(recordEnd)
}

// slack is room behind decoded or encoded data, so that vector code never has to write up to the end of a buffer.
const slack = 64

// encodeRecord writes the request into the memory of buffer, if there is enough.
func (b *batch) encodeRecord(buffer []byte, ids recordIDs, stream template.Stream) []byte {
	if need := b.request + slack; cap(buffer) < need {
		buffer = make([]byte, 0, need)
	}
	out := append(buffer[:0], requestID...)
	out = append(out, uuidOf("invocation", stream.ARN, b.first)...)
	out = append(out, requestARN...)
	out = append(out, stream.ARN...)
	out = append(out, requestRegion...)
	out = append(out, template.Region...)
	out = append(out, requestRecords...)
	for i := range b.ends {
		if i > 0 {
			out = append(out, ',')
		}
		out = append(out, recordStart...)
		out = ids.appendID(out, b.first+int64(i))
		out = append(out, recordArrival...)
		out = strconv.AppendInt(out, toMilliseconds(b.arrivals[i]), 10)
		out = append(out, recordData...)
		record := b.recordAt(i)
		n := base64.StdEncoding.EncodedLen(len(record))
		if cap(out)-len(out) < n+slack {
			out = append(make([]byte, 0, cap(out)+n+slack), out...)
		}
		base64.StdEncoding.Encode(out[len(out):len(out)+n+slack], record)
		out = append(out[:len(out)+n], recordEnd...)
	}
	return append(out, requestEnd...)
}

func toMilliseconds(at int64) int64 { return at / 1e6 }
