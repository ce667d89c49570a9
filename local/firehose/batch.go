package firehose

import (
	"encoding/json"
	"slices"
	"strconv"
	"sync/atomic"

	"github.com/emmansun/base64"

	"firehose-pipeline/local/kinesis"
	"firehose-pipeline/local/template"
)

// batch is a run of records on its way from put to delivery. Its memory is reused.
type batch struct {
	numbers  []int64  // of the records, ascending; without gaps unless the records are of one shard of several
	opened   int64    // when the first record arrived, in nanoseconds as all times here
	closed   int64    // when the processor's buffer was sent
	arrivals []int64  // of each record
	data     []byte   // of all records, as received
	ends     []int    // in data
	request  int      // bytes of the invocation's request so far
	shard    string   // with a Kinesis source, the id of the shard that the records are of
	origins  []origin // with a Kinesis source

	// The response of the invocation.
	done    chan struct{} // nil without a processor
	failure *failure      // of the whole batch
	answer  []byte
	results []result
	read    int // place behind the record whose result was read last

	users atomic.Int32
}

// origin is the place of a record in a data stream, apart from its shard and arrival.
type origin struct {
	key      string // partition key
	sequence int64
	sub      int // place in an aggregate of the Kinesis Producer Library, else 0
}

func (b *batch) startBatch(at int64, shard string, stream template.Stream) {
	b.opened, b.closed, b.shard = at, at, shard
	b.numbers, b.arrivals, b.data, b.ends = b.numbers[:0], b.arrivals[:0], b.data[:0], b.ends[:0]
	b.origins = b.origins[:0]
	b.request = envelopeBytes + len(stream.ARN)
	if shard != "" {
		b.request += len(requestSource) + len(stream.Source.ARN)
	}
	b.done, b.failure, b.answer, b.results = nil, nil, nil, b.results[:0]
}

func (b *batch) addRecord(number, arrival int64, record []byte) {
	b.numbers = append(b.numbers, number)
	b.arrivals = append(b.arrivals, arrival)
	b.data = append(b.data, record...)
	b.ends = append(b.ends, len(b.data))
	b.request += requestBytes(len(record))
}

func (b *batch) addOrigin(o origin) {
	b.origins = append(b.origins, o)
	b.request += metadataBytes(o.key, b.shard)
}

func (b *batch) len() int { return len(b.ends) }

// indexOf returns the place of the record with this number; after is a place at which to look first, the one behind the
// last record found.
func (b *batch) indexOf(number int64, after int) (int, bool) {
	if after < len(b.numbers) && b.numbers[after] == number {
		return after, true
	}
	return slices.BinarySearch(b.numbers, number)
}

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
	requestSource  = `","sourceKinesisStreamArn":"`
	requestRegion  = `","region":"`
	requestRecords = `","records":[`
	recordStart    = `{"recordId":"`
	recordArrival  = `","approximateArrivalTimestamp":`
	recordData     = `,"data":"`
	recordEnd      = `"`
	metadata       = `,"kinesisRecordMetadata":{"sequenceNumber":"`
	metadataSub    = `","subsequenceNumber":`
	metadataKey    = `,"partitionKey":`
	metadataShard  = `,"shardId":"`
	metadataTime   = `","approximateArrivalTimestamp":`
	requestEnd     = `]}`

	envelopeBytes = len(requestID) + len(requestARN) + len(requestRegion) + len(requestRecords) + len(requestEnd) +
		uuidBytes + len(template.Region)
	arrivalBytes = 13 // milliseconds, until the year 2286
)

// requestBytes is the size of a record in a request, with a comma.
func requestBytes(n int) int {
	return 1 + len(recordStart) + idPrefix + idNumber + len(recordArrival) + arrivalBytes + len(recordData) +
		base64.StdEncoding.EncodedLen(n) + len(recordEnd) + len("}")
}

// subDigits is the most that a subsequence number has here: an aggregate is at most 1 MiB.
const subDigits = 7

// metadataBytes is the most that the metadata of a record of a data stream adds to a request.
func metadataBytes(key, shard string) int {
	quoted := len(key) + len(`""`)
	if !isPlain(key) {
		quoted = len(quoteKey(key))
	}
	return len(metadata) + kinesis.SequenceDigits + len(metadataSub) + subDigits + len(metadataKey) + quoted +
		len(metadataShard) + len(shard) + len(metadataTime) + arrivalBytes + len("}")
}

// isPlain reports whether a partition key is the same in JSON, as nearly all are.
func isPlain(key string) bool {
	for i := range len(key) {
		if c := key[i]; c < ' ' || c > '~' || c == '"' || c == '\\' {
			return false
		}
	}
	return true
}

// quoteKey returns a partition key, which may have any characters, as JSON.
func quoteKey(key string) []byte {
	text, err := json.Marshal(key)
	if err != nil {
		panic(err) // a string always encodes
	}
	return text
}

// slack is room behind decoded or encoded data, so that vector code never has to write up to the end of a buffer.
const slack = 64

// encodeRecord writes the request into the memory of buffer, if there is enough.
func (b *batch) encodeRecord(buffer []byte, ids recordIDs, stream template.Stream) []byte {
	if need := b.request + slack; cap(buffer) < need {
		buffer = make([]byte, 0, need)
	}
	out := append(buffer[:0], requestID...)
	out = append(out, uuidOf("invocation", stream.ARN, b.numbers[0])...)
	out = append(out, requestARN...)
	out = append(out, stream.ARN...)
	if b.shard != "" {
		out = append(out, requestSource...)
		out = append(out, stream.Source.ARN...)
	}
	out = append(out, requestRegion...)
	out = append(out, template.Region...)
	out = append(out, requestRecords...)
	for i := range b.ends {
		if i > 0 {
			out = append(out, ',')
		}
		out = append(out, recordStart...)
		out = ids.appendID(out, b.numbers[i])
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
		if b.shard != "" {
			out = b.appendMetadata(out, i)
		}
		out = append(out, '}')
	}
	return append(out, requestEnd...)
}

// appendMetadata appends the member of a record that only streams with a Kinesis source have.
func (b *batch) appendMetadata(out []byte, i int) []byte {
	o := b.origins[i]
	out = append(out, metadata...)
	out = kinesis.AppendSequence(out, o.sequence)
	out = append(out, metadataSub...)
	out = strconv.AppendInt(out, int64(o.sub), 10)
	out = append(out, metadataKey...)
	if isPlain(o.key) {
		out = append(append(append(out, '"'), o.key...), '"')
	} else {
		out = append(out, quoteKey(o.key)...)
	}
	out = append(out, metadataShard...)
	out = append(out, b.shard...)
	out = append(out, metadataTime...)
	out = strconv.AppendInt(out, toMilliseconds(b.arrivals[i]), 10)
	return append(out, '}')
}

func toMilliseconds(at int64) int64 { return at / 1e6 }
