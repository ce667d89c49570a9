package errorobject

import "bytes"

// readPlain reads a document after its brace if it is buffered whole and has the form that Firehose writes: no white
// space, no escapes, integers and texts as values. It reports false for every other one, of which it then has read
// nothing: [Reader.readDocument] reads all.
func (r *Reader) readPlain() bool {
	window, _ := r.in.Peek(r.in.Buffered())
	if end := bytes.IndexByte(window, '\n'); end >= 0 {
		window = window[:end]
	}
	rest := window
	if bytes.IndexByte(rest, '\\') >= 0 {
		return false
	}
	for n := 0; ; n++ {
		var f *field
		var ok bool
		if f, rest, ok = r.plainKey(n, rest); !ok || len(rest) == 0 {
			break
		}
		if rest, ok = r.plainValue(f, rest); !ok || len(rest) == 0 {
			break
		}
		if rest[0] == '}' {
			r.takeBytes(len(window)-len(rest)+1, '}')
			return true
		}
		if rest[0] != ',' {
			break
		}
		rest = rest[1:]
	}
	r.clearFields()
	return false
}

func (r *Reader) clearFields() {
	for i := range r.fields {
		r.fields[i] = field{text: r.fields[i].text[:0]}
	}
}

// plainKey reads the n-th key and its colon. The field is nil when it is not kept.
func (r *Reader) plainKey(n int, rest []byte) (*field, []byte, bool) {
	if len(rest) == 0 || rest[0] != '"' {
		return nil, rest, false
	}
	rest = rest[1:]
	if n < len(r.keys) { // most likely that of the document before
		if known := r.keys[n]; len(rest) > len(known.text) && rest[len(known.text)] == '"' &&
			string(rest[:len(known.text)]) == known.text {
			return r.startField(known.field, rest[len(known.text)+1:])
		}
	}
	end := bytes.IndexByte(rest, '"')
	if end < 0 || end > maxKey {
		return nil, rest, false
	}
	r.key = append(r.key[:0], rest[:end]...)
	return r.startField(r.fieldOf(n, r.key), rest[end+1:])
}

func (r *Reader) startField(i int, rest []byte) (*field, []byte, bool) {
	if len(rest) == 0 || rest[0] != ':' {
		return nil, rest, false
	}
	if i < 0 {
		return nil, rest[1:], true
	}
	r.fields[i] = field{text: r.fields[i].text[:0], present: true}
	return &r.fields[i], rest[1:], true
}

// plainValue reads a text or a number of digits, of which rest has the first byte.
func (r *Reader) plainValue(f *field, rest []byte) ([]byte, bool) {
	if rest[0] == '"' {
		end := bytes.IndexByte(rest[1:], '"')
		if end < 0 {
			return rest, false
		}
		if f != nil {
			if end > maxText && (f != &r.fields[fRaw] || end > MaxRawData) {
				return rest, false
			}
			f.text, f.quoted = append(f.text, rest[1:1+end]...), true
		}
		return rest[end+2:], true
	}
	n := 0
	for n < len(rest) && '0' <= rest[n] && rest[n] <= '9' {
		n++
	}
	if n == 0 || n > maxScalar || rest[0] == '0' {
		return rest, false
	}
	if f != nil {
		f.text = append(f.text, rest[:n]...)
	}
	return rest[n:], true
}
