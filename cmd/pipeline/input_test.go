package main

import (
	"bytes"
	"compress/gzip"
	"compress/zlib"
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/iotest"
	"unicode/utf16"

	"firehose-pipeline/event"
)

const variants = 20

// fewVariants is their number in a short run, under the race detector.
const fewVariants = 2

func countVariants() int {
	if testing.Short() {
		return fewVariants
	}
	return variants
}

// input is one input: how it is made differs with i, from 0 to variants-1.
type input struct {
	kind string
	make func(i int) string
	want string // its format, as in the error; empty when it is sent
	// sent is the text sent, where it differs from the input.
	sent func(i int) string
}

// shopLines are n lines of the shop's events, each with a newline.
func shopLines(t testing.TB, n int) string {
	t.Helper()
	text, err := readShop()
	if err != nil {
		t.Fatal(err)
	}
	all := bytes.SplitAfterN(text, []byte("\n"), 501)
	var b strings.Builder
	for i := range n {
		b.Write(all[i%500])
	}
	return b.String()
}

var readShop = sync.OnceValues(func() ([]byte, error) { return os.ReadFile(storeEvents) })

func indentedLine(line string, indent string) string {
	var b bytes.Buffer
	if err := json.Indent(&b, []byte(strings.TrimSpace(line)), "", indent); err != nil {
		panic(err) // the shop's events are JSON
	}
	return b.String()
}

func written(open func(io.Writer) (io.WriteCloser, error), text string) string {
	var b bytes.Buffer
	w, err := open(&b)
	if err == nil {
		_, err = io.WriteString(w, text)
	}
	if err = errors.Join(err, w.Close()); err != nil {
		panic(err) // a buffer takes all
	}
	return b.String()
}

func gzipped(text string, level int) string {
	return written(func(w io.Writer) (io.WriteCloser, error) { return gzip.NewWriterLevel(w, level) }, text)
}

func wide(text string, order binary.AppendByteOrder, mark bool, bytesEach int) string {
	if mark {
		text = "\ufeff" + text
	}
	var b []byte
	if bytesEach == 4 {
		for _, r := range text {
			b = order.AppendUint32(b, uint32(r))
		}
		return string(b)
	}
	for _, unit := range utf16.Encode([]rune(text)) {
		b = order.AppendUint16(b, unit)
	}
	return string(b)
}

// sizes make small inputs, and some that are larger than the sample.
var sizes = [...]int{2, 3, 5, 8, 13, 40, 100, 250, 500, 1000}

func size(i int) int { return sizes[i%len(sizes)] }

// inputs are kinds of inputs, made of the shop's events.
func inputs(t testing.TB) []input {
	lines := func(i int) string { return shopLines(t, size(i)) }
	wideLines := func(order binary.AppendByteOrder, mark bool, bytesEach int) func(i int) string {
		return func(i int) string { return wide(lines(i), order, mark, bytesEach) }
	}
	split := func(i int) []string { return strings.Split(strings.TrimSuffix(lines(i), "\n"), "\n") }
	joined := func(i int, by string) string { return strings.Join(split(i), by) }
	bom := "\ufeff"
	pretty := func(i int) string {
		by := [...]string{"\n", "", "\n\n", "\r\n", " "}[i%5]
		var all []string
		for _, line := range split(i) {
			all = append(all, indentedLine(line, [...]string{"  ", "\t", "    ", ""}[i%4]))
		}
		return strings.Join(all, by) + [...]string{"\n", ""}[i%2]
	}
	table := func(by string, header bool) func(i int) string {
		return func(i int) string {
			var b strings.Builder
			if header {
				b.WriteString(strings.Join([]string{"event_id", "event_type", "amount", "user id"}[:2+i%3], by) + "\n")
			}
			for n := range size(i) {
				row := []string{fmt.Sprint("id-", n), "view", "9.99", `"a ` + by + ` b"`}
				columns := 2 + i%3
				if !header {
					columns = 3 + i%2
					row[0] = fmt.Sprint(n)
				}
				b.WriteString(strings.Join(row[:columns], by) + [...]string{"\n", "\r\n"}[i%2])
			}
			return b.String()
		}
	}
	bytesAfter := func(magic string) func(int) string {
		return func(i int) string { return magic + strings.Repeat("\x00\x01\n\xff", 1+i*i) }
	}
	return []input{
		{kind: "events", make: lines},
		{kind: "events, the last without a newline",
			make: func(i int) string { return strings.TrimSuffix(lines(i), "\n") }},
		{kind: "one event", make: func(i int) string { return strings.Repeat("\n", i) + shopLines(t, 1) }},
		{kind: "one event without a newline",
			make: func(i int) string {
				return strings.TrimSpace(shopLines(t,
					1+i)[:strings.Index(shopLines(t, 1), "\n")])
			}},
		{kind: "events with carriage returns",
			make: func(i int) string { return strings.ReplaceAll(lines(i), "\n", "\r\n") }},
		{kind: "blank lines between events", make: func(i int) string {
			return strings.ReplaceAll(lines(i), "\n",
				"\n \t\r\n\n")
		}},
		{kind: "a bad line before good ones", make: func(i int) string {
			bad := [...]string{`{"event_id":`, `[1,2]`, `[{"event_id":"x"}]`, "START RequestId: 1",
				`{"event_id":"cut","a`, `"text"`, "1,2,3", "null",
				`{"event_id":"x"},`, `{"event_id":"x"} x`, "{", "[", "<34>Oct 11 22:14:15 host su: failed",
				`{'event_id':'x'}`, "{\"a\":\"\xff\"}",
				"-", "event_id,event_type", "[2026-11-29] INFO", "{}}", `{"a":1}]`}
			return bad[i] + "\n" + lines(i)
		}},
		{kind: "long lines of one event", make: func(i int) string {
			return fmt.Sprintf(`{"event_id":"x","text":"%s"}`+"\n", strings.Repeat("y", 50_000*i)) + lines(i)
		}},
		{kind: "text lines", make: func(i int) string {
			return strings.Repeat([...]string{"no\n", "2026-11-29 10:00:00,123 INFO started\n",
				"START RequestId: 1\nEND\n", "[1,2]\n"}[i%4], size(i))
		}},
		{kind: "one bad line", make: func(i int) string {
			return [...]string{`{"event_id":`, "{", "x", "1,2", `{"a":1} x`}[i%5] + [...]string{"\n", ""}[i%2]
		}},
		{kind: "nothing", make: func(i int) string { return strings.Repeat("\n \r\n", i) }},

		{kind: "gzip", make: func(i int) string { return gzipped(lines(i), i%10) }, sent: lines},
		{kind: "gzip of several members", make: func(i int) string {
			return gzipped(lines(i), 1) + gzipped("", 1) +
				gzipped(lines(i+1), 9)
		},
			sent: func(i int) string { return lines(i) + lines(i+1) }},
		{kind: "a byte order mark", make: func(i int) string { return bom + lines(i) }, sent: lines},
		{kind: "a byte order mark in gzip", make: func(i int) string { return gzipped(bom+lines(i), 6) }, sent: lines},

		{kind: "an array", make: func(i int) string {
			return "[" + joined(i, [...]string{",", ", ", " , "}[i%3]) + "]" + [...]string{"\n", ""}[i%2]
		}, want: "a JSON array"},
		{kind: "an array, an element a line", make: func(i int) string {
			return [...]string{"[", "\n[", "[ "}[i%3] + "\n" + joined(i, ",\n") + "\n]\n"
		}, want: "a JSON array"},
		{kind: "an array over several lines",
			make: func(i int) string { return indentedLine("["+joined(i, ",")+"]", "  ") }, want: "a JSON array"},
		{kind: "an array in gzip", make: func(i int) string { return gzipped("["+joined(i, ",\n")+"]", 6) },
			want: "a JSON array"},
		{kind: "arrays, one a line", make: func(i int) string {
			return strings.Repeat("["+joined(0, ",")+"]\n", 1+i)
		}, want: "a JSON array"},
		{kind: "JSON over several lines", make: pretty, want: "JSON over several lines"},
		{kind: "JSON over several lines, with objects on lines of their own", make: func(i int) string {
			return fmt.Sprintf("{\n  \"items\": [\n    {\"a\":1},\n    {\"a\":%d}\n  ]\n}\n", i)
		}, want: "JSON over several lines"},
		{kind: "JSON over several lines, cut off", make: func(i int) string { return pretty(i)[:30+i] },
			want: "JSON over several lines"},
		{kind: "JSON over several lines with a mistake", make: func(i int) string {
			return strings.Replace(indentedLine(shopLines(t, 1), "  "), "\n}",
				[...]string{",", ",,", ", NaN", " // x"}[i%4]+"\n}", 1)
		}, want: "JSON over several lines"},
		{kind: "joined objects", make: func(i int) string {
			return joined(i, [...]string{"", " ", "  "}[i%3]) +
				[...]string{"\n", ""}[i%2]
		},
			want: "JSON objects without a newline between them"},
		{kind: "joined objects over several lines",
			make: func(i int) string { return strings.Repeat(joined(i, "")+"\n", 2) },
			want: "JSON objects without a newline between them"},
		{kind: "objects with commas at the ends of lines", make: func(i int) string {
			return joined(i, [...]string{",\n", ",\r\n", ", \n"}[i%3]) + [...]string{"", ",", ",\n", "\n"}[i%4]
		},
			want: "JSON objects with commas between them"},
		{kind: "objects with commas on a line",
			make: func(i int) string { return joined(i, [...]string{",", ", "}[i%2]) + "\n" },
			want: "JSON objects with commas between them"},
		{kind: "a text sequence", make: func(i int) string { return "\x1e" + joined(i, "\n\x1e") + "\n" },
			want: "a JSON text sequence (RFC 7464)"},
		{kind: "UTF-16 of PowerShell", make: func(i int) string {
			return wide(strings.ReplaceAll(lines(i), "\n", "\r\n"), binary.LittleEndian, true, 2)
		},
			want: "text in UTF-16, as PowerShell writes it"},
		{kind: "UTF-16, big endian", make: wideLines(binary.BigEndian, true, 2),
			want: "text in UTF-16"},
		{kind: "UTF-16LE without a mark", make: wideLines(binary.LittleEndian, false, 2), want: "text in UTF-16LE"},
		{kind: "UTF-16BE without a mark", make: wideLines(binary.BigEndian, false, 2), want: "text in UTF-16BE"},
		{kind: "UTF-16 of an array", make: func(i int) string {
			return wide(indentedLine("["+joined(i, ",")+"]", " "), binary.LittleEndian, false, 2)
		},
			want: "text in UTF-16LE"},
		{kind: "UTF-32", make: func(i int) string {
			return [...]string{wide(lines(i), binary.LittleEndian, true, 4),
				wide(lines(i), binary.BigEndian, true, 4)}[i%2]
		}, want: "text in UTF-32"},
		{kind: "UTF-32LE without a mark", make: wideLines(binary.LittleEndian, false, 4), want: "text in UTF-32LE"},
		{kind: "UTF-32BE without a mark", make: wideLines(binary.BigEndian, false, 4), want: "text in UTF-32BE"},
		{kind: "CSV", make: table(",", true), want: "CSV"},
		{kind: "CSV with semicolons", make: table(";", true), want: "CSV with semicolons"},
		{kind: "tab-separated", make: table("\t", true), want: "tab-separated values"},
		{kind: "bars", make: table("|", true), want: "values separated by |"},
		{kind: "CSV without a header", make: table(",", false),
			want: "CSV without names of columns (write them in place of c1, c2 and so on)"},
		{kind: "XML", make: func(i int) string {
			return [...]string{`<?xml version="1.0"?>` + "\n", "<!DOCTYPE html>\n", "<events>\n", "<HTML>"}[i%4] +
				strings.Repeat("<event id=\"1\"/>\n", size(i))
		}, want: "XML or HTML"},
		{kind: "gzip twice", make: func(i int) string { return gzipped(gzipped(lines(i), 1), i%10) },
			want: "gzip within gzip"},
		{kind: "zlib", make: func(i int) string {
			return written(func(w io.Writer) (io.WriteCloser, error) { return zlib.NewWriterLevel(w, i%10) }, lines(i))
		}, want: "zlib"},
		{kind: "Zstandard", make: bytesAfter("\x28\xb5\x2f\xfd"), want: "Zstandard"},
		{kind: "xz", make: bytesAfter("\xfd7zXZ\x00"), want: "xz"},
		{kind: "bzip2", make: bytesAfter("BZh91AY&SY"), want: "bzip2"},
		{kind: "LZ4", make: bytesAfter("\x04\x22\x4d\x18"), want: "LZ4"},
		{kind: "compress", make: bytesAfter("\x1f\x9d\x90"), want: "compressed by compress"},
		{kind: "ZIP", make: bytesAfter("PK\x03\x04"), want: "a ZIP archive"},
		{kind: "7z", make: bytesAfter("7z\xbc\xaf\x27\x1c"), want: "a 7z archive"},
		{kind: "tar", make: func(i int) string {
			header := make([]byte, 512)
			copy(header, "events.ndjson")
			copy(header[257:], "ustar\x00")
			return string(header) + lines(i)
		}, want: "a tar archive"},
		{kind: "Parquet", make: bytesAfter("PAR1\x15\x04"), want: "Parquet"},
		{kind: "ORC", make: bytesAfter("ORC\x08"), want: "ORC"},
		{kind: "Arrow", make: bytesAfter("ARROW1\x00\x00"), want: "Arrow"},
		{kind: "Avro", make: bytesAfter("Obj\x01\x04"), want: "Avro"},
		{kind: "SQLite", make: bytesAfter("SQLite format 3\x00"), want: "a SQLite database"},
		{kind: "PDF", make: bytesAfter("%PDF-1.7\n"), want: "a PDF document"},
	}
}

// whatIs reads the input to its end, or to its refusal.
func whatIs(input io.Reader) (is, text string, err error) {
	s, err := openEvents("-", "pipeline send", input, io.Discard)
	if err != nil {
		return "", "", err
	}
	s.search = true
	got, err := io.ReadAll(s)
	var other *unsuitable
	if errors.As(err, &other) {
		return other.found.name, string(got), nil
	}
	return "", string(got), err
}

func TestInputs(t *testing.T) {
	for _, c := range inputs(t) {
		t.Run(c.kind, func(t *testing.T) {
			for i := range countVariants() {
				text := c.make(i)
				want := text
				if c.sent != nil {
					want = c.sent(i)
				}
				if c.want != "" {
					want = ""
				}
				readers := map[string]io.Reader{"at once": strings.NewReader(text)}
				switch {
				case len(text) < 3000:
					readers["byte by byte"] = iotest.OneByteReader(strings.NewReader(text))
				case i%2 == 0:
					readers["in halves"] = iotest.HalfReader(strings.NewReader(text))
				default:
					readers["with the end"] = iotest.DataErrReader(strings.NewReader(text))
				}
				for how, reader := range readers {
					is, got, err := whatIs(reader)
					if err != nil || is != c.want || got != want {
						t.Errorf("variant %d, %s: is %q, %v, want %q, for %.80q; read %d bytes, want %d", i, how, is,
							err, c.want, text, len(got), len(want))
					}
				}
			}
		})
	}
}

// The files that were handed in as they are.
func TestInputFiles(t *testing.T) {
	for name, want := range map[string]string{"input-array.json": "a JSON array",
		"input-pretty.json": "JSON over several lines", "input-bom.ndjson": "",
		"input-joined.json":  "JSON objects without a newline between them",
		"input-utf16.ndjson": "text in UTF-16, as PowerShell writes it", "input.ndjson.gz": ""} {
		t.Run(name, func(t *testing.T) {
			text, err := os.ReadFile(filepath.Join("testdata", "inputs", name))
			if err != nil {
				t.Fatal(err)
			}
			is, got, err := whatIs(bytes.NewReader(text))
			if err != nil || is != want {
				t.Errorf("is %q, %v, want %q", is, err, want)
			}
			for line := range strings.Lines(got) {
				if err := event.Check(event.Search, []byte(line)); err != nil {
					t.Errorf("%q: %v", line, err)
				}
			}
			if (got == "") != (want != "") {
				t.Errorf("read %d bytes", len(got))
			}
		})
	}
}

// A pipe is read no further than it takes to know the first line.
func TestInputOfAPipe(t *testing.T) {
	t.Run("an event is handed on while the next line is yet to come", func(t *testing.T) {
		reader, writer := io.Pipe()
		defer writer.Close()
		go func() {
			_, _ = io.WriteString(writer, "\n{\"event_id\"") // the test's end closes the pipe
			_, _ = io.WriteString(writer, ":\"a\"}\n")
		}()
		s, err := openEvents("-", "pipeline send", reader, io.Discard)
		if err != nil {
			t.Fatal(err)
		}
		buffer := make([]byte, 100)
		n, err := s.Read(buffer)
		if got := string(buffer[:n]); err != nil || got != "\n{\"event_id\":\"a\"}\n" {
			t.Errorf("got %q, %v", got, err)
		}
	})
	t.Run("an array is refused while its elements are yet to come", func(t *testing.T) {
		reader, writer := io.Pipe()
		defer writer.Close()
		go func() { _, _ = io.WriteString(writer, "[\n{\"event_id\":\"a\"},\n") }()
		if is, _, err := whatIs(reader); is != "a JSON array" || err != nil {
			t.Errorf("is %q, %v", is, err)
		}
	})
	t.Run("what comes before an error is read", func(t *testing.T) {
		broken := errors.New("cable cut")
		for _, text := range []string{"{\"event_id\":\"a\"}\n", "x", "{\"event_id\":", "\x1f", "\n", ""} {
			if is, got, err := whatIs(io.MultiReader(strings.NewReader(text), iotest.ErrReader(broken))); is != "" ||
				got != text || !errors.Is(err, broken) {
				t.Errorf("%q: is %q, read %q, %v", text, is, got, err)
			}
		}
	})
	t.Run("gzip that is cut off gives its lines and an error", func(t *testing.T) {
		packed := gzipped(shopLines(t, 100), 6)
		is, got, err := whatIs(strings.NewReader(packed[:len(packed)-30]))
		if is != "" || !errors.Is(err, io.ErrUnexpectedEOF) || !strings.HasPrefix(shopLines(t, 100), got) ||
			len(got) < 1000 {
			t.Errorf("is %q, read %d bytes, %v", is, len(got), err)
		}
		if want := "-: gzip that is cut off: unexpected EOF"; err == nil || err.Error() != want {
			t.Errorf("error: got %v, want %s", err, want)
		}
	})
	t.Run("gzip that is damaged gives an error that names it", func(t *testing.T) {
		packed := []byte(gzipped(shopLines(t, 100), 6))
		packed[len(packed)-8] ^= 1 // the checksum
		const want = "-: gzip that is damaged: gzip: invalid checksum"
		if _, _, err := whatIs(bytes.NewReader(packed)); err == nil || err.Error() != want {
			t.Errorf("error: got %v, want %s", err, want)
		}
	})
	t.Run("what only begins as gzip is named", func(t *testing.T) {
		if _, _, err := whatIs(strings.NewReader("\x1f\x8b no gzip at all")); err == nil ||
			err.Error() != "-: begins like gzip: gzip: invalid header" {
			t.Errorf("got %v", err)
		}
	})
	t.Run("joined objects go to a lake stream alone", func(t *testing.T) {
		s, err := openEvents("-", "pipeline send", strings.NewReader("{}{}\n"), io.Discard)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := io.ReadAll(s); err != nil || string(got) != "{}{}\n" {
			t.Errorf("got %q, %v", got, err)
		}
	})
}

// The commands of the errors, run as printed, convert the input to events. Commands whose programs are missing do not
// run.
func TestConversions(t *testing.T) {
	packed := func(program string) func(int) string {
		return func(i int) string {
			c := exec.Command(program, "-c")
			c.Stdin = strings.NewReader(shopLines(t, size(i)))
			text, err := c.Output()
			if err != nil {
				t.Fatalf("%s: %v", program, err)
			}
			return string(text)
		}
	}
	events := func(i int) int { return strings.Count(shopLines(t, size(i)), "\n") }
	made := map[string]func(int) string{}
	for _, c := range inputs(t) {
		made[c.kind] = c.make
	}
	for _, c := range []struct {
		kind, program string
		make          func(int) string
	}{
		{"an array", "jq", nil}, {"an array, an element a line", "jq", nil}, {"an array over several lines", "jq", nil},
		{"an array in gzip", "jq", nil},
		{"JSON over several lines", "jq", nil}, {"joined objects", "jq", nil},
		{"objects with commas on a line", "jq", nil},
		{"objects with commas at the ends of lines", "sed", nil}, {"a text sequence", "tr", nil},
		{"UTF-16 of PowerShell", "iconv", nil}, {"UTF-16, big endian", "iconv", nil},
		{"UTF-16LE without a mark", "iconv", nil},
		{"UTF-16BE without a mark", "iconv", nil}, {"UTF-32", "iconv", nil}, {"UTF-32LE without a mark", "iconv", nil},
		{"UTF-32BE without a mark", "iconv", nil},
		{"CSV", "python3", nil}, {"CSV with semicolons", "python3", nil}, {"tab-separated", "python3", nil},
		{"bars", "python3", nil},
		{"CSV without a header", "python3", nil}, {"gzip twice", "gzip", nil}, {"zlib", "python3", nil},
		{"Zstandard", "zstd", packed("zstd")}, {"xz", "xz", packed("xz")}, {"bzip2", "bzip2", packed("bzip2")},
		{"LZ4", "lz4", packed("lz4")},
	} {
		t.Run(c.kind, func(t *testing.T) {
			t.Parallel()
			if _, err := exec.LookPath(c.program); err != nil {
				t.Skipf("%s is not here", c.program)
			}
			make := c.make
			if make == nil {
				make = made[c.kind]
			}
			for _, i := range []int{1, 6} {
				path := filepath.Join(t.TempDir(), "it's events")
				if err := os.WriteFile(path, []byte(make(i)), 0o644); err != nil {
					t.Fatal(err)
				}
				s, err := openEvents(path, "pipeline send", nil, io.Discard)
				if err == nil {
					s.search = true
					err = s.inspect()
				}
				if err == nil {
					t.Fatal("must be refused")
				}
				_, convert, _ := strings.Cut(err.Error(), "This converts it:\n  ")
				convert, _, ok := strings.Cut(convert, " | pipeline send --events - …")
				if !ok {
					t.Fatalf("got %v", err)
				}
				ctx, cancel := context.WithCancel(t.Context())
				defer cancel()
				text, err := exec.CommandContext(ctx, "bash", "-c", "set -o pipefail; "+convert).Output()
				if err != nil {
					t.Fatalf("%s: %v", convert, err)
				}
				is, got, err := whatIs(bytes.NewReader(text))
				n := 0
				for line := range strings.Lines(got) {
					if err := event.Check(event.Search, []byte(line)); err != nil {
						t.Fatalf("%s: %q: %v", convert, line, err)
					}
					n++
				}
				if is != "" || err != nil || n != events(i) {
					t.Errorf("%s: gives %q, %v, %d lines, want %d", convert, is, err, n, events(i))
				}
			}
		})
	}
}
