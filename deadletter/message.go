package deadletter

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"firehose-pipeline/errorobject"
	"firehose-pipeline/event"
	"firehose-pipeline/internal/eventid"
)

// Kind is the subject of a message.
type Kind string

// The kinds of message in the queue.
const (
	// Record is one failed record.
	Record Kind = "record"
	// Object is (a part of) an error object that is not itemised: too many records, unreadable, missing or foreign.
	Object Kind = "object"
	// Invocation is the record that Lambda writes itself when the error handler failed for good (see [Parse]).
	Invocation Kind = "invocation"
)

// Version is the version of the message format that this package writes; [Parse] rejects a higher one.
const Version = 1

// MaxMessageBytes is SQS's limit for one message, and for one batch of messages, attributes included (SQS quotas).
const MaxMessageBytes = 1 << 20

// MaxErrorMessageBytes bounds the error message that a dead letter quotes; the whole text stays in the error object.
const MaxErrorMessageBytes = 4 << 10

// Message is one dead letter, in the form that the queue has as JSON.
type Message struct {
	Version int  `json:"version"`
	Kind    Kind `json:"kind"`
	// ID is the same each time the same part of the same object is read: SQS and Lambda deliver at least once, so that
	// readers recognise a repeated dead letter by it. 32 characters; an invocation's is Lambda's request id.
	ID     string            `json:"id"`
	Stream event.Stream      `json:"stream"`
	Stage  errorobject.Stage `json:"stage"`
	Reason Reason            `json:"reason"`
	// ReasonOffset is the byte in the record at which the check found the fault, from 0; absent when the record is not
	// at fault. Dead letters of earlier versions leave out 0 too: [Parse] adds it again.
	ReasonOffset *int `json:"reasonOffset,omitempty"`
	// ErrorCode and ErrorMessage are Firehose's own, the message cut at [MaxErrorMessageBytes].
	ErrorCode    string `json:"errorCode,omitempty"`
	ErrorMessage string `json:"errorMessage,omitempty"`
	// Attempts is how often Firehose (of an invocation: Lambda) tried.
	Attempts int `json:"attempts,omitempty"`
	// ArrivalTime is when Firehose accepted the record, FailedTime when it gave up: RFC 3339 UTC with milliseconds.
	ArrivalTime string `json:"arrivalTime,omitempty"`
	FailedTime  string `json:"failedTime,omitempty"`
	// Index and DocumentID say where a search document was to go.
	Index      string `json:"index,omitempty"`
	DocumentID string `json:"documentId,omitempty"`
	// EventID is the event_id of the record's first event, when that much of it can be read within the first 64 KiB and
	// it is text of at most 256 bytes.
	EventID string `json:"eventId,omitempty"`
	// Pointer leads to the document in the error object; every record and object has one.
	Pointer *Pointer `json:"pointer,omitempty"`
	// Counts are, for an object, the failed records that have no dead letter of their own, by reason.
	Counts map[Reason]int64 `json:"counts,omitempty"`
	// RawData is the record as the error object has it, base64 in JSON. It is left out, and Truncated set, when the
	// message would pass [MaxMessageBytes]; Pointer then leads to it.
	RawData   []byte `json:"rawData,omitempty"`
	Truncated bool   `json:"truncated,omitempty"`
	// Objects are, for an invocation, the error objects that it was given; only [Parse] sets it.
	Objects []Pointer `json:"objects,omitempty"`
}

// Pointer is a range of an object in S3.
type Pointer struct {
	Bucket    string `json:"bucket"`
	Key       string `json:"key"` // decoded
	VersionID string `json:"versionId,omitempty"`
	// Encoding is "gzip" when the object is compressed: Offset and Length then count bytes of the unzipped content.
	Encoding string `json:"encoding,omitempty"`
	// Offset and Length are in bytes; a Length of 0 means up to the end of the object.
	Offset int64 `json:"offset"`
	Length int64 `json:"length,omitempty"`
}

// ForRecord returns the dead letter of one failed record of the object. id leads to the event's id.
func ForRecord(s errorobject.Source, f *errorobject.Failure, id eventid.Path) Message {
	reason, at := ReasonFor(s, f)
	var offset *int
	if reason.ofRecord() {
		offset = &at
	}
	return Message{
		Version:      Version,
		Kind:         Record,
		ID:           messageID(s, Record, "", f.Offset),
		Stream:       s.Stream,
		Stage:        s.StageOf(f),
		Reason:       reason,
		ReasonOffset: offset,
		ErrorCode:    shortenText(f.ErrorCode, 256),
		ErrorMessage: shortenText(f.ErrorMessage, MaxErrorMessageBytes),
		Attempts:     f.Attempts,
		ArrivalTime:  formatTime(f.ArrivalTime),
		FailedTime:   formatTime(f.FailedTime),
		Index:        shortenText(f.Index, 512),
		DocumentID:   shortenText(f.DocumentID, 512),
		EventID:      eventid.Find(f.RawData, id),
		Pointer:      pointerTo(s, f.Offset, f.Length, f.Gzip),
		RawData:      f.RawData,
		Truncated:    f.RawDataTooLong,
	}
}

// ForPart returns the dead letter of a part of the object that is not itemised: length bytes from offset, 0 for all the
// rest. The counts are failed records by reason, nil when they are not known.
func ForPart(s errorobject.Source, reason Reason, offset, length int64, gzip bool, counts map[Reason]int64) Message {
	return Message{
		Version: Version,
		Kind:    Object,
		ID:      messageID(s, Object, reason, offset),
		Stream:  s.Stream,
		Stage:   s.Stage,
		Reason:  reason,
		Pointer: pointerTo(s, offset, length, gzip),
		Counts:  counts,
	}
}

func pointerTo(s errorobject.Source, offset, length int64, gzip bool) *Pointer {
	p := &Pointer{Bucket: s.Bucket, Key: s.Key, VersionID: s.VersionID, Offset: offset, Length: length}
	if gzip {
		p.Encoding = "gzip"
	}
	return p
}

// messageID returns 128 bits of SHA-256 in hexadecimal: the same part of the same object always gives the same id, and
// each field is written with its length so that no two places are spelled alike.
func messageID(s errorobject.Source, kind Kind, reason Reason, offset int64) string {
	h := sha256.New()
	for _, field := range []string{string(kind), string(reason), s.Bucket, s.Key, s.VersionID} {
		h.Write(binary.BigEndian.AppendUint64(nil, uint64(len(field))))
		h.Write([]byte(field))
	}
	h.Write(binary.BigEndian.AppendUint64(nil, uint64(offset)))
	return hex.EncodeToString(h.Sum(nil)[:16])
}

// Attribute is a message attribute of type String.
type Attribute struct {
	Name, Value string
}

// AttributeType is the SQS data type of every [Attribute].
const AttributeType = "String"

// Attributes let a consumer filter without reading the body.
func (m *Message) Attributes() []Attribute {
	return []Attribute{
		{"kind", string(m.Kind)},
		{"stream", string(m.Stream)},
		{"stage", string(m.Stage)},
		{"reason", string(m.Reason)},
	}
}

// Encode returns the body of the message. When body and attributes together would pass [MaxMessageBytes] it sets
// Truncated and leaves the raw data out, which always fits.
func (m *Message) Encode() (string, error) {
	if base64.StdEncoding.EncodedLen(len(m.RawData)) >= MaxMessageBytes {
		m.Truncate()
	}
	body, err := m.encodeJSON()
	if err == nil && m.RawData != nil && MessageSize(body, m.Attributes()) > MaxMessageBytes {
		m.Truncate()
		body, err = m.encodeJSON()
	}
	return body, err
}

// Truncate takes the raw data out of the message.
func (m *Message) Truncate() {
	m.RawData, m.Truncated = nil, true
}

// illegal are the two characters that JSON may carry as they are and SQS rejects (XML 1.0 Char): SQS's other forbidden
// characters are control characters and surrogates, which the encoder escapes or replaces anyway.
var illegal = strings.NewReplacer("\ufffe", `\ufffe`, "\uffff", `\uffff`)

func (m *Message) encodeJSON() (string, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(m); err != nil {
		return "", fmt.Errorf("encoding dead letter %s: %w", m.ID, err)
	}
	return illegal.Replace(strings.TrimSuffix(b.String(), "\n")), nil
}

// MessageSize is what SQS counts against its limits: the body, and name, type and value of each attribute, in bytes.
func MessageSize(body string, attributes []Attribute) int {
	n := len(body)
	for _, a := range attributes {
		n += len(a.Name) + len(AttributeType) + len(a.Value)
	}
	return n
}

// shortenText shortens a text to at most limit bytes without splitting a character.
func shortenText(s string, limit int) string {
	if len(s) <= limit {
		return s
	}
	for limit > 0 && !utf8.RuneStart(s[limit]) {
		limit--
	}
	return s[:limit]
}

func formatTime(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format("2006-01-02T15:04:05.000Z07:00")
}
