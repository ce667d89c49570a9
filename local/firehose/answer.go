package firehose

import (
	"bytes"
	"slices"

	"github.com/emmansun/base64"

	"firehose-pipeline/internal/jsonscan"
)

// outcome is the processor's result for a record.
type outcome uint8

const (
	missing outcome = iota
	delivered
	dropped
	failedStatus
	duplicated
	badResult
	badData
)

// result is one record's.
type result struct {
	outcome  outcome
	from, to int // of its data in the answer, for delivered
	escaped  bool
}

// failures are why a record with this outcome is in the error output. Each fails alone: the Developer Guide says that a
// missing or repeated id fails the batch; probes in September 2026 saw the other records delivered.
var failures = map[outcome]*failure{
	missing: &errMissingID, failedStatus: &errStatus, duplicated: &errDuplicatedID, badResult: &errRecordResult,
	badData: &errRecordData,
}

// readResults reads the function's answer. A response that is not an object with an array of records fails the batch.
func (b *batch) readResults(answer []byte, ids recordIDs) {
	b.answer, b.read = answer, 0
	b.results = slices.Grow(b.results[:0], b.len())[:b.len()]
	clear(b.results)
	if !b.parseResult(answer, ids) {
		b.failure = &errAnswerNotRead
	}
}

// decodeData returns a record that was answered Ok, in the memory of buffer if there is enough; false when the data
// is not base64.
func (b *batch) decodeData(buffer []byte, i int) ([]byte, bool) {
	r := &b.results[i]
	text := unescapeText(b.answer[r.from:r.to], r.escaped)
	if need := base64.StdEncoding.DecodedLen(len(text)) + slack; cap(buffer) < need {
		buffer = make([]byte, need)
	}
	n, err := base64.StdEncoding.Decode(buffer[:cap(buffer)], text)
	return buffer[:n], err == nil
}

// parseResult notes the results of the answer's records: {"records":[{"recordId":"…","result":"Ok","data":"…"},…]}.
// Members may come in any order; unknown ones and ids that were not asked for are passed over.
func (b *batch) parseResult(answer []byte, ids recordIDs) bool {
	start := jsonscan.SkipSpace(answer, 0)
	end, problem := jsonscan.Value(answer, start)
	if problem != jsonscan.None || jsonscan.SkipSpace(answer, end) != len(answer) || answer[start] != '{' {
		return false
	}
	// From here on the answer is known to be JSON.
	found := false
	parseMembers(answer, start, func(key []byte, from int) int {
		if string(key) == "records" && answer[from] == '[' {
			found = true
			return b.parseRecords(answer, from, ids)
		}
		end, _ := jsonscan.Value(answer, from)
		return end
	})
	return found
}

func (b *batch) parseRecords(answer []byte, at int, ids recordIDs) int {
	at = jsonscan.SkipSpace(answer, at+1)
	for answer[at] != ']' {
		if answer[at] == '{' {
			at = b.parseRecord(answer, at, ids)
		} else {
			at, _ = jsonscan.Value(answer, at)
		}
		if at = jsonscan.SkipSpace(answer, at); answer[at] == ',' {
			at = jsonscan.SkipSpace(answer, at+1)
		}
	}
	return at + 1
}

func (b *batch) parseRecord(answer []byte, at int, ids recordIDs) int {
	var id, status []byte
	r := result{outcome: badResult}
	hasData := false
	end := parseMembers(answer, at, func(key []byte, from int) int {
		if answer[from] != '"' {
			end, _ := jsonscan.Value(answer, from)
			return end
		}
		to, escaped := textEnd(answer, from)
		switch text := answer[from+1 : to]; string(key) {
		case "recordId":
			id = unescapeText(text, escaped)
		case "result":
			status = unescapeText(text, escaped)
		case "data":
			hasData, r.from, r.to, r.escaped = true, from+1, to, escaped
		}
		return to + 1
	})
	switch string(status) { // upper and lower case count (Developer Guide)
	case "Ok":
		if r.outcome = delivered; !hasData {
			r.outcome = badData
		}
	case "Dropped":
		r.outcome = dropped
	case "ProcessingFailed":
		r.outcome = failedStatus
	}
	if number, ok := ids.numberOf(id); ok {
		if i, found := b.indexOf(number, b.read); found {
			if b.results[i].outcome != missing {
				r = result{outcome: duplicated}
			}
			b.results[i] = r
			b.read = i + 1
		}
	}
	return end
}

// parseMembers calls do for each member of the object that begins at answer[at], with its key and the offset of its
// value; do returns the offset after the value. It returns the offset after the object.
func parseMembers(answer []byte, at int, do func(key []byte, from int) int) int {
	at = jsonscan.SkipSpace(answer, at+1)
	for answer[at] != '}' {
		end, escaped := textEnd(answer, at)
		key := unescapeText(answer[at+1:end], escaped)
		at = jsonscan.SkipSpace(answer, end+1) // the colon
		at = do(key, jsonscan.SkipSpace(answer, at+1))
		if at = jsonscan.SkipSpace(answer, at); answer[at] == ',' {
			at = jsonscan.SkipSpace(answer, at+1)
		}
	}
	return at + 1
}

// textEnd returns the offset of the quote that ends the string which begins at answer[at].
func textEnd(answer []byte, at int) (end int, escaped bool) {
	n := bytes.IndexByte(answer[at+1:], '"')
	if n == 0 || answer[at+n] != '\\' && bytes.IndexByte(answer[at+1:at+1+n], '\\') < 0 {
		return at + 1 + n, false
	}
	end, _, _ = jsonscan.Text(answer, at)
	return end, true
}

func unescapeText(text []byte, escaped bool) []byte {
	if escaped {
		return jsonscan.Unescape(nil, text)
	}
	return text
}
