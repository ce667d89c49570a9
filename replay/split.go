package replay

import (
	"bytes"
	"io"
	"sync"

	"firehose-pipeline/event"
	"firehose-pipeline/internal/jsonscan"
	"firehose-pipeline/producer"
)

// piece is a part of a record that goes back as a record of its own.
type piece struct {
	data    []byte
	offset  int64        // in the split bytes
	refused event.Reason // why the transform rejects it; empty for one good object
}

// splitRecord cuts a record into its objects. Bytes outside any object become pieces, too: replayed alone, they fail
// alone, and nothing of the record is lost. White space around the pieces goes.
func splitRecord(record []byte) []piece {
	var pieces []piece
	s := splitters.Get().(*jsonscan.Scanner)
	defer splitters.Put(s)
	for at := jsonscan.SkipSpace(record, 0); at < len(record); {
		end, refused := cutPiece(s, record, at, true)
		data := record[at:end]
		if refused != "" {
			data = bytes.TrimRight(data, " \t\r\n")
		}
		pieces = append(pieces, piece{data, int64(at), refused})
		at = jsonscan.SkipSpace(record, end)
	}
	if len(pieces) == 0 {
		pieces = []piece{{record, 0, event.EmptyRecord}}
	}
	return pieces
}

var splitters = sync.Pool{New: func() any { return jsonscan.NewScanner(jsonscan.NewNames()) }}

// cutPiece finds the end of the piece that begins at data[at], which is not white space. Whole says that data is the
// whole record.
//
// It splits only where it is certain that a new object begins: at a newline before a brace, or at a brace that cannot
// belong to the broken object, and only when a good object begins there, followed by the end or another object. A wrong
// guess would invent an event; when in doubt, the rest stays with the broken object.
func cutPiece(s *jsonscan.Scanner, data []byte, at int, whole bool) (end int, refused event.Reason) {
	end, problem := s.Object(data, at)
	if problem == jsonscan.None {
		return end, ""
	}
	why := event.InvalidJSON
	if check := event.Check(event.Search, data[at:]); whole && check != nil {
		why = check.Reason
	}
	if open := bytes.LastIndexByte(data[at+1:max(at+1, min(end+1, len(data)))], '{'); open >= 0 {
		// Beyond the break: otherwise it is an object inside the broken one.
		if next, ok := beginsObject(s, data, at+1+open); ok && next > end {
			return min(at+1+open, nextObject(s, data, at)), why
		}
	}
	return nextObject(s, data, at), why
}

// nextObject finds the next newline before a good object, or the end of the data. One that follows a comma or a bracket
// may be an element of the broken object.
func nextObject(s *jsonscan.Scanner, data []byte, at int) int {
	for {
		newline := bytes.Index(data[at:], []byte("\n{"))
		if newline < 0 {
			return len(data)
		}
		before := bytes.TrimRight(data[at:at+newline], " \t\r\n")
		at += newline + 1
		if bytes.HasSuffix(before, []byte(",")) || bytes.HasSuffix(before, []byte("[")) {
			continue
		}
		if _, ok := beginsObject(s, data, at); ok {
			return at
		}
	}
}

// beginsObject reports whether a good object begins at data[at], followed by the end or another object.
func beginsObject(s *jsonscan.Scanner, data []byte, at int) (end int, ok bool) {
	end, problem := s.Object(data, at)
	if problem != jsonscan.None {
		return end, false
	}
	next := jsonscan.SkipSpace(data, end)
	return end, next == len(data) || data[next] == '{'
}

// pieceReader cuts a reader's content into pieces, in bounded memory.
type pieceReader struct {
	in       io.Reader
	buffer   []byte
	at       int   // in buffer
	offset   int64 // of buffer[0] in the content
	lines    int64 // newlines before buffer[0]
	eof      bool
	inBroken bool // in the midst of bytes outside any object
	scan     *jsonscan.Scanner
}

// window is how much is read at a time: several of the longest records, of which one always fits into the rest of the
// buffer.
const window = 4 * producer.MaxRecordBytes

func newPieceReader(in io.Reader) *pieceReader {
	return &pieceReader{in: in, buffer: make([]byte, 0, window), scan: jsonscan.NewScanner(jsonscan.NewNames())}
}

// nextPiece returns the next piece, which is valid until the call after; io.EOF at the end. Of a rejected one it may be
// only a part.
func (s *pieceReader) nextPiece() (piece, error) {
	for {
		if len(s.buffer)-s.at <= producer.MaxRecordBytes && !s.eof {
			if err := s.fillBuffer(); err != nil {
				return piece{}, err
			}
		}
		s.at = jsonscan.SkipSpace(s.buffer, s.at)
		if s.at < len(s.buffer) {
			break
		}
		if s.eof {
			return piece{}, io.EOF
		}
	}
	begin := s.at
	var refused event.Reason
	if s.inBroken {
		s.at, refused = nextObject(s.scan, s.buffer, s.at), event.InvalidJSON
	} else {
		s.at, refused = cutPiece(s.scan, s.buffer, s.at, s.eof)
	}
	s.inBroken = refused != "" && s.at == len(s.buffer) && !s.eof
	data := s.buffer[begin:s.at]
	if refused != "" {
		data = bytes.TrimRight(data, " \t\r\n")
	}
	return piece{data, s.offset + int64(begin), refused}, nil
}

func (s *pieceReader) fillBuffer() error {
	s.lines += int64(bytes.Count(s.buffer[:s.at], []byte("\n")))
	left := copy(s.buffer[:cap(s.buffer)], s.buffer[s.at:])
	s.offset += int64(s.at)
	s.at = 0
	n, err := io.ReadFull(s.in, s.buffer[left:cap(s.buffer)])
	s.buffer = s.buffer[:left+n]
	if err == io.EOF || err == io.ErrUnexpectedEOF {
		s.eof, err = true, nil
	}
	return err
}
