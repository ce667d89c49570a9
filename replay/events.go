package replay

import (
	"bytes"
	"io"
)

// EventReader reads the events of records that are one behind the other, as objects under source-data/ have them, in
// bounded memory.
type EventReader struct{ pieces *pieceReader }

// NewEventReader reads from in, which is not compressed.
func NewEventReader(in io.Reader) *EventReader { return &EventReader{newPieceReader(in)} }

// Next returns the next event and the offset of its first byte; io.EOF at the end. Bytes outside any event come too, as
// they are. The data is valid until the call after.
func (r *EventReader) Next() (data []byte, offset int64, err error) {
	p, err := r.pieces.nextPiece()
	return p.data, p.offset, err
}

// Line returns the line, from 1, on which data at this offset, which [EventReader.Next] returned last, begins.
func (r *EventReader) Line(offset int64) int64 {
	s := r.pieces
	return s.lines + int64(bytes.Count(s.buffer[:offset-s.offset], []byte("\n"))) + 1
}

// SplitEvents returns the events of one record. Bytes outside any event come too, as they are.
func SplitEvents(record []byte) [][]byte {
	var events [][]byte
	for _, p := range splitRecord(record) {
		events = append(events, p.data)
	}
	return events
}
