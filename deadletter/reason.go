package deadletter

import (
	"slices"
	"strconv"
	"strings"

	"firehose-pipeline/errorobject"
	"firehose-pipeline/event"
)

// Reason says in one word why a record failed: for metrics, filters and runbooks. Besides the constants here it can be
// every reason of package event: a record that the transform answered ProcessingFailed is checked again to name it,
// because Firehose discards the function's own reason.
type Reason string

// The transform stage.
const (
	// AcceptedNow: the transform said ProcessingFailed and the same check accepts the record. Either the answer would
	// have passed 6 MB, or the transform has changed since. Replay helps.
	AcceptedNow Reason = "AcceptedNow"
	// FunctionError: the function raised an error or its answer could not be read.
	FunctionError Reason = "FunctionError"
	// FunctionTimeout: the function did not answer in time.
	FunctionTimeout Reason = "FunctionTimeout"
	// FunctionUnavailable: Lambda throttled the call, failed itself or had no network interface.
	FunctionUnavailable Reason = "FunctionUnavailable"
	// FunctionRefused: Firehose may not call the function, or it does not exist.
	FunctionRefused Reason = "FunctionRefused"
	// FunctionAnswer: the answer missed a record or had it twice.
	FunctionAnswer Reason = "FunctionAnswer"
)

// The conversion stage.
const (
	// ConversionData: the record does not fit the table's columns.
	ConversionData Reason = "ConversionData"
	// ConversionSchema: the Glue table is missing or cannot be used.
	ConversionSchema Reason = "ConversionSchema"
	// ConversionRefused: Firehose may not read the Glue table.
	ConversionRefused Reason = "ConversionRefused"
	// ConversionUnavailable: Glue throttled or timed out.
	ConversionUnavailable Reason = "ConversionUnavailable"
)

// The search stage.
const (
	// SearchRejected: OpenSearch rejected this document: mapping, size of a field, number of fields, not one object.
	SearchRejected Reason = "SearchRejected"
	// SearchTooLarge: the request was larger than the domain accepts.
	SearchTooLarge Reason = "SearchTooLarge"
	// SearchConflict: a newer version of the document is there.
	SearchConflict Reason = "SearchConflict"
	// SearchRefused: Firehose's role may not write to the index.
	SearchRefused Reason = "SearchRefused"
	// SearchBlocked: the index or cluster is blocked for writing, mostly for want of disk space.
	SearchBlocked Reason = "SearchBlocked"
	// SearchIndexMissing: the index does not exist and is not created.
	SearchIndexMissing Reason = "SearchIndexMissing"
	// SearchUnavailable: the domain was overloaded or not to be reached for the whole retry time.
	SearchUnavailable Reason = "SearchUnavailable"
)

// Every stage.
const (
	// RawDataUnreadable: the error object has no record data, or it is not base64.
	RawDataUnreadable Reason = "RawDataUnreadable"
	// UnknownLayout: a JSON object that has no field of an error object.
	UnknownLayout Reason = "UnknownLayout"
	// Other: a code that is not known here; errorCode has it.
	Other Reason = "Other"
)

// Objects.
const (
	// MoreRecords: the object holds more failed records than get a dead letter each; the counts are by reason.
	MoreRecords Reason = "MoreRecords"
	// Unreadable: a part of the object is not JSON (torn, or a broken gzip stream). Counts has the number of such
	// parts; pointer leads from the first one's beginning to the last one's end.
	Unreadable Reason = "Unreadable"
	// ObjectMissing: the object was deleted before it could be read.
	ObjectMissing Reason = "ObjectMissing"
	// ForeignObject: Firehose writes no such key; the object was not read.
	ForeignObject Reason = "ForeignObject"
	// InvocationFailed: the error handler failed for good; the dead letter names the objects it was given.
	InvocationFailed Reason = "InvocationFailed"
)

// Reasons are all reasons that a dead letter can have, in a fixed order: those of the record, then those above.
var Reasons = func() []Reason {
	var all []Reason
	for _, r := range event.Reasons {
		all = append(all, Reason(r))
	}
	return append(all, AcceptedNow, FunctionError, FunctionTimeout, FunctionUnavailable, FunctionRefused,
		FunctionAnswer,
		ConversionData, ConversionSchema, ConversionRefused, ConversionUnavailable, SearchRejected, SearchTooLarge,
		SearchConflict, SearchRefused, SearchBlocked, SearchIndexMissing, SearchUnavailable, RawDataUnreadable,
		UnknownLayout,
		Other, MoreRecords, Unreadable, ObjectMissing, ForeignObject, InvocationFailed)
}()

// ofRecord reports whether the check found the fault in the record, at a byte of it.
func (r Reason) ofRecord() bool { return slices.Contains(event.Reasons, event.Reason(r)) }

// ReasonFor names why the record of the object failed, and, when the record itself is at fault, the byte offset in it.
func ReasonFor(s errorobject.Source, f *errorobject.Failure) (Reason, int) {
	if f.Unknown {
		return UnknownLayout, 0
	}
	switch s.StageOf(f) {
	case errorobject.Transform:
		return transformReason(s.Stream, f)
	case errorobject.Conversion:
		return conversionReason(f.ErrorCode), 0
	case errorobject.Search:
		return searchReason(f.ErrorCode, f.ErrorMessage), 0
	}
	return Other, 0
}

// transformReason reads the codes of the Developer Guide, "Monitor with CloudWatch Logs".
func transformReason(stream event.Stream, f *errorobject.Failure) (Reason, int) {
	switch code := strings.TrimPrefix(f.ErrorCode, "Lambda."); code {
	case "ProcessingFailedStatus":
		if f.RawData == nil {
			return RawDataUnreadable, 0
		}
		if err := event.Check(stream, f.RawData); err != nil {
			return Reason(err.Reason), err.Offset
		}
		return AcceptedNow, 0
	case "FunctionError", "JsonProcessingException", "JsonMappingException":
		return FunctionError, 0
	case "FunctionTimedOut", "FunctionRequestTimedOut":
		return FunctionTimeout, 0
	case "InvokeAccessDenied", "AssumeRoleAccessDenied", "ResourceNotFound":
		return FunctionRefused, 0
	case "MissingRecordId", "DuplicatedRecordId":
		return FunctionAnswer, 0
	case "InvocationFailure", "InvokeLimitExceeded", "InternalServerError", "ServiceUnavailable",
		"InvalidSubnetIDException", "InvalidSecurityGroupIDException", "SubnetIPAddressLimitReachedException",
		"ENILimitReachedException":
		return FunctionUnavailable, 0
	}
	return Other, 0
}

func conversionReason(code string) Reason {
	switch strings.TrimPrefix(code, "DataFormatConversion.") {
	case "MalformedData", "ParseError":
		return ConversionData
	case "InvalidSchema", "EntityNotFound", "InvalidInput", "InvalidVersionId", "NonExistentColumns":
		return ConversionSchema
	case "AccessDenied", "InvalidGlueRole":
		return ConversionRefused
	case "ThrottledByGlue", "SchemaValidationTimeout":
		return ConversionUnavailable
	}
	return Other
}

// searchReason reads OpenSearch's HTTP status, or Firehose's own OS. (ES. before) code.
func searchReason(code, message string) Reason {
	if status, err := strconv.Atoi(code); err == nil {
		switch {
		case strings.Contains(message, "cluster_block_exception"):
			return SearchBlocked
		case status == 401 || status == 403:
			return SearchRefused
		case status == 404:
			return SearchIndexMissing
		case status == 409:
			return SearchConflict
		case status == 413:
			return SearchTooLarge
		case status == 408 || status == 429 || status >= 500:
			return SearchUnavailable
		case status >= 400:
			return SearchRejected
		}
		return Other
	}
	_, name, ok := strings.Cut(code, ".")
	switch {
	case !ok:
		return Other
	case name == "MalformedData", name == "ResponseEntryCountMismatch", name == "ValidationException":
		return SearchRejected
	case strings.Contains(name, "AccessDenied"):
		return SearchRefused
	case strings.Contains(name, "Timeout"), strings.Contains(name, "Connection"), name == "ServiceException":
		return SearchUnavailable
	}
	return Other
}
