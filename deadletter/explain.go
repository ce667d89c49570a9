package deadletter

import "firehose-pipeline/event"

// explanations say in a sentence why a record failed. docs/runbook.md has the remedies.
var explanations = map[Reason]string{
	Reason(event.EmptyRecord):   "the record is empty",
	Reason(event.ByteOrderMark): "the record begins with a byte order mark, which JSON forbids",
	Reason(event.Compressed):    "the record is compressed",
	Reason(event.InvalidUTF8):   "the record has text that is not UTF-8",
	Reason(event.InvalidJSON):   "the record is not JSON",
	Reason(event.UnexpectedEnd): "the record breaks off",
	Reason(event.NotAnObject):   "the record is JSON, but not an object",
	Reason(event.TooDeep):       "the record is nested too deep",
	Reason(event.TrailingData):  "the record has more than one object, and the search stream takes one",
	Reason(event.InvalidBase64): "the record did not reach the transform as base64",
	Reason(event.TooLarge):      "the transform's answer would have passed Lambda's 6 MB",

	AcceptedNow:           "the transform rejected the record, and would accept it now",
	FunctionError:         "the transform failed for the whole batch",
	FunctionTimeout:       "the transform did not answer in time",
	FunctionUnavailable:   "Lambda throttled the transform, or was unavailable",
	FunctionRefused:       "Firehose may not call the transform, or the function does not exist",
	FunctionAnswer:        "the transform's answer missed the record, or had it twice",
	ConversionData:        "the record does not fit the lake's table",
	ConversionSchema:      "the Glue table is missing, or cannot be used",
	ConversionRefused:     "Firehose may not read the Glue table",
	ConversionUnavailable: "Glue throttled Firehose, or did not answer",
	SearchRejected:        "OpenSearch rejected the document",
	SearchTooLarge:        "the request was larger than the domain accepts",
	SearchConflict:        "a newer version of the document is in the index",
	SearchRefused:         "Firehose's role may not write to the index",
	SearchBlocked:         "the index or the domain was blocked for writing",
	SearchIndexMissing:    "the index did not exist",
	SearchUnavailable:     "the domain was overloaded, or could not be reached",
	RawDataUnreadable:     "the error object does not have the record",
	UnknownLayout:         "the error object has an unknown layout",
	Other:                 "Firehose gave a code that is not known",
	MoreRecords:           "the error object has more failed records than get a dead letter each",
	Unreadable:            "a part of the error object is torn",
	ObjectMissing:         "the error object was deleted before it was read",
	ForeignObject:         "the error object is not one of Firehose",
	InvocationFailed:      "the error handler failed",
}

// Explain returns why a record with this reason failed, as a clause without a full stop. A reason that this version
// does not know is its own explanation.
func (r Reason) Explain() string {
	if text, ok := explanations[r]; ok {
		return text
	}
	return string(r)
}

// FailsAgain reports whether a record with this reason fails again when it is replayed unchanged, with the same table,
// mapping and transform. A record of several objects does not: replay splits it.
func (r Reason) FailsAgain() bool {
	return r.ofRecord() && r != Reason(event.TrailingData) || r == ConversionData || r == SearchRejected
}
