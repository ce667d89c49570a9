package page

import (
	"firehose-pipeline/deadletter"
	"firehose-pipeline/event"
)

// explanations say for each reason what has happened and whether a replay helps. docs/runbook.md has the remedies.
var explanations = map[deadletter.Reason]string{
	deadletter.Reason(event.EmptyRecord):   "The record is empty or only white space. An unchanged replay fails again.",
	deadletter.Reason(event.ByteOrderMark): "The record begins with a byte order mark, which JSON forbids. Correct the producer.",
	deadletter.Reason(event.Compressed): "The record begins as gzip, zlib or Zstandard do: the producer compresses, or " +
		"it is a CloudWatch Logs subscription.",
	deadletter.Reason(event.InvalidUTF8):   "A string of the record is not UTF-8. Correct the producer.",
	deadletter.Reason(event.InvalidJSON):   "The record is not JSON; the mark shows the byte. Correct the producer.",
	deadletter.Reason(event.UnexpectedEnd): "The record is JSON up to its end, but cut off. Correct the producer.",
	deadletter.Reason(event.NotAnObject):   "The record is JSON, but not an object. Correct the producer.",
	deadletter.Reason(event.TooDeep):       "Objects or arrays are nested too deeply. Correct the producer.",
	deadletter.Reason(event.TrailingData):  "Something follows the object: the search stream takes one object in a record.",
	deadletter.Reason(event.InvalidBase64): "The record's data in Firehose's request is not base64.",
	deadletter.Reason(event.TooLarge):      "The answer of the transform would have passed Lambda's 6 MB. A replay helps.",

	deadletter.AcceptedNow: "The transform rejected the record and accepts it now: its answer was too long, or it has " +
		"changed. A replay helps.",
	deadletter.FunctionError:         "The transform failed for the whole batch. Correct it, then replay.",
	deadletter.FunctionTimeout:       "The transform did not answer in time. Replay when the cause is gone.",
	deadletter.FunctionUnavailable:   "Lambda throttled the transform or was not to be reached. Replay when it has recovered.",
	deadletter.FunctionRefused:       "Firehose may not call the transform, or it does not exist. Correct that, then replay.",
	deadletter.FunctionAnswer:        "The answer of the transform lacked the record or had it twice. Correct it, then replay.",
	deadletter.ConversionData:        "The record does not fit the columns of the table, so that it cannot become Parquet.",
	deadletter.ConversionSchema:      "The Glue table is missing or cannot be used. Correct it, then replay.",
	deadletter.ConversionRefused:     "Firehose may not read the Glue table. Correct that, then replay.",
	deadletter.ConversionUnavailable: "Glue throttled or timed out. Replay when it has recovered.",
	deadletter.SearchRejected: "OpenSearch rejected this document; the error message says why. Unchanged, it is " +
		"rejected again.",
	deadletter.SearchTooLarge:     "The bulk request was larger than the domain accepts. Lower the buffer size, then replay.",
	deadletter.SearchConflict:     "The index has a newer version of the document. Delete the dead letter.",
	deadletter.SearchRefused:      "Firehose's role may not write to the index. Correct the role mapping, then replay.",
	deadletter.SearchBlocked:      "The index is blocked for writing, mostly for want of disk space. Replay afterwards.",
	deadletter.SearchIndexMissing: "The index does not exist. Replay when it does.",
	deadletter.SearchUnavailable:  "The domain was overloaded or not to be reached for the whole retry time. Replay.",
	deadletter.RawDataUnreadable:  "The error object does not have the record.",
	deadletter.UnknownLayout:      "The error object has a form that is not known.",
	deadletter.Other:              "Firehose gave a code that is not known; the error code has it.",
	deadletter.MoreRecords: "The error object has more failed records than get a dead letter each. A replay reads them " +
		"from the object.",
	deadletter.Unreadable:       "A part of the error object cannot be read.",
	deadletter.ObjectMissing:    "The error object was deleted before it could be read.",
	deadletter.ForeignObject:    "An object below the error prefix that Firehose does not write.",
	deadletter.InvocationFailed: "The error handler failed for good; the dead letter names its objects.",
}

// explain returns the explanation of a reason.
func explain(reason deadletter.Reason) string {
	if text, ok := explanations[reason]; ok {
		return text
	}
	return "A message that the pipeline did not write."
}
