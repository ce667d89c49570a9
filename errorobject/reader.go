package errorobject

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"iter"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/emmansun/base64"

	"firehose-pipeline/event"
)

// MaxRawData bounds the base64 text of a record that a [Reader] keeps, in bytes: Lambda's answer is at most 6 MB, so
// that no document that Firehose writes is longer.
const MaxRawData = 6 << 20

// Bounds of the other texts that a [Reader] keeps; longer ones are cut.
const (
	maxKey    = 64
	maxScalar = 64 // a number, true, false or null
	maxText   = 64 << 10
)

// maxDepth is how deep a document may be nested, the same as for encoding/json: Firehose nests twice.
const maxDepth = 10000

// Failure is one document of an error object. It and its RawData are valid until the next call of [Reader.Next].
type Failure struct {
	// Offset and Length are the document's bytes in the (unzipped) object.
	Offset, Length int64
	Gzip           bool
	// Stage is derived from the document's own fields.
	Stage                   Stage
	ErrorCode, ErrorMessage string
	Attempts                int
	ArrivalTime, FailedTime time.Time // zero when missing or no time
	Index, DocumentID       string
	// RawData is the record; nil when it is missing, not base64, or longer than [MaxRawData] (then RawDataTooLong).
	RawData        []byte
	RawDataTooLong bool
	// Unknown: the document has no field of an error object.
	Unknown bool
}

// UnreadableError is a part of an error object that is not JSON: a document that breaks off, or something else
// altogether. The reader goes on after it, at the next line that begins with a brace or the next document behind a
// closing brace.
type UnreadableError struct {
	// Offset and Length are the part's bytes in the (unzipped) object. The Length is 0 when everything from Offset on
	// is lost: in a broken gzip stream nothing more can be read, however much there is.
	Offset, Length int64
	Err            error
}

func (e *UnreadableError) Error() string {
	return fmt.Sprintf("reading error object: %d unreadable bytes at offset %d: %v", e.Length, e.Offset, e.Err)
}

func (e *UnreadableError) Unwrap() error { return e.Err }

// Reader reads an error object as a stream, in memory bounded by [MaxRawData] whatever the object's size. It accepts
// plain and gzip content (recognised by the first two bytes, never by the name), documents one a line or one after the
// other, the three layouts of Firehose, field names in any case, numbers as numbers or as text, and fields it does not
// know.
//
// Firehose writes no newline inside a document; a newline in a string, or one inside a document with a brace right
// after it, therefore marks a document that broke off.
type Reader struct {
	source  source
	in      *bufio.Reader
	offset  int64 // of the next byte of in
	last    byte  // the last byte before offset that is not a blank
	before  byte  // and the one before that, after read
	gzip    bool
	started bool
	done    bool
	broken  bool // the gzip stream
	failure Failure
	fields  [numFields]field
	key     []byte
	keys    []knownKey      // those of the latest document, in their order: the next one has most likely the same
	open    []byte          // the braces around what nested reads
	piece   [pieceSize]byte // of a record, decoded
}

// The fields that are kept.
const (
	fAttempts = iota
	fArrival
	fCode
	fMessage
	fEnding
	fRaw
	fLambda
	fDocument
	fIndex
	fType
	fCatalog
	numFields
)

// fieldNames are the fields in lower case, with the other names that they have had.
var fieldNames = map[string]int{
	"attemptsmade":           fAttempts,
	"arrivaltimestamp":       fArrival,
	"errorcode":              fCode,
	"lasterrorcode":          fCode,
	"errormessage":           fMessage,
	"lasterrormessage":       fMessage,
	"attemptendingtimestamp": fEnding,
	"rawdata":                fRaw,
	"lambdaarn":              fLambda,
	"esdocumentid":           fDocument,
	"osdocumentid":           fDocument,
	"esindexname":            fIndex,
	"osindexname":            fIndex,
	"estypename":             fType,
	"datacatalogtable":       fCatalog,
}

// knownKey is a key as it was written, and its field; -1 when it is not kept.
type knownKey struct {
	text  string
	field int
}

// fieldOf returns the field of a key, which is the n-th of its document; -1 when it is not kept.
func (r *Reader) fieldOf(n int, key []byte) int {
	if n < len(r.keys) && r.keys[n].text == string(key) {
		return r.keys[n].field
	}
	known := knownKey{string(key), -1}
	lowerASCII(key)
	if i, ok := fieldNames[string(key)]; ok {
		known.field = i
	}
	if n < maxKeys {
		r.keys = append(r.keys[:min(n, len(r.keys))], known)
	}
	return known.field
}

// maxKeys is how many keys of a document are remembered.
const maxKeys = 32

// field is the text of a value, quotes and escapes gone.
type field struct {
	text    []byte
	present bool
	cut     bool
	quoted  bool
}

// source remembers why the object itself could not be read, to distinguish that from broken content.
type source struct {
	r   io.Reader
	err error
}

func (s *source) Read(p []byte) (int, error) {
	n, err := s.r.Read(p)
	if err != nil && err != io.EOF {
		s.err = err
	}
	return n, err
}

// NewReader returns a reader of one error object.
func NewReader(r io.Reader) *Reader {
	return &Reader{source: source{r: r}}
}

// Gzip reports whether the object is compressed, once [Reader.Next] has been called.
func (r *Reader) Gzip() bool { return r.gzip }

// Next returns the next document. It returns [io.EOF] at the end, an [*UnreadableError] for a part that it had to leave
// out (call it again to go on), and any other error when the object could not be read.
func (r *Reader) Next() (*Failure, error) {
	if !r.started {
		r.started = true
		if err := r.openContent(); err != nil {
			return nil, r.skipBroken(0, err)
		}
	}
	if r.done {
		return nil, io.EOF
	}
	var c byte
	for {
		var err error
		if c, err = r.readByte(); err == io.EOF {
			r.done = true
			return nil, io.EOF
		} else if err != nil {
			return nil, r.skipBroken(r.offset, err)
		}
		if !isSpace(c) {
			break
		}
	}
	begin := r.offset - 1
	if c != '{' {
		return nil, r.skipBroken(begin, unexpected(c))
	}
	r.clearFields()
	if !r.readPlain() {
		if err := r.readDocument(); err != nil {
			return nil, r.skipBroken(begin, err)
		}
	}
	r.setFailure(begin)
	return &r.failure, nil
}

// Readable yields the documents that are left, without the parts that cannot be read: their dead letter says so. The
// error of an object that could not be read comes last, without a document.
func (r *Reader) Readable() iter.Seq2[*Failure, error] {
	return func(yield func(*Failure, error) bool) {
		for {
			failure, err := r.Next()
			if errors.As(err, new(*UnreadableError)) {
				continue
			}
			if err == io.EOF || !yield(failure, err) || err != nil {
				return
			}
		}
	}
}

func (r *Reader) openContent() error {
	plain := bufio.NewReaderSize(&r.source, 64<<10)
	r.in = plain
	magic, err := plain.Peek(2)
	if r.gzip = event.IsGzip(magic); !r.gzip {
		if err == io.EOF {
			err = nil // shorter than two bytes: plain
		}
		return err
	}
	unzip, err := gzip.NewReader(plain)
	if err != nil {
		return brokenGzip{err}
	}
	r.in = bufio.NewReaderSize(gzipReader{unzip}, 64<<10)
	return nil
}

// brokenGzip is compressed content that ends early or is damaged: nothing after it can be read.
type brokenGzip struct{ error }

type gzipReader struct{ *gzip.Reader }

func (z gzipReader) Read(p []byte) (int, error) {
	n, err := z.Reader.Read(p)
	if err != nil && err != io.EOF {
		err = brokenGzip{fmt.Errorf("gzip: %w", err)}
	}
	return n, err
}

// skipBroken moves to the next place where reading can continue, and returns the error of Next for the document at
// begin.
func (r *Reader) skipBroken(begin int64, cause error) error {
	if err := r.findDocument(cause); err != nil {
		r.done = true
		if r.source.err != nil {
			return fmt.Errorf("reading error object at offset %d: %w", r.offset, r.source.err)
		}
	}
	if cause == io.EOF {
		cause = io.ErrUnexpectedEOF
	}
	part := &UnreadableError{Offset: begin, Length: r.offset - begin, Err: cause}
	if r.broken {
		part.Length = 0
	}
	return part
}

// findDocument moves to where a document seems to begin: a brace at the start of a line, or one with a quote behind a
// closing brace, which is nowhere within a document of Firehose. It returns an error when none follows.
func (r *Reader) findDocument(cause error) error {
	if cause == unexpected('{') && r.in.UnreadByte() == nil { // it may begin the next document
		r.offset--
		r.last = r.before
	}
	for cause == nil || !r.cannotContinue(cause) {
		var next []byte
		if next, cause = r.in.Peek(2); len(next) == 0 {
			r.cannotContinue(cause)
			return cause
		}
		if next[0] == '{' && (r.last == '\n' || r.last == '}' && len(next) == 2 && next[1] == '"') {
			return nil
		}
		window, _ := r.in.Peek(r.in.Buffered())
		n := 1 + bytes.IndexByte(window[1:], '{')
		if n == 0 {
			n = len(window)
		}
		r.discardBytes(window[:n])
	}
	return cause
}

// cannotContinue reports whether nothing can be read after the error. A source that fails breaks the gzip stream too,
// and comes first.
func (r *Reader) cannotContinue(err error) bool {
	r.broken = r.source.err == nil && errors.As(err, new(brokenGzip))
	return r.broken || r.source.err != nil
}

func (r *Reader) readByte() (byte, error) {
	c, err := r.in.ReadByte()
	if err == nil {
		r.offset++
		if !isBlank(c) {
			r.before, r.last = r.last, c
		}
	}
	return c, err
}

func (r *Reader) discardBytes(window []byte) {
	n, _ := r.in.Discard(len(window)) // what is buffered can always be discarded
	r.offset += int64(n)
	for n > 0 && isBlank(window[n-1]) {
		n--
	}
	if n > 0 {
		r.last = window[n-1]
	}
}

// lowerASCII lowers ASCII letters in place.
func lowerASCII(key []byte) {
	for i, c := range key {
		if 'A' <= c && c <= 'Z' {
			key[i] = c + 'a' - 'A'
		}
	}
}

// isBlank is white space within a line.
func isBlank(c byte) bool { return c == ' ' || c == '\r' || c == '\t' }

func isSpace(c byte) bool { return c == ' ' || c == '\n' || c == '\r' || c == '\t' }

// unexpected is the error of a character in the wrong place.
type unexpected byte

func (c unexpected) Error() string { return fmt.Sprintf("unexpected character %q", byte(c)) }

var (
	errNewline = errors.New("document breaks off at a newline")
	errEscape  = errors.New("invalid escape in a string")
	errScalar  = errors.New("neither a number nor true, false or null")
)

// nextToken returns the next byte of a document that is not white space.
func (r *Reader) nextToken() (byte, error) {
	for {
		c, err := r.readByte()
		if err != nil || !isSpace(c) {
			return c, err
		}
		if c == '\n' {
			if next, err := r.in.Peek(1); err == nil && next[0] == '{' {
				return 0, errNewline
			}
		}
	}
}

// readDocument reads an object after its brace.
func (r *Reader) readDocument() error {
	c, err := r.nextToken()
	if err != nil || c == '}' {
		return err
	}
	for n := 0; ; n++ {
		if c != '"' {
			return unexpected(c)
		}
		var tooLong bool
		if r.key, tooLong, err = r.readText(r.key[:0], maxKey); err != nil {
			return err
		}
		if c, err = r.nextToken(); err != nil {
			return err
		} else if c != ':' {
			return unexpected(c)
		}
		if c, err = r.nextToken(); err != nil {
			return err
		}
		var f *field
		if i := r.fieldOf(n, r.key); i >= 0 && !tooLong {
			f = &r.fields[i]
			*f = field{text: f.text[:0], present: true}
		}
		if err := r.readValue(c, f); err != nil {
			return err
		}
		if c, err = r.nextToken(); err != nil || c == '}' {
			return err
		} else if c != ',' {
			return unexpected(c)
		}
		if c, err = r.nextToken(); err != nil {
			return err
		}
	}
}

// readValue reads the value that begins with c, into f unless that is nil. Nested values are passed over.
func (r *Reader) readValue(c byte, f *field) (err error) {
	switch {
	case c == '"' && f == nil:
		_, _, err = r.readText(nil, 0)
	case c == '"':
		limit := maxText
		if f == &r.fields[fRaw] {
			limit = MaxRawData
		}
		f.quoted = true
		f.text, f.cut, err = r.readText(f.text, limit)
	case c == '{' || c == '[':
		err = r.skipNested(c)
	case c == '-' || c == 't' || c == 'f' || c == 'n' || '0' <= c && c <= '9':
		err = r.readScalar(c, f)
	default:
		err = unexpected(c)
	}
	return err
}

// skipNested passes over the object or array that begins with c. It is as strict as [Reader.readDocument]: otherwise
// the end of a document that breaks off could be found in a later one, and those between would be lost without a word.
func (r *Reader) skipNested(c byte) error {
	r.open = append(r.open[:0], c)
	for empty := true; len(r.open) > 0; {
		c, err := r.nextToken()
		if err != nil {
			return err
		}
		object := r.open[len(r.open)-1] == '{'
		if object && c == '}' || !object && c == ']' {
			r.open, empty = r.open[:len(r.open)-1], false
			continue
		}
		if !empty {
			if c != ',' {
				return unexpected(c)
			}
			if c, err = r.nextToken(); err != nil {
				return err
			}
		}
		if object {
			if c != '"' {
				return unexpected(c)
			}
			if _, _, err := r.readText(nil, 0); err != nil {
				return err
			}
			if c, err = r.nextToken(); err != nil {
				return err
			} else if c != ':' {
				return unexpected(c)
			}
			if c, err = r.nextToken(); err != nil {
				return err
			}
		}
		if empty = c == '{' || c == '['; empty {
			if len(r.open) == maxDepth-1 {
				return fmt.Errorf("nested deeper than %d", maxDepth)
			}
			r.open = append(r.open, c)
		} else if err := r.readValue(c, nil); err != nil {
			return err
		}
	}
	return nil
}

// readScalar reads a number, true, false or null.
func (r *Reader) readScalar(c byte, f *field) error {
	if digits, ok := r.peekDigits(); ok && c != '0' && '0' <= c && c <= '9' {
		if f != nil {
			f.text = append(append(f.text, c), digits...)
		}
		if n := len(digits); n > 0 {
			r.takeBytes(n, digits[n-1])
		}
		return nil
	}
	var text [maxScalar]byte
	n := 0
	for digits := atStart; ; n++ {
		if n < len(text) {
			text[n] = c
		}
		if digits = digits.nextState(c); digits == notANumber && (n == len("false") || c < 'a' || c > 'z') {
			return unexpected(c)
		}
		next, err := r.in.Peek(1)
		if err != nil {
			return err
		}
		if c = next[0]; isSpace(c) || c == ',' || c == '}' || c == ']' {
			n++
			if word := string(text[:min(n, len(text))]); !digits.isComplete() && word != "true" && word != "false" &&
				word != "null" {
				return errScalar
			}
			break
		}
		if c, err = r.readByte(); err != nil {
			return err
		}
	}
	if f == nil {
		return nil
	}
	f.cut = n > len(text)
	f.text = append(f.text, text[:min(n, len(text))]...)
	if string(f.text) == "null" {
		f.text, f.present = f.text[:0], false
	}
	return nil
}

// peekDigits returns the digits that follow, if they are buffered with the comma or brace that ends them, and no more
// than a scalar may have behind its first character.
func (r *Reader) peekDigits() ([]byte, bool) {
	window, _ := r.in.Peek(min(r.in.Buffered(), maxScalar))
	for n, c := range window {
		if c < '0' || c > '9' {
			return window[:n], c == ',' || c == '}'
		}
	}
	return nil, false
}

// number is how much of a number of RFC 8259 has been read.
type number int

const (
	atStart number = iota
	minus
	zero
	integer
	point
	fraction
	mark
	markSign
	exponent
	notANumber
)

func (n number) nextState(c byte) number {
	digit := '0' <= c && c <= '9'
	switch {
	case n == atStart && c == '-':
		return minus
	case n <= minus && c == '0':
		return zero
	case (n <= minus || n == integer) && digit:
		return integer
	case (n == zero || n == integer) && c == '.':
		return point
	case (n == point || n == fraction) && digit:
		return fraction
	case (n == zero || n == integer || n == fraction) && (c == 'e' || c == 'E'):
		return mark
	case n == mark && (c == '+' || c == '-'):
		return markSign
	case n >= mark && n <= exponent && digit:
		return exponent
	}
	return notANumber
}

func (n number) isComplete() bool { return n == zero || n == integer || n == fraction || n == exponent }

// readText reads a string after its first quote and appends its content to dst, up to limit bytes in all; it reports
// whether there was more.
func (r *Reader) readText(dst []byte, limit int) ([]byte, bool, error) {
	if text, ok := r.peekText(limit - len(dst)); ok {
		dst = append(dst, text...)
		r.takeBytes(len(text)+1, '"')
		return dst, false, nil
	}
	cut := false
	add := func(p []byte) {
		if room := limit - len(dst); len(p) > room {
			p, cut = p[:room], true
		}
		if free := cap(dst) - len(dst); free < len(p) {
			// By twice, where append would grow a large text by a quarter and leave five times its size to the
			// collector.
			larger := make([]byte, len(dst), min(limit, max(2*cap(dst), len(dst)+len(p))))
			copy(larger, dst)
			dst = larger
		}
		dst = append(dst, p...)
	}
	for {
		if _, err := r.in.Peek(1); err != nil {
			return dst, cut, err
		}
		window, _ := r.in.Peek(r.in.Buffered()) // at least one byte, and no more than there is
		n := 0
		for n < len(window) && window[n] != '"' && window[n] != '\\' && window[n] != '\n' {
			n++
		}
		add(window[:n])
		if n == len(window) {
			r.discardBytes(window)
			continue
		}
		end := window[n]
		r.discardBytes(window[:n+1])
		switch end {
		case '"':
			return dst, cut, nil
		case '\n':
			return dst, cut, errNewline
		}
		c, err := r.readEscape()
		if err != nil {
			return dst, cut, err
		}
		var utf [utf8.UTFMax]byte
		add(utf[:utf8.EncodeRune(utf[:], c)])
	}
}

// peekText returns the content of a string without escapes that is buffered whole, and at most so many bytes.
func (r *Reader) peekText(most int) ([]byte, bool) {
	window, _ := r.in.Peek(r.in.Buffered())
	n := bytes.IndexByte(window, '"')
	if n < 0 || n > most || bytes.IndexByte(window[:n], '\\') >= 0 || bytes.IndexByte(window[:n], '\n') >= 0 {
		return nil, false
	}
	return window[:n], true
}

// takeBytes passes over n buffered bytes, of which the last one is not a blank.
func (r *Reader) takeBytes(n int, last byte) {
	_, _ = r.in.Discard(n) // what is buffered can always be discarded
	r.offset += int64(n)
	r.last = last
}

// readEscape reads an escape after its backslash.
func (r *Reader) readEscape() (rune, error) {
	c, err := r.readByte()
	if err != nil {
		return 0, err
	}
	switch c {
	case '"', '\\', '/':
		return rune(c), nil
	case 'b':
		return '\b', nil
	case 'f':
		return '\f', nil
	case 'n':
		return '\n', nil
	case 'r':
		return '\r', nil
	case 't':
		return '\t', nil
	case 'u':
		window, err := r.in.Peek(4)
		if err != nil {
			return 0, err
		}
		first, ok := parseHex4(window)
		if !ok {
			return 0, errEscape
		}
		r.discardBytes(window)
		if !utf16.IsSurrogate(first) {
			return first, nil
		}
		window, err = r.in.Peek(6)
		if err == nil && window[0] == '\\' && window[1] == 'u' {
			if second, ok := parseHex4(window[2:]); ok {
				if pair := utf16.DecodeRune(first, second); pair != utf8.RuneError {
					r.discardBytes(window)
					return pair, nil
				}
			}
		}
		return utf8.RuneError, nil // half of a pair; whatever follows is read as usual
	}
	return 0, errEscape
}

func parseHex4(digits []byte) (rune, bool) {
	n, err := strconv.ParseUint(string(digits), 16, 16)
	return rune(n), err == nil
}

// setFailure makes the Failure of the document that has just been read.
func (r *Reader) setFailure(begin int64) {
	f := &r.failure
	*f = Failure{
		Offset:       begin,
		Length:       r.offset - begin,
		Gzip:         r.gzip,
		Stage:        UnknownStage,
		ErrorCode:    reuseText(f.ErrorCode, r.fields[fCode].text),
		ErrorMessage: reuseText(f.ErrorMessage, r.fields[fMessage].text),
		Attempts:     int(max(0, min(r.wholeNumber(fAttempts), 1<<31-1))),
		ArrivalTime:  r.timeField(fArrival),
		FailedTime:   r.timeField(fEnding),
		Index:        string(r.fields[fIndex].text),
		DocumentID:   string(r.fields[fDocument].text),
		Unknown:      true,
	}
	for i := range r.fields {
		f.Unknown = f.Unknown && !r.fields[i].present
	}
	switch {
	case strings.HasPrefix(f.ErrorCode, "Lambda."):
		f.Stage = Transform
	case strings.HasPrefix(f.ErrorCode, "DataFormatConversion."):
		f.Stage = Conversion
	case strings.HasPrefix(f.ErrorCode, "OS."), strings.HasPrefix(f.ErrorCode, "ES."),
		r.fields[fIndex].present, r.fields[fDocument].present, r.fields[fType].present:
		f.Stage = Search
	case r.fields[fCatalog].present:
		f.Stage = Conversion
	case r.fields[fLambda].present:
		f.Stage = Transform
	}
	if raw := &r.fields[fRaw]; raw.cut {
		f.RawDataTooLong = true
	} else if raw.quoted {
		f.RawData = decodeBase64(raw.text, &r.piece)
	}
}

// reuseText is the text as a string: the one of the previous document when they are equal, as most are.
func reuseText(previous string, text []byte) string {
	if previous == string(text) {
		return previous
	}
	return string(text)
}

// pieceSize is the bytes of 4 KiB of base64, and room behind them, so that vector code need not stop before their end.
const pieceSize = 3<<10 + 64

// decodeBase64 decodes base64, with or without padding, into the memory of its text: a copy would nearly double what a
// reader holds. It returns nil when the text is not base64.
func decodeBase64(text []byte, piece *[pieceSize]byte) []byte {
	if bytes.IndexByte(text, '\n') >= 0 || bytes.IndexByte(text, '\r') >= 0 { // base64 allows them; pieces of it cannot
		text = slices.DeleteFunc(text, func(c byte) bool { return c == '\r' || c == '\n' })
	}
	text = bytes.TrimRight(text, "=")
	if len(text) == 0 {
		return []byte{}
	}
	size := 0
	for begin := 0; begin < len(text); begin += 4 << 10 {
		n, err := base64.RawStdEncoding.Decode(piece[:], text[begin:min(begin+4<<10, len(text))])
		if err != nil {
			return nil
		}
		size += copy(text[size:], piece[:n])
	}
	return text[:size:size]
}

// wholeNumber returns a field's value; 0 when it is missing or not a whole number.
func (r *Reader) wholeNumber(i int) int64 {
	n, err := strconv.ParseInt(string(r.fields[i].text), 10, 64)
	if err != nil {
		return 0
	}
	return n
}

// timeField reads milliseconds since 1970, up to the year 9999, the last that RFC 3339 can write.
func (r *Reader) timeField(i int) time.Time {
	if ms := r.wholeNumber(i); ms > 0 && ms <= 253402300799999 {
		return time.UnixMilli(ms)
	}
	return time.Time{}
}
