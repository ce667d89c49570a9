package parquetrows

import (
	"bytes"
	"fmt"
	"testing"

	format "github.com/parquet-go/parquet-go"
)

type meta struct {
	ID *string `parquet:"id,optional"`
}

type row struct {
	EventID *string  `parquet:"event_id,optional"`
	Number  *int64   `parquet:"number,optional"`
	Meta    meta     `parquet:"meta"`
	Tags    []string `parquet:"tags,list"`
}

func TestFind(t *testing.T) {
	var file bytes.Buffer
	w := format.NewGenericWriter[row](&file, format.MaxRowsPerRowGroup(700), format.PageBufferSize(512))
	for i := range int64(2000) {
		r := row{Tags: []string{"a", "b"}}
		if i%3 != 0 { // rows without an id count, too
			id, number := fmt.Sprint("e-", i/4), i/4
			r.EventID, r.Number, r.Meta.ID = &id, &number, &id
		}
		if _, err := w.Write([]row{r}); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	f, err := format.OpenFile(bytes.NewReader(file.Bytes()), int64(file.Len()))
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		column []string
		value  string
		most   int
		want   string
	}{
		{[]string{"event_id"}, "e-0", 9, "[2 3]"}, {[]string{"event_id"}, "e-400", 9, "[1601 1602 1604]"},
		{[]string{"event_id"}, "e-400", 2, "[1601 1602]"}, {[]string{"event_id"}, "e-", 9, "[]"},
		{[]string{"number"}, "499", 9, "[1997 1998 2000]"}, {[]string{"number"}, "0499", 9, "[]"},
		{[]string{"meta", "id"}, "e-400", 9, "[1601 1602 1604]"}, {[]string{"missing"}, "e-0", 9, "[]"},
		{[]string{"meta"}, "e-0", 9, "[]"}, {[]string{"tags", "list", "element"}, "a", 9, "[]"},
	} {
		found, err := Find(f, c.column, []string{c.value}, c.most)
		if err != nil {
			t.Fatal(err)
		}
		numbers := []int64{}
		for _, r := range found {
			numbers = append(numbers, r.Number)
			if c.column[0] == "event_id" && (r.Values["event_id"] != c.value || r.Key != c.value) {
				t.Errorf("row %d: got %v", r.Number, r.Values)
			}
		}
		if fmt.Sprint(numbers) != c.want {
			t.Errorf("%v = %s: got %v, want %s", c.column, c.value, numbers, c.want)
		}
	}
}
