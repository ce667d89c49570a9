package main

import (
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strings"

	"firehose-pipeline/event"
	"firehose-pipeline/internal/jsonscan"
)

// format is what an input holds. The zero format is lines, good or bad: they are sent.
type format struct {
	name    string // as in "is NAME"
	refused bool
	joined  bool // rejected just where a line has to be one object
	objects bool // rejected just where each has to be on a line of its own
	// filter is a command that makes lines of events of it, from its standard input, or with needsFile from a file that
	// is named behind it.
	filter    string
	needsFile bool
}

func refuse(name, filter string) format { return format{name: name, filter: filter, refused: true} }

// refuseLayout is for objects that are not one a line.
func refuseLayout(name, filter string) format {
	return format{name: name, filter: filter, refused: true, objects: true}
}

// pythonRows prints the rows of a file that pyarrow reads with the module.
func pythonRows(module string) string {
	return `python3 -c 'import json, sys, ` + module +
		` as m; [print(json.dumps(r, default=str)) for r in m.read_table(sys.argv[1]).to_pylist()]'`
}

var (
	gzipTwice   = refuse("gzip within gzip", "gzip -dc")
	prettyJSON  = refuseLayout("JSON over several lines", "jq -c .")
	arrayJSON   = refuseLayout("a JSON array", "jq -c '.[]'")
	commaLines  = refuseLayout("JSON objects with commas between them", `sed 's/,[[:space:]]*$//'`)
	commaJoined = refuseLayout("JSON objects with commas between them",
		`jq -cRs '"[" + sub(",\\s*$"; "") + "]" | fromjson | .[]'`)
	sequence   = refuse("a JSON text sequence (RFC 7464)", `tr -d '\036'`)
	markup     = refuse("XML or HTML", "")
	joinedJSON = format{name: "JSON objects without a newline between them", joined: true, filter: "jq -c ."}
)

// magics are the first bytes of formats that are not text, or not in UTF-8.
var magics = []struct {
	begin string
	is    format
}{
	{"\xff\xfe\x00\x00", refuse("text in UTF-32", "iconv -f UTF-32 -t UTF-8")},
	{"\x00\x00\xfe\xff", refuse("text in UTF-32", "iconv -f UTF-32 -t UTF-8")},
	{"\xff\xfe", refuse("text in UTF-16, as PowerShell writes it", "iconv -f UTF-16 -t UTF-8")},
	{"\xfe\xff", refuse("text in UTF-16", "iconv -f UTF-16 -t UTF-8")},
	{"\x28\xb5\x2f\xfd", refuse("Zstandard", "zstd -dc")},
	{"\xfd7zXZ\x00", refuse("xz", "xz -dc")},
	{"\x04\x22\x4d\x18", refuse("LZ4", "lz4 -dc")},
	{"\x1f\x9d", refuse("compressed by compress", "gzip -dc")},
	{"PK\x03\x04", format{name: "a ZIP archive", filter: "unzip -p", refused: true, needsFile: true}},
	{"7z\xbc\xaf\x27\x1c", format{name: "a 7z archive", filter: "7z x -so", refused: true, needsFile: true}},
	{"PAR1", format{name: "Parquet", filter: pythonRows("pyarrow.parquet"), refused: true, needsFile: true}},
	{"ORC", format{name: "ORC", filter: pythonRows("pyarrow.orc"), refused: true, needsFile: true}},
	{"ARROW1", format{name: "Arrow", filter: pythonRows("pyarrow.feather"), refused: true, needsFile: true}},
	{"Obj\x01", format{name: "Avro", filter: "python3 -m fastavro", refused: true, needsFile: true}},
	{"SQLite format 3\x00", refuse("a SQLite database", "")},
	{"%PDF-", refuse("a PDF document", "")},
}

var bzip2 = regexp.MustCompile(`^BZh[1-9]1AY&SY`)

const blanks = " \t\r\n" // of JSON

// identify returns the format that begins with the sample, and whether it is sure or needs more of the input, when
// there can be more: end says that there will be none. Whole says that the sample is all of the input.
func identify(sample []byte, end, whole bool) (found format, sure bool) {
	if len(sample) < 8 && !end && bytes.IndexByte(sample, '\n') < 0 {
		return format{}, false
	}
	if found := identifyBinary(sample); found.refused {
		return found, true
	}
	text := bytes.TrimLeft(sample, blanks)
	if len(text) == 0 {
		return format{}, end
	}
	switch text[0] {
	case '{':
		return identifyObject(text, end, whole)
	case '[':
		return identifyArray(text, end, whole)
	case '<':
		if len(text) > 1 && (text[1] == '?' || text[1] == '!' || text[1]|0x20 >= 'a' && text[1]|0x20 <= 'z') {
			return identifyLines(text, markup, end, whole)
		}
	case 0x1e:
		return sequence, true
	}
	return identifyLines(text, format{}, end, whole)
}

// identifyBinary identifies formats by their first bytes.
func identifyBinary(sample []byte) format {
	for _, m := range magics {
		if bytes.HasPrefix(sample, []byte(m.begin)) {
			return m.is
		}
	}
	if bzip2.Match(sample) {
		return refuse("bzip2", "bzip2 -dc")
	}
	if event.IsCompressed(sample) {
		return refuse("zlib", `python3 -c 'import sys, zlib; sys.stdout.buffer.write(zlib.decompress(sys.stdin.buffer.read()))'`)
	}
	if len(sample) > 262 && string(sample[257:262]) == "ustar" {
		return refuse("a tar archive", "tar -xOf -")
	}
	if len(sample) >= 8 {
		for _, e := range []struct {
			name    string
			between int // NULs before or behind each character of ASCII
			first   int // place of the first character
		}{{"UTF-32LE", 3, 0}, {"UTF-32BE", 3, 3}, {"UTF-16LE", 1, 0}, {"UTF-16BE", 1, 1}} {
			wide := true
			for i, c := range sample[:8] {
				wide = wide && (i%(e.between+1) == e.first) == (c != 0) && c < 0x80
			}
			if wide {
				return refuse("text in "+e.name, "iconv -f "+e.name+" -t UTF-8")
			}
		}
	}
	return format{}
}

// scanner finds the ends of objects.
func scanner() *jsonscan.Scanner { return jsonscan.NewScanner(jsonscan.NewNames()) }

// identifyObject identifies text that begins with a brace.
func identifyObject(text []byte, end, whole bool) (format, bool) {
	at, problem := scanner().Object(text, 0)
	newline := bytes.IndexByte(text, '\n')
	lines := newline >= 0 && newline < at // it goes over several
	switch {
	case problem == jsonscan.UnexpectedEnd && !end:
		return format{}, false
	case problem == jsonscan.UnexpectedEnd && !lines:
		return format{}, true // one line that is cut off, or too long for a sample
	case problem == jsonscan.UnexpectedEnd && whole:
		return identifyLines(text, prettyJSON, end, whole)
	case problem == jsonscan.UnexpectedEnd, problem == jsonscan.None && lines:
		return prettyJSON, true
	case problem != jsonscan.None && newline >= 0 && len(bytes.TrimSpace(text[:newline])) == 1:
		return identifyLines(text, prettyJSON, end, whole) // with a mistake in it
	case problem != jsonscan.None:
		return identifyLines(text, format{}, end, whole)
	}
	rest := bytes.TrimLeft(text[at:], " \t\r")
	switch {
	case len(rest) == 0:
		return format{}, end
	case rest[0] == '\n':
		return format{}, true
	case rest[0] == '{':
		return joinedJSON, true
	case rest[0] != ',':
		return identifyLines(text, format{}, end, whole)
	}
	next := bytes.TrimLeft(rest[1:], " \t\r")
	switch {
	case len(next) == 0:
		return format{}, end
	case next[0] == '{':
		return commaJoined, true
	case next[0] != '\n':
		return identifyLines(text, format{}, end, whole)
	}
	// The next line shows whether this one alone has a comma.
	next = bytes.TrimLeft(next, blanks)
	if len(next) == 0 {
		return format{}, end
	}
	at, problem = scanner().Object(next, 0)
	if problem == jsonscan.UnexpectedEnd && !end {
		return format{}, false
	}
	if problem == jsonscan.None {
		rest := bytes.TrimLeft(next[at:], " \t\r")
		switch {
		case len(rest) == 0 && !end:
			return format{}, false
		case len(rest) > 0 && rest[0] == ',', whole && len(bytes.TrimLeft(rest, blanks)) == 0:
			return commaLines, true
		}
	}
	return identifyLines(text, format{}, end, whole)
}

// identifyArray identifies text that begins with a bracket. An array of something else than objects is a line as good
// as any.
func identifyArray(text []byte, end, whole bool) (format, bool) {
	line := bytes.IndexByte(text, '\n') // ends the first line
	if line < 0 {
		line = len(text)
	}
	scan, at := scanner(), 1
	for {
		at = jsonscan.SkipSpace(text, at)
		switch {
		case at == len(text) && !end:
			return format{}, false
		case at == len(text) || text[at] != '{':
			return identifyLines(text, format{}, end, whole)
		}
		after, problem := scan.Object(text, at)
		switch {
		case problem == jsonscan.UnexpectedEnd && !end:
			return format{}, false
		case problem == jsonscan.UnexpectedEnd:
			return arrayJSON, true
		case problem != jsonscan.None:
			return identifyLines(text, format{}, end, whole)
		}
		at = jsonscan.SkipSpace(text, after)
		switch {
		case at == len(text):
			return arrayJSON, end
		case text[at] != ',' && text[at] != ']':
			return identifyLines(text, format{}, end, whole)
		case at > line:
			return arrayJSON, true
		case text[at] == ']':
			return identifyLines(text, arrayJSON, end, whole)
		}
		at++
	}
}

// identifyLines looks whether any line is an event: then the others are bad lines among good ones. If none is, it is
// the other format, or a table. An event's line begins in its first column: objects within JSON over several lines are
// indented.
func identifyLines(text []byte, other format, end, whole bool) (format, bool) {
	var lines [][]byte
	for line := range bytes.Lines(text) {
		if !whole && !bytes.HasSuffix(line, []byte("\n")) {
			break // there is more of it
		}
		if line = bytes.TrimRight(line, blanks); len(line) == 0 {
			continue
		}
		if event.Check(event.Lake, line) == nil && (line[0] == '{' || !other.refused) {
			return format{}, true
		}
		lines = append(lines, line)
	}
	if len(lines) < sampleLines && !end {
		return format{}, false
	}
	if other.refused && (len(lines) > 1 || other.name != prettyJSON.name) {
		return other, true
	}
	if table, ok := identifyTable(lines); ok {
		return table, true
	}
	return format{}, true
}

var columnName = regexp.MustCompile(`^[\p{L}_][\p{L}\p{N} _.:/()%#-]*$`)

// identifyTable recognises CSV and the like: a first line of names and as many values in each line that follows, or
// three and more values in each.
func identifyTable(lines [][]byte) (format, bool) {
	if len(lines) < 2 {
		return format{}, false
	}
	for _, by := range []struct {
		rune
		name, option string
	}{
		{',', "CSV", ""}, {';', "CSV with semicolons", `, delimiter=";"`},
		{'\t', "tab-separated values", `, delimiter="\t"`},
		{'|', "values separated by |", `, delimiter="|"`},
	} {
		reader := csv.NewReader(bytes.NewReader(bytes.Join(lines, []byte("\n"))))
		reader.Comma = by.rune
		first, err := reader.Read()
		if err != nil || len(first) < 2 {
			continue
		}
		header, rows := true, 0
		for _, cell := range first {
			header = header && columnName.MatchString(cell)
		}
		for { // a row of another length is an error
			if _, err = reader.Read(); err != nil {
				break
			}
			rows++
		}
		// The last line may be the beginning of a row of several lines.
		if !errors.Is(err, io.EOF) && rows < len(lines)/2 || rows == 0 || !header && len(first) < 3 {
			continue
		}
		convert := `python3 -c 'import csv, json, sys; [print(json.dumps(r)) for r in csv.DictReader(sys.stdin` +
			by.option + `)]'`
		if header {
			return refuse(by.name, convert), true
		}
		names := make([]string, len(first))
		for i := range names {
			names[i] = fmt.Sprintf(`"c%d"`, i+1)
		}
		convert = strings.Replace(convert, "sys.stdin", "sys.stdin, ["+strings.Join(names, ", ")+"]", 1)
		return refuse(by.name+" without names of columns (write them in place of c1, c2 and so on)", convert), true
	}
	return format{}, false
}
