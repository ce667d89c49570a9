package parquet

import (
	"bytes"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"strings"
	"testing"

	format "github.com/parquet-go/parquet-go"
	"github.com/parquet-go/parquet-go/deprecated"

	"firehose-pipeline/schema"
)

var update = flag.Bool("update", false, "write the golden files")

// shop is the table of the golden file. It is written out, so that a field added to the schema does not change the
// file.
var shop = table(
	"event_id string", "user_id string", "event_type string", "amount double", "product_id string", "timestamp string",
	"session_id string", "category_id bigint", "category_code string", "brand string", "processed_timestamp string",
	"processing_status string", "user_category string", "amount_category string", "amount_tier string",
	"event_category string",
	"data_quality_score double", "malformed map<string,string>",
)

// TestGolden pins what such a table makes of real events and of hard ones, in every compression.
func TestGolden(t *testing.T) {
	input, err := os.ReadFile("testdata/records.ndjson")
	if err != nil {
		t.Fatal(err)
	}
	for _, compression := range []string{"SNAPPY", "GZIP", "UNCOMPRESSED"} {
		t.Run(compression, func(t *testing.T) {
			f, malformed := convert(t, shop, compression, strings.Split(strings.TrimSpace(string(input)), "\n")...)
			got := f.Schema().String() + "\n\n" + strings.Join(rows(t, f), "\n") + "\n\n"
			for i, m := range malformed {
				if m != nil {
					got += fmt.Sprintf("line %d: %v\n", i+1, m)
				}
			}
			for _, c := range f.Metadata().RowGroups[0].Columns {
				if c.MetaData.Codec.String() != compression {
					t.Errorf("column %v is compressed with %v", c.MetaData.PathInSchema, c.MetaData.Codec)
				}
			}
			const golden = "testdata/records.golden"
			if *update && compression == "SNAPPY" {
				if err := os.WriteFile(golden, []byte(got), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(golden)
			if err != nil {
				t.Fatal(err)
			}
			if got != string(want) {
				t.Errorf("got\n%s\nwant\n%s", got, want)
			}
		})
	}
}

// TestSchema pins the Parquet types against those Hive writes, and the order of the columns. (That bigint and int are
// signed integers, parquet-go says in so many words; Hive leaves it to the physical type, which means the same.)
func TestSchema(t *testing.T) {
	f, _ := convert(t, table("z string", "a double", "b bigint", "c boolean", "d int", "e timestamp", "f float",
		"g smallint", "h tinyint", "n date", "m map<string,string>", "l array<int>", "s struct<y:string,x:int>"), "SNAPPY")
	want := `message hive_schema {
	optional binary z (STRING);
	optional double a;
	optional int64 b (INT(64,true));
	optional boolean c;
	optional int32 d (INT(32,true));
	optional int96 e;
	optional float f;
	optional int32 g (INT(16,true));
	optional int32 h (INT(8,true));
	optional int32 n (DATE);
	optional group m (MAP) {
		repeated group key_value {
			required binary key (STRING);
			optional binary value (STRING);
		}
	}
	optional group l (LIST) {
		repeated group list {
			optional int32 element (INT(32,true));
		}
	}
	optional group s {
		optional binary y (STRING);
		optional int32 x (INT(32,true));
	}
}`
	if got := f.Schema().String(); got != want {
		t.Errorf("schema\n%s\nwant\n%s", got, want)
	}
	if f.NumRows() != 0 {
		t.Errorf("%d rows in an empty file", f.NumRows())
	}
	for _, e := range f.Metadata().Schema { // older readers look at the converted type
		if e.Name == "z" && e.ConvertedType.V != deprecated.UTF8 {
			t.Errorf("column z has converted type %v, want UTF8", e.ConvertedType.V)
		}
	}
}

func TestWrongTables(t *testing.T) {
	for _, tt := range []struct {
		rule        string
		columns     []schema.Column
		compression string
		want        string
	}{
		{"no columns", nil, "SNAPPY", "no columns"},
		{"the same column in two cases", table("a string", "A int"), "SNAPPY", `column "A": named twice`},
		{"an unknown type", table("a varchar(10)"), "SNAPPY", `unsupported type "varchar(10)"`},
		{"set, which Firehose refuses", table("a set<string>"), "SNAPPY", "use array"},
		{"an open bracket", table("a array<string"), "SNAPPY", `no '>' at byte 12`},
		{"text after the type", table("a array<string>>"), "SNAPPY", `">" after the type`},
		{"a map of one type", table("a map<string>"), "SNAPPY", "wants two"},
		{"a map with other keys than strings", table("a map<int,int>"), "SNAPPY", "must be a string"},
		{"a struct with a field twice", table("a struct<x:int,X:int>"), "SNAPPY", `field "x" twice`},
		{"a struct without a field name", table("a struct<:int>"), "SNAPPY", "no field name"},
		{"a type too deep", table("a " + strings.Repeat("array<", 40) + "int" + strings.Repeat(">", 40)), "SNAPPY",
			"nested deeper than 32"},
		{"an unknown compression", table("a string"), "snappy", `must be SNAPPY, GZIP or UNCOMPRESSED (got "snappy")`},
	} {
		t.Run(tt.rule, func(t *testing.T) {
			if _, err := NewWriter(io.Discard, tt.columns, tt.compression); err == nil ||
				!strings.Contains(err.Error(), tt.want) {
				t.Errorf("error %v, want %q", err, tt.want)
			}
		})
	}
}

// TestDeepestType writes through every level that a type may have.
func TestDeepestType(t *testing.T) {
	depth := maxTypeDepth - 1
	record := `{"a":` + strings.Repeat("[", depth) + "7" + strings.Repeat("]", depth) + "}"
	f, malformed := convert(t, table("a "+strings.Repeat("array<", depth)+"int"+strings.Repeat(">", depth)), "SNAPPY",
		record)
	if got := rows(t, f); malformed[0] != nil || len(got) != 1 || got[0] != record {
		t.Errorf("rows %v, error %v, want %s", got, malformed[0], record)
	}
}

// TestMalformedAcrossRowGroups mixes bad records into several row groups and looks for every good one, in order.
func TestMalformedAcrossRowGroups(t *testing.T) {
	var records []string
	for i := range 3 * rowGroupRows {
		records = append(records, fmt.Sprintf(`{"n":%d,"m":{"k":"%d"}}`, i, i))
		if i%7 == 0 {
			records = append(records, fmt.Sprintf(`{"n":%d,"m":{"k":"%d"}}{"m":{"k":"x","l":"y"},"n":"x"}`, -i, i))
		}
	}
	f, malformed := convert(t, table("n bigint", "m map<string,string>"), "UNCOMPRESSED", records...)
	if len(f.RowGroups()) != 3 {
		t.Errorf("%d row groups, want 3", len(f.RowGroups()))
	}
	bad := 0
	for _, m := range malformed {
		if m != nil {
			bad++
		}
	}
	if want := (3*rowGroupRows + 6) / 7; bad != want {
		t.Errorf("%d malformed, want %d", bad, want)
	}
	for i, row := range rows(t, f) {
		if want := fmt.Sprintf(`{"m":{"k":"%d"},"n":%d}`, i, i); row != want {
			t.Fatalf("row %d is %s, want %s", i, row, want)
		}
	}
}

// TestRecordOfManyDocuments is about records longer than the staged rows: all or none even then.
func TestRecordOfManyDocuments(t *testing.T) {
	many := strings.Repeat(`{"n":1}`, 10*stagedRows)
	f, malformed := convert(t, table("n bigint"), "SNAPPY", `{"n":0}`, many+`{"n":"x"}`, many, `{"n":2}`)
	if malformed[1] == nil || malformed[0] != nil || malformed[2] != nil || malformed[3] != nil {
		t.Errorf("errors %v, want one for the second", malformed)
	}
	got := rows(t, f)
	if want := 10*stagedRows + 2; len(got) != want {
		t.Fatalf("%d rows, want %d", len(got), want)
	}
	if got[0] != `{"n":0}` || got[1] != `{"n":1}` || got[len(got)-1] != `{"n":2}` {
		t.Errorf("rows %s, %s … %s", got[0], got[1], got[len(got)-1])
	}
}

// TestRecordIsNotKept reuses the record's memory, as a reader of lines would.
func TestRecordIsNotKept(t *testing.T) {
	var file bytes.Buffer
	w, err := NewWriter(&file, table("a string", "m map<string,string>"), "SNAPPY")
	if err != nil {
		t.Fatal(err)
	}
	buffer := make([]byte, 0, 100)
	for _, c := range []string{"x", "y"} {
		buffer = fmt.Appendf(buffer[:0], `{"a":"%s","m":{"%s":"%s"}}`, c, c, c)
		if err := w.Write(buffer); err != nil {
			t.Fatal(err)
		}
	}
	clear(buffer)
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	if got, want := strings.Join(rows(t, open(t, file.Bytes())), " "),
		`{"a":"x","m":{"x":"x"}} {"a":"y","m":{"y":"y"}}`; got != want {
		t.Errorf("rows %s, want %s", got, want)
	}
}

type full struct{ room int }

var errFull = errors.New("no space left")

func (f *full) Write(p []byte) (int, error) {
	if f.room -= len(p); f.room < 0 {
		return 0, errFull
	}
	return len(p), nil
}

// TestDestinationFails: the error is the destination's, not the record's, and it stays.
func TestDestinationFails(t *testing.T) {
	for _, room := range []int{0, 100000} {
		w, err := NewWriter(&full{room}, twelve, "UNCOMPRESSED")
		if err != nil {
			t.Fatal(err)
		}
		var failed error
		for _, record := range events(rowGroupRows + stagedRows) {
			if failed = w.Write(record); failed != nil {
				break
			}
		}
		if !errors.Is(failed, errFull) {
			t.Errorf("Write: %v, want %v", failed, errFull)
		}
		if err := w.Close(); !errors.Is(err, errFull) {
			t.Errorf("Close: %v, want %v", err, errFull)
		}
	}
	t.Run("in the footer", func(t *testing.T) {
		w, err := NewWriter(&full{}, twelve, "SNAPPY")
		if err != nil {
			t.Fatal(err)
		}
		if err := w.Close(); !errors.Is(err, errFull) {
			t.Errorf("Close: %v, want %v", err, errFull)
		}
	})
}

func TestClosed(t *testing.T) {
	w, err := NewWriter(io.Discard, twelve, "SNAPPY")
	if err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	if w.Write([]byte(`{}`)) == nil || w.Close() == nil {
		t.Error("a closed file can be written")
	}
}

// TestMemory bounds the memory of the writer, for any input: nothing that grows with the file may be kept but the
// footer, and nothing that a large record needed.
func TestMemory(t *testing.T) {
	var written bytes.Buffer
	w, err := NewWriter(&written, twelve, "SNAPPY")
	if err != nil {
		t.Fatal(err)
	}
	// The bounds are figures of their own, so that a constant of the writer cannot be raised unseen.
	const (
		mostStagedText  = 1 << 20
		mostStagedRows  = 256
		mostKept        = 2 << 20
		mostHeld        = 5 << 20 // one batch more than a row group
		mostRowsInGroup = 20_000
	)
	at, offset := int64(0), 0 // rows and bytes at the last row group
	check := func() {
		t.Helper()
		if w.rows > mostStagedRows || cap(w.text) > mostKept {
			t.Fatalf("%d rows and room for %d bytes staged", w.rows, cap(w.text))
		}
		text := 0
		for _, values := range w.staged {
			for _, v := range values {
				if v.Kind() == format.ByteArray {
					text += len(v.ByteArray())
				}
			}
		}
		if text > mostStagedText {
			t.Fatalf("%d bytes of text staged", text)
		}
		for i, values := range w.staged {
			if cap(values)*valueBytes > mostKept {
				t.Fatalf("column %d keeps %d values", i, cap(values))
			}
		}
		if held := w.file.Size() - int64(written.Len()); held > mostHeld {
			t.Fatalf("%d bytes not yet written", held)
		}
		if written.Len() != offset {
			at, offset = w.Rows(), written.Len()
		}
		if since := w.Rows() - at; since > mostRowsInGroup {
			t.Fatalf("%d rows since the last row group", since)
		}
	}
	for i, record := range events(60_000) {
		if err := w.Write(record); err != nil {
			t.Fatal(err)
		}
		if i%10 == 0 {
			check()
		}
	}
	for range 2 * stagedRows {
		if err := w.Write([]byte(`{"event_id":"` + strings.Repeat("x", 20<<10) + `"}`)); err != nil {
			t.Fatal(err)
		}
		check()
	}
	for _, large := range []string{
		strings.Repeat(`{}`, 100_000),
		`{"event_id":"` + strings.Repeat("x", 3<<20) + `"}`,
		`{"event_id":` + strings.Repeat("[", 900) + strings.Repeat("]", 900) + `}`,
	} {
		if err := w.Write([]byte(large)); err != nil {
			t.Fatal(err)
		}
		if err := w.Write([]byte(strings.Repeat(`{}`, stagedRows))); err != nil { // writes the staged rows
			t.Fatal(err)
		}
		at = w.Rows()
		check()
	}
	var bad strings.Builder
	for i := range 50_000 {
		fmt.Fprintf(&bad, `{"malformed":{"k%d":"v"}}`, i)
	}
	if err := w.Write([]byte(bad.String() + "x")); err == nil {
		t.Fatal("a malformed record was taken")
	}
	if err := w.Write([]byte(strings.Repeat(`{}`, stagedRows))); err != nil {
		t.Fatal(err)
	}
	check()
}

// TestNoAllocations: a record costs no memory of its own.
func TestNoAllocations(t *testing.T) {
	w, err := NewWriter(io.Discard, twelve, "SNAPPY")
	if err != nil {
		t.Fatal(err)
	}
	records := events(4096)
	i := 0
	if allocations := testing.AllocsPerRun(len(records), func() {
		if err := w.Write(records[i%len(records)]); err != nil {
			t.Fatal(err)
		}
		i++
	}); allocations > 1 {
		t.Errorf("%v allocations a record, want at most 1", allocations)
	}
}

// FuzzWrite: whatever the record, it is malformed or its rows are written, its neighbours are not touched, and the file
// can be read.
func FuzzWrite(f *testing.F) {
	for _, seed := range []string{
		``, ` `, `{}`, `{}{}`, `[{}]`, `{"s":"\ud800","S":1}`,
		`{"d":"1e5","b":9223372036854775807,"o":"true","t":"2017-02-07 15:13:01.14"}`,
		`{"m":{"A":"x","b":null},"l":[[1],[],"2"],"r":{"x":["q"],"y":{"z":1.5}}}`,
		`{"r":["x",[1]],"l":7,"t":1518033528.5}`,
		`{"s":{"A":[{"b":"\u0041"}]}}`, `{"i":2147483648}`, strings.Repeat(`{"s":"x"}`, 2*stagedRows),
		`{"u":{"k":1,"K":2}}`,
	} {
		f.Add([]byte(seed))
	}
	columns := table("s string", "d double", "b bigint", "i int", "o boolean", "t timestamp", "m map<string,string>",
		"l array<array<int>>", "r struct<x:array<string>,y:struct<z:float>>")
	f.Fuzz(func(t *testing.T, record []byte) {
		var file bytes.Buffer
		w, err := NewWriter(&file, columns, "SNAPPY")
		if err != nil {
			t.Fatal(err)
		}
		guard := []byte(`{"s":"guard","m":{"k":"v"},"l":[[1,2]]}`)
		if err := w.Write(guard); err != nil {
			t.Fatal(err)
		}
		given := bytes.Clone(record)
		err = w.Write(record)
		if !bytes.Equal(given, record) {
			t.Fatal("the record was changed")
		}
		var malformed *MalformedError
		if err != nil && !errors.As(err, &malformed) {
			t.Fatal(err)
		}
		if (malformed != nil) != (w.Rows() == 1) {
			t.Fatalf("%d rows, error %v", w.Rows(), err)
		}
		if err := w.Write(guard); err != nil {
			t.Fatal(err)
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		got := rows(t, open(t, file.Bytes()))
		if int64(len(got)) != w.Rows() {
			t.Fatalf("%d rows read, %d written", len(got), w.Rows())
		}
		for _, i := range []int{0, len(got) - 1} {
			if !strings.Contains(got[i], `"s":"guard"`) || !strings.Contains(got[i], `"m":{"k":"v"}`) ||
				!strings.Contains(got[i], `"l":[[1,2]]`) {
				t.Fatalf("row %d is %s", i, got[i])
			}
		}
	})
}
