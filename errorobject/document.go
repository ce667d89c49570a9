package errorobject

import (
	"bytes"
	"encoding/json"
	"fmt"
)

// Document is one document of an error object: a [ProcessingFailed], [ConversionFailed] or [SearchFailed].
type Document interface {
	document()
}

// ProcessingFailed is a document of a processing-failed object, its fields in the order that real objects have
// (published probe, September 2026; the Developer Guide lists the same fields and writes lambdaArn).
type ProcessingFailed struct {
	RawData                []byte `json:"rawData"`
	ErrorCode              string `json:"errorCode"`
	ErrorMessage           string `json:"errorMessage"`
	AttemptsMade           int    `json:"attemptsMade"`
	ArrivalTimestamp       int64  `json:"arrivalTimestamp"`       // milliseconds since 1970
	AttemptEndingTimestamp int64  `json:"attemptEndingTimestamp"` // milliseconds since 1970
	LambdaARN              string `json:"lambdaARN,omitempty"`
}

// ConversionFailed is a document of a format-conversion-failed object (Developer Guide, record format conversion; real
// objects keep the names lastErrorCode and lastErrorMessage).
type ConversionFailed struct {
	AttemptsMade           int              `json:"attemptsMade"`
	ArrivalTimestamp       int64            `json:"arrivalTimestamp"` // milliseconds since 1970
	LastErrorCode          string           `json:"lastErrorCode"`
	LastErrorMessage       string           `json:"lastErrorMessage"`
	AttemptEndingTimestamp int64            `json:"attemptEndingTimestamp"` // milliseconds since 1970
	RawData                []byte           `json:"rawData"`
	SequenceNumber         string           `json:"sequenceNumber"`
	SubSequenceNumber      int64            `json:"subSequenceNumber"`
	DataCatalogTable       DataCatalogTable `json:"dataCatalogTable"`
}

// DataCatalogTable is the Glue table that a record was converted by.
type DataCatalogTable struct {
	CatalogID    string `json:"catalogId"`
	DatabaseName string `json:"databaseName"`
	TableName    string `json:"tableName"`
	Region       string `json:"region"`
	VersionID    string `json:"versionId"`
	CatalogARN   string `json:"catalogArn"`
}

// SearchFailed is a document that OpenSearch did not accept (Developer Guide, basic delivery). The guide prints every
// value in quotes; this writes the numbers as numbers, like the other layouts, and the reader takes both.
type SearchFailed struct {
	AttemptsMade           int    `json:"attemptsMade"`
	ArrivalTimestamp       int64  `json:"arrivalTimestamp"` // milliseconds since 1970
	ErrorCode              string `json:"errorCode"`        // OpenSearch's HTTP status
	ErrorMessage           string `json:"errorMessage"`
	AttemptEndingTimestamp int64  `json:"attemptEndingTimestamp"` // milliseconds since 1970
	ESDocumentID           string `json:"esDocumentId"`
	ESIndexName            string `json:"esIndexName"`
	ESTypeName             string `json:"esTypeName"`
	RawData                []byte `json:"rawData"`
}

func (ProcessingFailed) document() {}
func (ConversionFailed) document() {}
func (SearchFailed) document()     {}

// AppendDocument appends the document as one line, as Firehose writes error objects.
func AppendDocument(dst []byte, r Document) ([]byte, error) {
	b := bytes.NewBuffer(dst)
	e := json.NewEncoder(b)
	e.SetEscapeHTML(false)
	if err := e.Encode(r); err != nil {
		return dst, fmt.Errorf("encoding error record: %w", err)
	}
	return b.Bytes(), nil
}
