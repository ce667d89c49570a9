package transform

import (
	"bytes"
	"fmt"

	"firehose-pipeline/internal/jsonscan"
)

// request reads Firehose's request from front to back:
//
//	{"invocationId":"…","deliveryStreamArn":"…","region":"…","records":[
//	  {"recordId":"…","approximateArrivalTimestamp":1700000000000,"data":"base64","kinesisRecordMetadata":{…}}, …]}
//
// Members may come in any order, and unknown ones are skipped, but they must be JSON: a request that is not might pair
// an id with the data of another record, so it is an error. So are a repeated or missing recordId, data or records, and
// a repeated kinesisRecordMetadata, which only a stream with a Kinesis source sends.
type request struct {
	data []byte
	at   int // offset of the next byte to read
}

// record is one record of the request: the contents of its two strings as they are written.
type record struct {
	id      []byte
	data    []byte
	hasData bool // data is a string, which is all but always so
	dataAt  int  // offset of data in the request, after its quote
	// partitionKey is the one in kinesisRecordMetadata, unescaped; nil without a Kinesis source.
	partitionKey []byte
}

// syntaxError names the problem and its place in the request, but quotes nothing of it.
func (r *request) syntaxError(what string) error {
	return fmt.Errorf("reading request: %s at byte %d of %d", what, r.at, len(r.data))
}

// peekToken returns the first byte of the next token, 0 at the end.
func (r *request) peekToken() byte {
	if r.at < len(r.data) && r.data[r.at] <= ' ' {
		r.at = jsonscan.SkipSpace(r.data, r.at)
	}
	if r.at < len(r.data) {
		return r.data[r.at]
	}
	return 0
}

// takeByte reads one byte, which has to be c.
func (r *request) takeByte(c byte) error {
	if r.peekToken() != c {
		return r.syntaxError("expected " + string(rune(c)))
	}
	r.at++
	return nil
}

// hasMore reads what follows a member or element: a comma, for true, or the closing byte, for false.
func (r *request) hasMore(closing byte) (bool, error) {
	switch r.peekToken() {
	case ',':
		r.at++
		return true, nil
	case closing:
		r.at++
		return false, nil
	}
	return false, r.syntaxError("expected , or " + string(rune(closing)))
}

// readText reads a string and returns its content as written.
func (r *request) readText() (content []byte, escaped bool, err error) {
	r.peekToken()
	start := r.at + 1
	end, escaped, problem := jsonscan.Text(r.data, r.at)
	if r.at = end; problem != jsonscan.None {
		return nil, false, r.syntaxError(problem.String())
	}
	r.at++
	return r.data[start:end], escaped, nil
}

// readKey reads a member's key and the colon after it.
func (r *request) readKey() ([]byte, error) {
	key, escaped, err := r.readText()
	if err != nil {
		return nil, err
	}
	if escaped {
		key = jsonscan.Unescape(nil, key)
	}
	return key, r.takeByte(':')
}

// skipValue reads a value of any kind.
func (r *request) skipValue() error {
	r.peekToken()
	end, problem := jsonscan.Value(r.data, r.at)
	if r.at = end; problem != jsonscan.None {
		return r.syntaxError(problem.String())
	}
	return nil
}

// eachRecord reads the whole request and calls do for each record, when r.at is just after it.
func (r *request) eachRecord(do func(*record) error) error {
	if err := r.takeByte('{'); err != nil {
		return err
	}
	seen, more := false, true
	if r.peekToken() == '}' {
		r.at++
		more = false
	}
	for more {
		key, err := r.readKey()
		if err != nil {
			return err
		}
		switch {
		case string(key) != "records":
			err = r.skipValue()
		case seen:
			return r.syntaxError("repeated records")
		default:
			seen = true
			err = r.readRecords(do)
		}
		if err != nil {
			return err
		}
		if more, err = r.hasMore('}'); err != nil {
			return err
		}
	}
	if r.peekToken(); r.at != len(r.data) {
		return r.syntaxError("expected nothing more")
	}
	if !seen {
		return r.syntaxError("no records")
	}
	return nil
}

// readRecords reads the array of records.
func (r *request) readRecords(do func(*record) error) error {
	if err := r.takeByte('['); err != nil {
		return err
	}
	if r.peekToken() == ']' {
		r.at++
		return nil
	}
	var rec record // one for all: they are not small
	for {
		if err := r.readRecord(&rec); err != nil {
			return err
		}
		if err := do(&rec); err != nil {
			return err
		}
		if more, err := r.hasMore(']'); err != nil || !more {
			return err
		}
	}
}

// readRest reads on, just after a record, to the end of the array of records, and calls do for each record still to
// come.
func (r *request) readRest(do func(*record) error) error {
	var rec record
	for {
		if more, err := r.hasMore(']'); err != nil || !more {
			return err
		}
		if err := r.readRecord(&rec); err != nil {
			return err
		}
		if err := do(&rec); err != nil {
			return err
		}
	}
}

// readRecord reads one record.
func (r *request) readRecord(rec *record) error {
	seenData := r.readUsual(rec)
	if seenData {
		if more, err := r.hasMore('}'); err != nil || !more {
			return err
		}
	} else {
		*rec = record{}
		if err := r.takeByte('{'); err != nil {
			return err
		}
	}
	seenMetadata := false
	for {
		key, err := r.readKey()
		if err != nil {
			return err
		}
		switch string(key) {
		case "recordId":
			if rec.id != nil {
				return r.syntaxError("repeated recordId")
			}
			rec.id, _, err = r.readText()
		case "data":
			if seenData {
				return r.syntaxError("repeated data")
			}
			seenData = true
			err = r.recordData(rec)
		case "kinesisRecordMetadata":
			if seenMetadata {
				return r.syntaxError("repeated kinesisRecordMetadata")
			}
			seenMetadata = true
			err = r.readMetadata(rec)
		default:
			err = r.skipValue()
		}
		if err != nil {
			return err
		}
		switch more, err := r.hasMore('}'); {
		case err != nil:
			return err
		case !more && rec.id == nil:
			return r.syntaxError("record without recordId")
		case !more:
			return nil
		}
	}
}

// The members that Firehose's records begin with, and the text between their values.
const (
	usualID      = `{"recordId":"`
	usualArrival = `","approximateArrivalTimestamp":`
	usualData    = `,"data":"`
)

// readUsual reads a record as Firehose writes it, up to the end of data, which is faster than to read one member after
// the other. Of any other record it reads nothing.
func (r *request) readUsual(rec *record) bool {
	data, at := r.data, r.at
	if !hasAt(data, at, usualID) {
		return false
	}
	idAt := at + len(usualID)
	idEnd, _, problem := jsonscan.Text(data, idAt-1)
	if problem != jsonscan.None || !hasAt(data, idEnd, usualArrival) {
		return false
	}
	end, problem := jsonscan.Value(data, idEnd+len(usualArrival))
	if problem != jsonscan.None || !hasAt(data, end, usualData) {
		return false
	}
	dataAt := end + len(usualData)
	n := bytes.IndexByte(data[dataAt:], '"')
	if n <= 0 || data[dataAt+n-1] == '\\' {
		return false
	}
	r.at = dataAt + n + 1
	rec.id, rec.data = data[idAt:idEnd], data[dataAt:dataAt+n]
	rec.hasData, rec.dataAt, rec.partitionKey = true, dataAt, nil
	return true
}

// hasAt reports whether data has the text at an offset.
func hasAt(data []byte, at int, what string) bool {
	return at >= 0 && at <= len(data)-len(what) && string(data[at:at+len(what)]) == what
}

// readMetadata reads the value of kinesisRecordMetadata. A partition key that is not a string counts as none; the last
// of several counts.
func (r *request) readMetadata(rec *record) error {
	if r.peekToken() != '{' {
		return r.skipValue()
	}
	r.at++
	if r.peekToken() == '}' {
		r.at++
		return nil
	}
	for {
		key, err := r.readKey()
		if err != nil {
			return err
		}
		if string(key) == "partitionKey" && r.peekToken() == '"' {
			var escaped bool
			if rec.partitionKey, escaped, err = r.readText(); escaped && err == nil {
				rec.partitionKey = jsonscan.Unescape(nil, rec.partitionKey)
			}
		} else {
			err = r.skipValue()
		}
		if err != nil {
			return err
		}
		if more, err := r.hasMore('}'); err != nil || !more {
			return err
		}
	}
}

// recordData reads the value of data. Base64 has no escapes, so the next quote ends it; whether there was anything else
// inside shows when it is decoded.
func (r *request) recordData(rec *record) error {
	if r.peekToken() != '"' {
		return r.skipValue()
	}
	rec.hasData, rec.dataAt = true, r.at+1
	n := bytes.IndexByte(r.data[rec.dataAt:], '"')
	if n > 0 && r.data[rec.dataAt+n-1] == '\\' || n < 0 {
		var err error
		rec.data, _, err = r.readText()
		return err
	}
	rec.data = r.data[rec.dataAt : rec.dataAt+n]
	r.at = rec.dataAt + n + 1
	return nil
}

// textAt reads the string whose content begins at this offset, strictly.
func (r *request) textAt(offset int) (content []byte, escaped bool, err error) {
	at := request{data: r.data, at: offset - 1}
	return at.readText()
}
