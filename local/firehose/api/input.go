package api

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"strings"

	"firehose-pipeline/internal/jsonscan"
	"firehose-pipeline/local/awsjson"
	"firehose-pipeline/local/firehose"
)

// The members of the inputs. As in the service, their names are case-sensitive.
var names = jsonscan.NewNames("DeliveryStreamName", "Record", "Records", "Data", "Limit", "DeliveryStreamType",
	"ExclusiveStartDeliveryStreamName", "ExclusiveStartDestinationId")

// object is a JSON object within a request that has been checked as a whole.
type object struct {
	body []byte
	scan *jsonscan.Scanner
}

func decodeObject(body []byte) (object, *awsjson.Error) {
	o := object{body, jsonscan.NewScanner(names)}
	end, problem := o.scan.Object(body, 0)
	if problem == jsonscan.None && jsonscan.SkipSpace(body, end) < len(body) {
		end, problem = jsonscan.SkipSpace(body, end), jsonscan.Syntax
	}
	if problem != jsonscan.None {
		return object{}, awsjson.SenderFault("SerializationException", "the request must be a JSON object: %s at byte %d",
			problem, end)
	}
	return o, nil
}

// findMember returns the member, nil when it is missing or null.
func (o object) findMember(name string) *jsonscan.Member {
	at := o.scan.Found[names.Index(name)]
	if at < 0 || o.scan.Members[at].Kind == jsonscan.Null {
		return nil
	}
	return &o.scan.Members[at]
}

// member decodes a string or number into value; without the member, or with null, value stays nil.
func member[T any](o object, name string, value **T) *awsjson.Error {
	m := o.findMember(name)
	if m == nil {
		return nil
	}
	var decoded T
	if err := json.Unmarshal(o.body[m.Start:m.End], &decoded); err != nil {
		return awsjson.SenderFault("SerializationException", "%s: %v", name, err)
	}
	*value = &decoded
	return nil
}

// decodeData decodes the Data of the record that begins at body[start] and returns where the record ends; data is nil
// when there is none.
func (o object) decodeData(start int) (data []byte, end int, failed *awsjson.Error) {
	end, problem := o.scan.Object(o.body, start)
	if problem != jsonscan.None { // the whole is valid: it can only be another value
		return nil, end, awsjson.SenderFault("SerializationException", "a record must be a JSON object")
	}
	m := o.findMember("Data")
	if m == nil {
		return nil, end, nil
	}
	if m.Kind != jsonscan.String {
		return nil, end, awsjson.SenderFault("SerializationException", "Data: must be base64 in a string")
	}
	text := o.body[m.Start+1 : m.End-1]
	if m.Escaped {
		text = jsonscan.Unescape(nil, text)
	}
	data = make([]byte, base64.StdEncoding.DecodedLen(len(text)))
	n, err := base64.StdEncoding.Decode(data, text)
	if err != nil {
		return nil, end, awsjson.SenderFault("SerializationException", "Data: must be base64: %v", err)
	}
	return data[:n], end, nil
}

// parseRecords decodes the Data of the records of an array and counts them. A record without Data, and a null in place
// of a record, is nil, with its path in problems. Those beyond a batch are counted only: a request may hold millions,
// each with a problem.
func parseRecords(body []byte, array *jsonscan.Member, problems *violations) (all [][]byte, count int,
	failed *awsjson.Error) {
	o := object{body, jsonscan.NewScanner(names)}
	beyond := new(violations)
	for i := jsonscan.SkipSpace(body, array.Start+1); body[i] != ']'; {
		count++
		if count > firehose.MaxBatchRecords {
			problems, *beyond = beyond, nil
		}
		path := fmt.Sprintf("records.%d.member", count)
		var data []byte
		if body[i] == 'n' { // null
			problems.addMissing(path)
			i += len("null")
		} else {
			if data, i, failed = o.decodeData(i); failed != nil {
				return nil, 0, failed
			}
			problems.checkData(data, path+".data")
		}
		if count <= firehose.MaxBatchRecords {
			all = append(all, data)
		}
		if i = jsonscan.SkipSpace(body, i); body[i] == ',' {
			i = jsonscan.SkipSpace(body, i+1)
		}
	}
	return all, count, nil
}

// violations gathers the violated constraints of the service model. AWS reports all of a request at once, in this form.
type violations []string

func (v *violations) addViolation(value, path, constraint string) {
	*v = append(*v, fmt.Sprintf("Value %s at '%s' failed to satisfy constraint: %s", value, path, constraint))
}

func (v *violations) addQuoted(value, path, constraint string) {
	v.addViolation("'"+value+"'", path, constraint)
}

func (v *violations) addMissing(path string) { v.addViolation("null", path, "Member must not be null") }

func (v violations) toError() *awsjson.Error {
	switch len(v) {
	case 0:
		return nil
	case 1:
		return awsjson.SenderFault("ValidationException", "1 validation error detected: %s", v[0])
	}
	return awsjson.SenderFault("ValidationException", "%d validation errors detected: %s", len(v), strings.Join(v, "; "))
}

// checkText checks a string of 1 to most characters, each one of which allowed accepts; pattern says so in the error.
func (v *violations) checkText(value, path string, most int, pattern string, allowed func(byte) bool) {
	matches := value != ""
	for i := range len(value) {
		matches = matches && allowed(value[i])
	}
	if !matches {
		v.addQuoted(value, path, "Member must satisfy regular expression pattern: "+pattern)
	}
	if value == "" {
		v.addQuoted(value, path, "Member must have length greater than or equal to 1")
	}
	if len(value) > most {
		v.addQuoted(value, path, fmt.Sprintf("Member must have length less than or equal to %d", most))
	}
}

func isAlphanumeric(c byte) bool {
	return c >= '0' && c <= '9' || c >= 'A' && c <= 'Z' || c >= 'a' && c <= 'z'
}

func (v *violations) streamName(name *string, path string) {
	if name == nil {
		v.addMissing(path)
		return
	}
	v.checkText(*name, path, 64, "[a-zA-Z0-9_.-]+",
		func(c byte) bool { return isAlphanumeric(c) || strings.IndexByte("_.-", c) >= 0 })
}

// checkLimit checks the member Limit of DescribeDeliveryStream and ListDeliveryStreams.
func (v *violations) checkLimit(limit *int) {
	switch {
	case limit == nil:
	case *limit < 1:
		v.addQuoted(fmt.Sprint(*limit), "limit", "Member must have value greater than or equal to 1")
	case *limit > 10000:
		v.addQuoted(fmt.Sprint(*limit), "limit", "Member must have value less than or equal to 10000")
	}
}

// checkData checks the Data of a record; nil means that it is missing. AWS names the Java buffer that it holds the data
// in (osquery/osquery#3568).
func (v *violations) checkData(data []byte, path string) {
	switch {
	case data == nil:
		v.addMissing(path)
	case len(data) > firehose.MaxRecordBytes:
		v.addQuoted(fmt.Sprintf("java.nio.HeapByteBuffer[pos=0 lim=%d cap=%[1]d]", len(data)), path,
			fmt.Sprintf("Member must have length less than or equal to %d", firehose.MaxRecordBytes))
	}
}
