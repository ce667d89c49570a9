package trace

import (
	"bytes"
	"errors"
	"slices"
	"strconv"
	"strings"

	"firehose-pipeline/internal/eventid"
	"firehose-pipeline/internal/jsonpointer"
	"firehose-pipeline/replay"
	"firehose-pipeline/schema"
)

// ID is the id of the sought event, and where the schema has it.
type ID struct {
	Text string
	// Keys lead to the id in an event as sent; Columns to it in the lake's table.
	Keys    eventid.Path
	Columns []string
	// Integer: the declared type is an integer, not a string.
	Integer bool
	// Hashed: the stores have a hash of the id.
	Hashed bool
	// TypeKeys lead to the event's type, nil for none. ProcessedAt is the key and column of the time of processing.
	TypeKeys    eventid.Path
	ProcessedAt string
}

// MaxIDBytes is the longest id that is accepted: OpenSearch indexes no longer keyword.
// https://docs.opensearch.org/latest/field-types/supported-field-types/keyword/
const MaxIDBytes = 32_766

// NewID reads from the schema where the id of an event is.
func NewID(s *schema.Schema, text string) (ID, error) {
	if s.EventID == nil {
		return ID{}, errors.New("the event schema declares no event id (x-event-id): events cannot be told apart")
	}
	id := ID{Text: text, Keys: eventid.ParsePath(s.EventID.Pointer), Integer: s.EventID.Declared.Kind == schema.BigInt}
	for f, fields := (*schema.Field)(nil), s.Fields; f != s.EventID; fields = f.Declared.Fields {
		at := slices.IndexFunc(fields, func(f *schema.Field) bool {
			return f == s.EventID || strings.HasPrefix(s.EventID.Pointer, f.Pointer+"/")
		})
		f = fields[at]
		id.Columns = append(id.Columns, f.Column)
		id.Hashed = id.Hashed || f.Protect != schema.Unprotected
	}
	if s.EventType != nil {
		id.TypeKeys = eventid.ParsePath(s.EventType.Pointer)
	}
	for _, e := range s.Enrich {
		if e.ProcessedAt {
			id.ProcessedAt = e.Name
		}
	}
	return id, nil
}

// Field is the id's place in an event: a key, or a JSON Pointer.
func (id *ID) Field() string {
	if len(id.Keys) == 1 {
		return id.Keys[0]
	}
	pointer := ""
	for _, key := range id.Keys {
		pointer += "/" + jsonpointer.Escape(key)
	}
	return pointer
}

// isStorable reports whether the stores can have the id: an integer column has integers alone.
func (id *ID) isStorable() bool {
	if !id.Integer {
		return true
	}
	_, err := strconv.ParseInt(id.Text, 10, 64)
	return err == nil
}

// matches reports whether an event as sent has the id. An event that breaks off after its id has it.
func (id *ID) matches(sent []byte) bool {
	// Without escapes the id is in the event byte for byte.
	if !bytes.Contains(sent, []byte(id.Text)) && bytes.IndexByte(sent, '\\') < 0 {
		return false
	}
	return eventid.FindAnywhere(sent, id.Keys) == id.Text
}

// findIn returns the event with the id in a record, which may have several; nil when none has it.
func (id *ID) findIn(record []byte) []byte {
	if !bytes.Contains(record, []byte(id.Text)) && bytes.IndexByte(record, '\\') < 0 {
		return nil
	}
	for _, sent := range replay.SplitEvents(record) {
		if id.matches(sent) {
			return sent
		}
	}
	return nil
}

// typeOf returns the type of an event as sent, or "".
func (id *ID) typeOf(sent []byte) string { return eventid.FindAnywhere(sent, id.TypeKeys) }
