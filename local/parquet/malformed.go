package parquet

import (
	"fmt"
	"strconv"
)

// The codes that Firehose gives a record that it cannot convert.
const (
	// MalformedData is a record that is empty, is not a JSON object, or does not fit the table.
	MalformedData = "DataFormatConversion.MalformedData"
	// ParseError is a record that is not JSON.
	ParseError = "DataFormatConversion.ParseError"
)

// MalformedError says why one record cannot be converted. The records before and after it are not affected: Firehose
// converts the rest of a batch.
type MalformedError struct {
	Code    string // MalformedData or ParseError: lastErrorCode of Firehose's error object
	Message string // lastErrorMessage, beginning as Firehose's own do
}

func (e *MalformedError) Error() string { return e.Code + ": " + e.Message }

func typeMismatch(column *column, format string, args ...any) *MalformedError {
	return &MalformedError{MalformedData,
		fmt.Sprintf("Data does not match the schema. "+format, args...) + fmt.Sprintf(" (column %s)", column.name)}
}

// parseFailure imitates the message seen in real error objects, which is Java's.
func parseFailure(column *column, text []byte) *MalformedError {
	const longest = 100
	if len(text) > longest {
		text = text[:longest]
	}
	return typeMismatch(column, "For input string: %s", strconv.Quote(string(text)))
}
