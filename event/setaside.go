package event

import (
	"bytes"
	"maps"
	"strconv"
	"unicode"
	"unicode/utf8"

	"firehose-pipeline/internal/jsonscan"
)

// What a store rejects a whole event for, though it is good JSON and no declared field is concerned, is set aside: the
// member is moved, as text, into the malformed object, and the rest of the event is kept. The rules below were seen on
// OpenSearch 2.19.6, 3.5.0 and 3.8.0; no setting of an index changes them.

// rejectedValues are the findings for which a stream's store rejects an event. Readers on the JVM, Firehose's
// conversion among them, take no repeated key, however deep, and no longer key or number; the other two are
// OpenSearch's.
var rejectedValues = map[Stream]jsonscan.Findings{
	Lake: jsonscan.RepeatedKeys | jsonscan.LongNumbers | jsonscan.LongKeys,
	Search: jsonscan.RepeatedKeys | jsonscan.LongNumbers | jsonscan.LongKeys | jsonscan.LoneSurrogates |
		jsonscan.DeepArrays,
}

// metadataFields are OpenSearch's own fields, which no document may have at its top level. _feature is one since 3.0,
// _size one where the plug-in mapper-size is installed, as on the service; a _doc_count that is a positive integer
// would be taken, but multiply the document in every aggregation.
var metadataFields = map[string]bool{
	"_data_stream_timestamp": true, "_doc_count": true, "_feature": true, "_field_names": true, "_id": true,
	"_ignored": true,
	"_index":   true, "_nested_path": true, "_routing": true, "_seq_no": true, "_size": true, "_source": true,
	"_version": true,
}

// setAside moves the members that the stream's store would reject the event for. Declared fields and those of rules
// need none of it: they have been conformed.
func (p *Processor) setAside() {
	e := &p.event
	for at := range e.scan.Members {
		m := &e.scan.Members[at]
		prefix := int(m.Name) > p.layout.malformed
		if !m.OddKey && !m.OddValue && !prefix || m.Repeated || m.Name >= 0 && !prefix {
			continue
		}
		if prefix && p.stream == Search || m.OddKey && p.rejectsKey(e.scan.Key(m), m.Kind == jsonscan.Array) ||
			m.OddValue && jsonscan.Inspect(e.record[m.Start:m.End])&p.rejected != 0 {
			p.edit(at, edit{rewrite: removed})
			p.moveOther(m)
		}
	}
}

// rejectsKey reports whether the stream's store rejects an event with this top-level key, which is decoded and not that
// of a declared field or of a rule, or takes its value, which may be an array, for that of another field.
func (p *Processor) rejectsKey(key []byte, array bool) bool {
	if p.noKey(key) {
		return true
	}
	if p.stream != Search {
		return false
	}
	first, _, dotted := bytes.Cut(key, []byte{'.'})
	if !dotted {
		return len(key) == 0 || metadataFields[string(key)]
	}
	// Below a field that has a value: an object would have to be there.
	if p.layout.isIndexed(first) {
		return true
	}
	// OpenSearch takes the elements of an array below an object that it does not know for values of the field that the
	// last part of the path names alone: "order.amount":[5] would be found as an amount.
	path := bytes.TrimRight(key, ".")
	return array && p.layout.isIndexed(path[bytes.LastIndexByte(path, '.')+1:]) || !isPath(path)
}

// isIndexed reports whether the index has a field of this name whose value it reads. malformed is not looked into.
func (l *Layout) isIndexed(name []byte) bool {
	at := l.names.Index(string(name))
	return at >= 0 && at != l.malformed || metadataFields[string(name)]
}

// isPath reports whether OpenSearch takes a key with a dot, which it reads as a path, without the dots at its end: as
// Java's String.split does, it leaves out empty parts there. Each part must have a character that is not white space.
func isPath(key []byte) bool {
	for part := range bytes.SplitSeq(key, []byte{'.'}) {
		if len(bytes.TrimFunc(part, isJavaSpace)) == 0 {
			return false
		}
	}
	return true
}

// isJavaSpace is Java's Character.isWhitespace, which differs from unicode.IsSpace.
func isJavaSpace(r rune) bool {
	switch r {
	case '\u00a0', '\u2007', '\u202f': // do not break lines
		return false
	}
	return r >= '\t' && r <= '\r' || r >= '\x1c' && r <= '\x1f' || unicode.In(r, unicode.Zs, unicode.Zl, unicode.Zp)
}

// noKey reports whether the stream's store takes no object with this decoded key, wherever it is.
func (p *Processor) noKey(key []byte) bool {
	return len(key) > jsonscan.MaxKeyBytes || p.stream == Search && !utf8.Valid(key) // a lone surrogate
}

// moveOther moves a member that is not among names.
func (p *Processor) moveOther(m *jsonscan.Member) {
	if len(p.moved) > 0 {
		p.moved = append(p.moved, ',')
	}
	if p.movedKeys == nil {
		p.movedKeys = map[string]bool{}
	}
	p.movedFields++
	p.moved = p.appendOther(p.moved, p.event.scan, m, p.movedKeys)
}

// appendOther appends a member of the malformed object that is not among names, the value as text, and adds its key to
// those used. Where the key cannot be one, or is used, a short form of it takes its place, and the text is that of the
// whole member.
func (p *Processor) appendOther(dst []byte, scan *jsonscan.Scanner, m *jsonscan.Member, used map[string]bool) []byte {
	key, sent := scan.Key(m), p.event.record[m.KeyStart:m.KeyEnd]
	if !p.noKey(key) && !used[string(key)] {
		used[string(key)] = true
		return p.appendAsText(append(appendQuoted(dst, sent), ':'), m)
	}
	short := shortKey(key, m.KeyStart)
	for used[short] {
		short += "+"
	}
	used[short] = true
	member := append(appendQuoted([]byte{'{'}, sent), ':')
	member = append(jsonscan.Compact(member, p.event.record[m.Start:m.End]), '}')
	return quoteEscaped(append(quoteEscaped(dst, []byte(short)), ':'), member)
}

// shortKey is a key that any store takes, made of one that it does not take. The place in the record tells several
// apart that begin alike.
func shortKey(key []byte, at int) string {
	const longest = 100
	key = bytes.ToValidUTF8(key, []byte("\uFFFD"))
	if len(key) > longest {
		key = bytes.ToValidUTF8(key[:longest], nil)
	}
	return string(key) + "…@" + strconv.Itoa(at)
}

// appendOwn appends the members of the event's own malformed object whose keys this pass has not moved.
func (p *Processor) appendOwn(dst []byte) []byte {
	e := &p.event
	plain := p.movedKeys == nil && !e.earlier.Odd
	var used map[string]bool
	if !plain {
		used = maps.Clone(p.movedKeys)
		if used == nil {
			used = map[string]bool{}
		}
	}
	var renamed []*jsonscan.Member // after the others, whose keys they must not have
	for at := range e.earlier.Members {
		m := &e.earlier.Members[at]
		if !keepsOwn(m) || m.Name >= 0 && p.movedNames[m.Name] {
			continue
		}
		switch {
		case p.layout.hides(e.earlier.Key(m)):
			if !p.movedKeys[string(e.earlier.Key(m))] {
				dst = append(appendQuoted(appendComma(dst), e.record[m.KeyStart:m.KeyEnd]), ':')
				dst = appendQuoted(dst, []byte(Redacted))
			}
		case plain || m.Name >= 0:
			dst = p.appendAsText(append(appendQuoted(appendComma(dst), e.record[m.KeyStart:m.KeyEnd]), ':'), m)
		case p.noKey(e.earlier.Key(m)):
			renamed = append(renamed, m)
		case p.movedKeys[string(e.earlier.Key(m))]:
		default:
			dst = p.appendOther(appendComma(dst), e.earlier, m, used)
		}
	}
	for _, m := range renamed {
		dst = p.appendOther(appendComma(dst), e.earlier, m, used)
	}
	return dst
}
