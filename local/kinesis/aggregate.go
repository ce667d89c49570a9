package kinesis

import (
	"bytes"
	"crypto/md5"

	"google.golang.org/protobuf/encoding/protowire"
)

// aggregateMagic begins a record in which the Kinesis Producer Library has put several; it ends with the MD5 of the
// bytes between.
// https://github.com/awslabs/amazon-kinesis-producer/blob/master/aggregation-format.md
var aggregateMagic = []byte{0xf3, 0x89, 0x9a, 0xc2}

// Fields of the messages AggregatedRecord and Record.
const (
	fieldKeys    protowire.Number = 1
	fieldRecords protowire.Number = 3
	fieldKey     protowire.Number = 1
	fieldData    protowire.Number = 3
)

// Disaggregate appends the records that are in one, with their own partition keys, or the record itself when it is no
// aggregate. Firehose does the same before it invokes a transform.
func Disaggregate(dst []Arrived, r Arrived) []Arrived {
	body, ok := bytes.CutPrefix(r.Data, aggregateMagic)
	if !ok || len(body) < md5.Size {
		return append(dst, r)
	}
	message, sum := body[:len(body)-md5.Size], body[len(body)-md5.Size:]
	if md5.Sum(message) != [md5.Size]byte(sum) {
		return append(dst, r)
	}
	parts, ok := parseAggregate(message)
	if !ok || len(parts) == 0 {
		return append(dst, r)
	}
	for i, part := range parts {
		single := r
		single.Sub, single.Record = i, part
		dst = append(dst, single)
	}
	return dst
}

func parseAggregate(message []byte) (records []Record, ok bool) {
	var keys []string
	var indexes []uint64
	ok = eachField(message, func(field protowire.Number, number uint64, content []byte) bool {
		switch field {
		case fieldKeys:
			keys = append(keys, string(content))
		case fieldRecords:
			var record Record
			var index uint64
			good := eachField(content, func(field protowire.Number, number uint64, content []byte) bool {
				switch field {
				case fieldKey:
					index = number
				case fieldData:
					record.Data = content
				}
				return true
			})
			records, indexes = append(records, record), append(indexes, index)
			return good
		}
		return true
	})
	for i, index := range indexes {
		if index >= uint64(len(keys)) {
			return nil, false
		}
		records[i].PartitionKey = keys[index]
	}
	return records, ok
}

// eachField calls do for each field of a message, with the number or the content of its value; false when the message
// is not one, or do returns false.
func eachField(message []byte, do func(protowire.Number, uint64, []byte) bool) bool {
	for len(message) > 0 {
		field, kind, n := protowire.ConsumeTag(message)
		if n < 0 {
			return false
		}
		message = message[n:]
		var number uint64
		var content []byte
		switch kind {
		case protowire.VarintType:
			number, n = protowire.ConsumeVarint(message)
		case protowire.BytesType:
			content, n = protowire.ConsumeBytes(message)
		default:
			n = protowire.ConsumeFieldValue(field, kind, message)
		}
		if n < 0 || !do(field, number, content) {
			return false
		}
		message = message[n:]
	}
	return true
}
