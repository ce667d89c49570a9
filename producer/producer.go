package producer

import "iter"

// The limits of PutRecordBatch (API reference), in bytes before base64. Those of Kinesis' PutRecords are larger but for
// the number of records: records that Firehose reads from a data stream stay within its own.
const (
	MaxRecordBytes  = 1000 << 10
	MaxBatchRecords = 500
	MaxBatchBytes   = 4 << 20
)

// BilledBytes is what Firehose rounds each record up to when it bills (Firehose pricing: 5 KB).
const BilledBytes = 5 << 10

// Batches cuts records into batches that one PutRecordBatch takes, none above maxBytes unless one record alone is.
func Batches(records [][]byte, maxBytes int) iter.Seq[[][]byte] {
	maxBytes = min(maxBytes, MaxBatchBytes)
	return func(yield func([][]byte) bool) {
		begin, size := 0, 0
		for i, r := range records {
			if i-begin == MaxBatchRecords || i > begin && size+len(r) > maxBytes {
				if !yield(records[begin:i:i]) {
					return
				}
				begin, size = i, 0
			}
			size += len(r)
		}
		if begin < len(records) {
			yield(records[begin:])
		}
	}
}

// Billed is what Firehose bills for a record of so many bytes.
func Billed(bytes int) int64 {
	return max(1, (int64(bytes)+BilledBytes-1)/BilledBytes) * BilledBytes
}
