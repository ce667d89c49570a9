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
	b.clearResults(answer)
	if b.parseCompact(answer, ids) {
		return
	}
	b.clearResults(answer)
	if !b.parseResult(answer, ids) {
		b.failure = &errAnswerNotRead
	}
}

func (b *batch) clearResults(answer []byte) {
	b.answer, b.read = answer, 0
	b.results = slices.Grow(b.results[:0], b.len())[:b.len()]
	clear(b.results)
}

// The parts of an answer as the project's transform writes it.
const (
	compactStart  = `{"records":[`
	compactID     = `{"recordId":"`
	compactStatus = `","result":"`
	compactData   = `","data":`
	compactEnd    = `]}`
)

// parseCompact reads an answer as the project's transform writes it, in one pass. It is false for any other, which may
// be as good: what it has read then means nothing.
func (b *batch) parseCompact(answer []byte, ids recordIDs) bool {
	if !bytes.HasPrefix(answer, []byte(compactStart)) {
		return false
	}
	at := len(compactStart)
	for {
		rest := answer[at:]
		if !bytes.HasPrefix(rest, []byte(compactID)) || len(rest) < len(compactID)+RecordIDBytes {
			return false
		}
		id := rest[len(compactID) : len(compactID)+RecordIDBytes]
		rest = rest[len(compactID)+RecordIDBytes:]
		if !bytes.HasPrefix(rest, []byte(compactStatus)) {
			return false
		}
		rest = rest[len(compactStatus):]
		n := bytes.IndexByte(rest, '"')
		if n < 0 {
			return false
		}
		r := result{outcome: statusOutcome(rest[:n])}
		if r.outcome == badResult {
			return false
		}
		at = len(answer) - len(rest) + n
		hasData := bytes.HasPrefix(rest[n:], []byte(compactData))
		if hasData {
			r.from = at + len(compactData) + 1
			var problem jsonscan.Problem
			r.to, r.escaped, problem = jsonscan.Text(answer, r.from-1)
			if problem != jsonscan.None {
				return false
			}
			at = r.to
		}
		if !b.noteResult(id, r, hasData, ids) {
			return false
		}
		switch next := answer[at+1:]; {
		case bytes.HasPrefix(next, []byte(`},`)):
			at += len(`"},`)
		case len(next) == len(compactEnd)+1 && next[0] == '}' && string(next[1:]) == compactEnd:
			return true
		default:
			return false
		}
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
	var r result
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
	r.outcome = statusOutcome(status)
	b.noteResult(id, r, hasData, ids)
	return end
}

// statusOutcome is the outcome of a result; upper and lower case count (Developer Guide).
func statusOutcome(status []byte) outcome {
	switch string(status) {
	case "Ok":
		return delivered
	case "Dropped":
		return dropped
	case "ProcessingFailed":
		return failedStatus
	}
	return badResult
}

// noteResult keeps the result of the record with this id, if there is one. It is false when the id is none of the
// stream's.
func (b *batch) noteResult(id []byte, r result, hasData bool, ids recordIDs) bool {
	if r.outcome == delivered && !hasData {
		r.outcome = badData
	}
	number, ok := ids.numberOf(id)
	if !ok {
		return false
	}
	if i, found := b.indexOf(number, b.read); found {
		if b.results[i].outcome != missing {
			r = result{outcome: duplicated}
		}
		b.results[i] = r
		b.read = i + 1
	}
	return true
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
