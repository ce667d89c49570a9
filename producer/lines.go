package producer

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
)

// Position is a place between two lines of an input: how many lines and bytes are before it, and the SHA-256 of those
// bytes, by which the input is known again.
type Position struct {
	Line   int64  `json:"line"`
	Offset int64  `json:"offset"`
	SHA256 string `json:"sha256,omitempty"`
}

// chunk is a run of lines that is put as a whole.
type chunk struct {
	number  int // from 0
	lines   []line
	bytes   []byte
	end     Position
	read    int64 // bytes of input, line ends included
	pending int   // lanes that have not confirmed it; guarded by the sending's mutex
	tally
}

// line is one line without its end.
type line struct {
	number int64 // from 1
	offset int64 // of its first byte in the input
	text   []byte
	send   bool
	alone  bool // must not share a record
}

// tally counts lines of a chunk.
type tally struct{ lines, blank, invalid, rejected int64 }

// lineReader cuts an input into chunks.
type lineReader struct {
	in     *bufio.Reader
	hash   hash.Hash // nil when positions are not kept
	line   int64
	offset int64
	most   int // lines of a chunk
	chunks int
	broken bool // the hash has a part of a line that could not be read to its end
	// long gets each line that is longer than a record, while it is read: it may be of any length.
	long func(number int64) (io.WriteCloser, error)
}

func newLineReader(input io.Reader, hashed bool) *lineReader {
	r := &lineReader{in: bufio.NewReaderSize(input, 256<<10), most: MaxBatchRecords}
	if hashed {
		r.hash = sha256.New()
	}
	return r
}

// skipTo reads on to a position of an earlier run, and fails when the input before it has changed.
func (r *lineReader) skipTo(to Position) error {
	if to.Offset == 0 {
		return nil
	}
	var last lastByte
	n, err := io.CopyN(io.MultiWriter(r.hash, &last), r.in, to.Offset)
	if errors.Is(err, io.EOF) {
		return fmt.Errorf("the state belongs to another input: %d bytes are done, and this one has only %d", to.Offset,
			n)
	}
	if err != nil {
		return fmt.Errorf("reading the events: %w", err)
	}
	if got := r.hashSum(); got != to.SHA256 {
		return fmt.Errorf("the state belongs to another input: the first %d bytes differ", to.Offset)
	}
	if last != '\n' {
		if _, err := r.in.Peek(1); err == nil {
			return fmt.Errorf("the input has grown within line %d, which had no line end when it was sent", to.Line)
		}
	}
	r.line, r.offset = to.Line, to.Offset
	return nil
}

type lastByte byte

func (l *lastByte) Write(p []byte) (int, error) {
	if len(p) > 0 {
		*l = lastByte(p[len(p)-1])
	}
	return len(p), nil
}

func (r *lineReader) hashSum() string {
	if r.hash == nil {
		return ""
	}
	return hex.EncodeToString(r.hash.Sum(nil))
}

// nextChunk returns the next chunk: as many lines as there are at once, up to the limits of a batch. At the end of the
// input it returns io.EOF, with the last lines or without.
func (r *lineReader) nextChunk() (*chunk, error) {
	c := &chunk{number: r.chunks}
	r.chunks++
	start := r.offset
	var starts []int // of each line in bytes, which moves as it grows
	var err error
	for len(c.lines) < r.most && len(c.bytes) <= MaxBatchBytes-MaxRecordBytes {
		from, number, offset := len(c.bytes), r.line+1, r.offset
		var length int64
		c.bytes, length, err = r.readLine(c.bytes, number)
		if length == 0 { // the end, or an error: a part of a line does not count
			break
		}
		r.line, r.offset = number, r.offset+length
		l := line{number: number, offset: offset, send: true}
		if len(c.bytes)-from > MaxRecordBytes {
			c.bytes = c.bytes[:from]
			l.send = false
			c.rejected++
		}
		c.lines = append(c.lines, l)
		starts = append(starts, from)
		if err != nil {
			break
		}
		if rest, _ := r.in.Peek(r.in.Buffered()); bytes.IndexByte(rest, '\n') < 0 {
			break // the next line may take its time
		}
	}
	for i := range c.lines {
		end := len(c.bytes)
		if i+1 < len(starts) {
			end = starts[i+1]
		}
		c.lines[i].text = c.bytes[starts[i]:end:end]
	}
	if r.broken { // these lines have no position after them: they are not sent
		return nil, err
	}
	c.tally.lines = int64(len(c.lines))
	c.read = r.offset - start
	c.end = Position{r.line, r.offset, r.hashSum()}
	return c, err
}

// readLine appends a line without its end. It returns the length of the line with its end, 0 at the end of the input or
// when reading failed within it. Of one that is too long for a record it appends a byte more than a record may have,
// and hands the whole to long.
func (r *lineReader) readLine(dst []byte, number int64) (_ []byte, length int64, err error) {
	start := len(dst)
	var long io.WriteCloser
	sum := sha256Of{r.hash}
	for {
		var part []byte
		part, err = r.in.ReadSlice('\n')
		length += int64(len(part))
		if long == nil {
			dst = append(dst, part...)
		} else if err := sum.passOn(long, part); err != nil {
			return dst[:start], 0, errors.Join(err, long.Close())
		}
		if !errors.Is(err, bufio.ErrBufferFull) {
			break
		}
		if long == nil && len(dst)-start > MaxRecordBytes+len("\r\n") {
			if long, err = r.openLong(dst[start:], number); err != nil {
				return dst[:start], 0, err
			}
			sum.writeHash(dst[start:])
		}
	}
	if err != nil && err != io.EOF {
		if long != nil {
			r.broken = r.hash != nil
			err = errors.Join(err, long.Close())
		}
		return dst[:start], 0, err
	}
	if long != nil {
		if failed := long.Close(); failed != nil {
			return dst[:start], 0, failed
		}
		return dst[:start+MaxRecordBytes+1], length, err
	}
	sum.writeHash(dst[start:])
	if text := dst[start:]; bytes.HasSuffix(text, []byte("\n")) {
		text = bytes.TrimSuffix(text[:len(text)-1], []byte("\r"))
		dst = dst[:start+len(text)]
	}
	if len(dst)-start > MaxRecordBytes {
		long, failed := r.openLong(dst[start:], number)
		if failed == nil {
			failed = long.Close()
		}
		if failed != nil {
			return dst[:start], 0, failed
		}
	}
	return dst, length, err
}

// sha256Of adds to a hash that may not be wanted.
type sha256Of struct{ hash hash.Hash }

func (s sha256Of) writeHash(p []byte) {
	if s.hash != nil {
		s.hash.Write(p) // never fails
	}
}

func (s sha256Of) passOn(to io.Writer, p []byte) error {
	s.writeHash(p)
	_, err := to.Write(p)
	return err
}

func (r *lineReader) openLong(begin []byte, number int64) (io.WriteCloser, error) {
	long, err := r.long(number)
	if err != nil {
		return nil, err
	}
	if _, err := long.Write(begin); err != nil {
		return nil, errors.Join(err, long.Close())
	}
	return long, nil
}
