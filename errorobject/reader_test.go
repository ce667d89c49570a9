package errorobject_test

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"strings"
	"testing"
	"testing/iotest"

	"firehose-pipeline/deadletter"
	"firehose-pipeline/errorobject"
	"firehose-pipeline/event"
	"firehose-pipeline/internal/testkit/errorobjects"
)

func TestFirehoseLayoutsAreReadAsWritten(t *testing.T) {
	raw := []byte(`{"event_id":"e-1","text":"<&>"`)
	for name, c := range map[string]struct {
		document errorobject.Document
		fields   string
		stage    errorobject.Stage
		reason   deadletter.Reason
	}{
		"processing-failed": {
			errorobject.ProcessingFailed{raw, "Lambda.ProcessingFailedStatus", "<failed>", 1, 1700000000000,
				1700000001000, "arn:x"},
			"rawData errorCode errorMessage attemptsMade arrivalTimestamp attemptEndingTimestamp lambdaARN",
			errorobject.Transform, deadletter.Reason(event.Check(event.Lake, raw).Reason),
		},
		"format-conversion-failed": {
			errorobject.ConversionFailed{1, 1700000000000, "DataFormatConversion.ParseError", "<failed>", 1700000001000,
				raw, "1", 0, errorobject.DataCatalogTable{}},
			"attemptsMade arrivalTimestamp lastErrorCode lastErrorMessage attemptEndingTimestamp rawData sequenceNumber subSequenceNumber dataCatalogTable",
			errorobject.Conversion, deadletter.ConversionData,
		},
		"AmazonOpenSearchService-failed": {
			errorobject.SearchFailed{1, 1700000000000, "400", "<failed>", 1700000001000, "id", "index", "", raw},
			"attemptsMade arrivalTimestamp errorCode errorMessage attemptEndingTimestamp esDocumentId esIndexName esTypeName rawData",
			errorobject.Search, deadletter.SearchRejected,
		},
	} {
		t.Run(name, func(t *testing.T) {
			line, err := errorobject.AppendDocument([]byte("\n"), c.document)
			if err != nil {
				t.Fatal(err)
			}
			d := json.NewDecoder(bytes.NewReader(line))
			var fields []string
			if _, err := d.Token(); err != nil {
				t.Fatal(err)
			}
			for d.More() {
				key, err := d.Token()
				var value json.RawMessage
				if err := errors.Join(err, d.Decode(&value)); err != nil {
					t.Fatal(err)
				}
				fields = append(fields, key.(string))
			}
			if got := strings.Join(fields, " "); got != c.fields {
				t.Errorf("fields %q, want %q", got, c.fields)
			}
			f, err := errorobject.NewReader(bytes.NewReader(line)).Next()
			if err != nil {
				t.Fatal(err)
			}
			reason, _ := deadletter.ReasonFor(errorobject.Source{Stream: event.Lake}, f)
			if f.Offset != 1 || f.Length != int64(len(line)-2) || f.Stage != c.stage || reason != c.reason ||
				f.ErrorMessage != "<failed>" ||
				f.Attempts != 1 || f.ArrivalTime.UnixMilli() != 1700000000000 ||
				f.FailedTime.UnixMilli() != 1700000001000 || !bytes.Equal(f.RawData, raw) {
				t.Errorf("read %+v, reason %s", f, reason)
			}
		})
	}
}

// Older domains say es where later ones say os; some documentation has other letters in upper case.
func TestSearchFieldsByAllTheirNames(t *testing.T) {
	for _, names := range []string{"esDocumentId esIndexName", "osDocumentId osIndexName", "ESDOCUMENTID osindexname"} {
		id, index, _ := strings.Cut(names, " ")
		document := `{"` + id + `":"49.0","` + index + `":"events-2026-01-02","errorCode":"400","rawData":"e30="}`
		f, err := errorobject.NewReader(strings.NewReader(document)).Next()
		if err != nil || f.DocumentID != "49.0" || f.Index != "events-2026-01-02" || f.Stage != errorobject.Search {
			t.Errorf("%s: read %+v, %v", names, f, err)
		}
	}
}

// A document without a known code is of the stage whose own members it has.
func TestStagesWithoutACode(t *testing.T) {
	for document, want := range map[string]errorobject.Stage{
		`{"rawData":"QQ==","errorCode":"x","dataCatalogTable":{"databaseName":"d"}}`: errorobject.Conversion,
		`{"rawData":"QQ==","errorCode":"x","lambdaARN":"arn:x"}`:                     errorobject.Transform,
		`{"rawData":"QQ==","errorCode":"x","esIndexName":"i"}`:                       errorobject.Search,
		`{"rawData":"QQ==","errorCode":"OS.x"}`:                                      errorobject.Search,
		`{"rawData":"QQ==","errorCode":"x"}`:                                         errorobject.UnknownStage,
	} {
		f, err := errorobject.NewReader(strings.NewReader(document)).Next()
		if err != nil || f.Stage != want || string(f.RawData) != "A" {
			t.Errorf("%s: got %+v, %v, want %s", document, f, err, want)
		}
	}
}

func TestEscapesInMessages(t *testing.T) {
	f, err := errorobject.NewReader(strings.NewReader(
		`{"rawData":"QQ==","errorMessage":"\"\\\/\b\f\n\r\t\u00e9\ud83d\ude00"}`)).Next()
	if err != nil || f.ErrorMessage != "\"\\/\b\f\n\r\té😀" {
		t.Errorf("got %+v, %v", f, err)
	}
}

// TestRawDataOfAnyLength decodes records of each length about those of the vectors, whole and with one character replaced.
func TestRawDataOfAnyLength(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	lengths := []int{3071, 3072, 3073, 6144, 9000} // a piece is 3072 bytes
	for n := range 200 {
		lengths = append(lengths, n)
	}
	var texts []string
	for _, n := range lengths {
		record := make([]byte, n)
		for i := range record {
			record[i] = byte(random.Uint32())
		}
		text := base64.StdEncoding.EncodeToString(record)
		texts = append(texts, text, strings.TrimRight(text, "="))
		for i := range len(text) {
			if i < 300 || i > len(text)-10 {
				texts = append(texts, text[:i]+string("=-. ~{"[random.IntN(6)])+text[i+1:])
			}
		}
	}
	var documents strings.Builder
	for _, text := range texts {
		fmt.Fprintf(&documents, `{"rawData":"%s","errorCode":"x"}`+"\n", text)
	}
	r := errorobject.NewReader(strings.NewReader(documents.String()))
	for _, text := range texts {
		failure, err := r.Next()
		want, problem := base64.RawStdEncoding.DecodeString(strings.TrimRight(text, "="))
		if err != nil || (failure.RawData == nil) != (problem != nil) || problem == nil && !bytes.Equal(failure.RawData, want) {
			t.Fatalf("%s: got %x, %v; want %x, %v", text, failure.RawData, err, want, problem)
		}
	}
}

// TestTornDocumentsCostNoOther: a document that breaks off takes at most the one right behind it along, and never
// without a word.
func TestTornDocumentsCostNoOther(t *testing.T) {
	const b, c = `{"errorCode":"x","rawData":"Qg=="}`, `{"rawData":"Qw==","attemptsMade":1}`
	for name, torn := range map[string]string{
		"after a brace":             `{`,
		"in a key":                  `{"rawData":"QQ==","att`,
		"after a key":               `{"rawData":"QQ==","attemptsMade"`,
		"after a colon":             `{"rawData":"QQ==","attemptsMade":`,
		"in the record":             `{"attemptsMade":1,"rawData":"QQ`,
		"in a number":               `{"rawData":"QQ==","attemptsMade":1`,
		"in a word":                 `{"rawData":"QQ==","lambdaARN":nul`,
		"after a comma":             `{"rawData":"QQ==","attemptsMade":1,`,
		"in a nested key":           `{"rawData":"QQ==","dataCatalogTable":{"catalogId":null,"data`,
		"after a nested brace":      `{"rawData":"QQ==","dataCatalogTable":{`,
		"in a nested number":        `{"rawData":"QQ==","dataCatalogTable":{"x":[1,2`,
		"in an escape":              `{"rawData":"QQ==","errorMessage":"\`,
		"in an escape with digits":  `{"rawData":"QQ==","errorMessage":"\u00`,
		"before its last brace":     `{"rawData":"QQ=="`,
		"with the wrong brace":      `{"rawData":"QQ==","x":[1,2}}`,
		"with a brace too many":     `{"rawData":"QQ=="}}`,
		"with a comma too many":     `{"rawData":"QQ==",}`,
		"with a number that is not": `{"rawData":"QQ==","attemptsMade":01}`,
		"with a word that is not":   `{"rawData":"QQ==","attemptsMade":truest}`,
		"to other content":          "\x89PNG\r\n\x1a\n\x00\x00",
	} {
		t.Run(name, func(t *testing.T) {
			for _, between := range []string{"\n", ""} {
				object := torn + between + b + between + c + between + b
				r := errorobject.NewReader(strings.NewReader(object))
				var read []string
				end, lost := int64(0), int64(0)
				for {
					f, err := r.Next()
					if err == io.EOF {
						break
					}
					if bad := (*errorobject.UnreadableError)(nil); errors.As(err, &bad) {
						lost += bad.Length
						end = bad.Offset + bad.Length
						continue
					}
					if err != nil {
						t.Fatal(err)
					}
					read = append(read, string(f.RawData))
					end = f.Offset + f.Length
				}
				got, want := strings.Join(read, ""), "BCB"
				if strings.HasSuffix(torn, "\"}}") { // a whole document before the fault
					want = "ABCB"
				}
				if between == "" {
					want = strings.TrimPrefix(want, "B")
				}
				if !strings.HasSuffix(got, strings.TrimPrefix(want, "A")) ||
					strings.HasPrefix(want, "A") != strings.HasPrefix(got, "A") || lost == 0 ||
					end != int64(len(object)) {
					t.Errorf("with %q between: read %s, want %s; %d bytes unreadable, at the end %d of %d", between,
						got, want, lost, end, len(object))
				}
			}
		})
	}
}

func TestBrokenGzipGivesWhatCanBeRead(t *testing.T) {
	object := errorobjects.Read(t, "testdata/objects")["lake-concatenated"]
	whole := errorobjects.Gzip(t, object)
	for name, c := range map[string]struct {
		object  []byte
		letters int
	}{
		"cut in the middle":  {whole[:len(whole)/2], 0},
		"cut in the trailer": {whole[:len(whole)-4], 3},
		"wrong checksum":     {append(bytes.Clone(whole[:len(whole)-8]), 0, 0, 0, 0, 0, 0, 0, 0), 3},
		"rubbish after":      {append(bytes.Clone(whole), "rubbish"...), 3},
		"second member cut":  {append(bytes.Clone(whole), whole[:len(whole)/2]...), 3},
		"magic bytes alone":  {whole[:2], 0},
	} {
		t.Run(name, func(t *testing.T) {
			r := errorobject.NewReader(bytes.NewReader(c.object))
			letters, unreadable := 0, 0
			for {
				_, err := r.Next()
				if err == io.EOF {
					break
				}
				if bad := (*errorobject.UnreadableError)(nil); errors.As(err, &bad) {
					unreadable++
				} else if err != nil {
					t.Fatal(err)
				} else {
					letters++
				}
			}
			if letters != c.letters || unreadable != 1 {
				t.Errorf("%d letters and %d unreadable parts, want %d and 1", letters, unreadable, c.letters)
			}
		})
	}
}

func TestFailureToReadIsNoTornObject(t *testing.T) {
	object := errorobjects.Read(t, "testdata/objects")["lake-concatenated"]
	for _, content := range [][]byte{object, errorobjects.Gzip(t, object), []byte("no json"), nil} {
		r := errorobject.NewReader(io.MultiReader(bytes.NewReader(content[:len(content)/2]),
			iotest.ErrReader(errors.New("connection reset"))))
		for {
			_, err := r.Next()
			if err == nil {
				continue
			}
			if bad := (*errorobject.UnreadableError)(nil); err == io.EOF || errors.As(err, &bad) ||
				!strings.Contains(err.Error(), "connection reset") {
				t.Errorf("error %v, want the failure to read", err)
			}
			break
		}
	}
}

// generated is an object of any size that takes no memory: head, then fill size times, then tail.
func generated(head, fill string, size int64, tail string) io.Reader {
	return io.MultiReader(strings.NewReader(head), io.LimitReader(&endless{text: fill}, size), strings.NewReader(tail))
}

type endless struct {
	text string
	at   int
}

func (e *endless) Read(p []byte) (int, error) {
	n := 0
	for n < len(p) {
		c := copy(p[n:], e.text[e.at:])
		n += c
		e.at = (e.at + c) % len(e.text)
	}
	return n, nil
}

// TestMemoryIsBounded reads values above the limits and looks at every buffer that the reader holds.
func TestMemoryIsBounded(t *testing.T) {
	const large, size = 16 << 20, 2 << 20
	next := `{"errorCode":"Lambda.FunctionError","rawData":"eA=="}`
	for name, c := range map[string]struct {
		object     io.Reader
		unreadable bool
	}{
		"raw data": {generated(`{"errorCode":"Lambda.FunctionError","rawData":"`, "QUJD", large, `"}`+next),
			false},
		"message of escapes": {generated(`{"errorCode":"Lambda.FunctionError","errorMessage":"`, `\u00e9`, size/6*6,
			`"}`+next), false},
		"unknown field": {generated(`{"errorCode":"Lambda.FunctionError","new":"`, "x", size, `"}`+next), false},
		"key":           {generated(`{"errorCode":"Lambda.FunctionError","`, "x", size, `":1}`+next), false},
		"nesting": {generated(`{"errorCode":"Lambda.FunctionError","new":`, "[", size/4,
			strings.Repeat("]", size/4)+`}`+next), true},
		"number":              {generated(`{"errorCode":"Lambda.FunctionError","new":`, "1", size, "}\n"+next), false},
		"no newline, no JSON": {generated("x", "x", size, "\n"+next), true},
		"white space":         {generated("", " \n", size, next+next), false},
	} {
		t.Run(name, func(t *testing.T) {
			r := errorobject.NewReader(c.object)
			f, err := r.Next()
			if bad := (*errorobject.UnreadableError)(nil); errors.As(err, &bad) != c.unreadable ||
				err != nil && !c.unreadable {
				t.Fatalf("first document: %v", err)
			}
			if err == nil && f.ErrorCode != "Lambda.FunctionError" {
				t.Errorf("first document has code %q", f.ErrorCode)
			}
			if name == "raw data" && (!f.RawDataTooLong || f.RawData != nil) {
				t.Errorf("raw data of %d bytes was kept", large)
			}
			if f, err = r.Next(); err != nil || string(f.RawData) != "x" {
				t.Errorf("next document: %v", err)
			}
			held := r.Held()
			limit := 1 << 20
			if name == "raw data" {
				limit += errorobject.MaxRawData
			}
			if held > limit {
				t.Errorf("reader holds %d bytes, want at most %d", held, limit)
			}
		})
	}
}

// Readable leaves out what Next reports as unreadable, ends where the reader ends, and reports a broken source.
func TestReadable(t *testing.T) {
	content := `{"errorCode":"Lambda.One","rawData":"eA=="}` + "\n" + `{"errorCode":"torn` + "\n" +
		`{"errorCode":"Lambda.Two","rawData":"eA=="}` + "\n"
	broken := errors.New("connection reset")
	for name, c := range map[string]struct {
		source io.Reader
		want   error
	}{
		"whole":  {strings.NewReader(content), nil},
		"broken": {io.MultiReader(strings.NewReader(content), iotest.ErrReader(broken)), broken},
	} {
		t.Run(name, func(t *testing.T) {
			var codes []string
			var last error
			for failure, err := range errorobject.NewReader(c.source).Readable() {
				if last = err; err == nil {
					codes = append(codes, failure.ErrorCode)
				}
			}
			if fmt.Sprint(codes) != "[Lambda.One Lambda.Two]" || !errors.Is(last, c.want) {
				t.Errorf("got %v, %v", codes, last)
			}
		})
	}
	r := errorobject.NewReader(strings.NewReader(content))
	for range r.Readable() {
		break
	}
	if _, err := r.Next(); !errors.As(err, new(*errorobject.UnreadableError)) {
		t.Errorf("after the first document: %v", err)
	}
}

// TestReadingAllocatesLittle: an object of 1 GB must not make the collector's work grow beyond a few words a document.
func TestReadingAllocatesLittle(t *testing.T) {
	object := bytes.Repeat(errorobjects.Read(t, "testdata/objects")["lake-concatenated"], 1000)
	r := errorobject.NewReader(bytes.NewReader(object))
	perDocument := testing.AllocsPerRun(2000, func() {
		if _, err := r.Next(); err != nil {
			t.Fatal(err)
		}
	})
	if perDocument > 4 {
		t.Errorf("%.1f allocations a document, want at most 4: code, message, index, id", perDocument)
	}
}
