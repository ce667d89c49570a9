package parquetrows

import (
	"bytes"
	"math"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	format "github.com/parquet-go/parquet-go"
	"github.com/parquet-go/parquet-go/deprecated"
)

type point struct {
	Lat *float64 `parquet:"lat,optional"`
	Lon float64  `parquet:"lon"`
}

type record struct {
	Name   *string             `parquet:"name,optional"`
	Count  int64               `parquet:"count"`
	Small  int32               `parquet:"small"`
	Ok     *bool               `parquet:"ok,optional"`
	Single float32             `parquet:"single"`
	Day    *int32              `parquet:"day,optional,date"`
	At     deprecated.Int96    `parquet:"at"`
	Where  *point              `parquet:"where,optional"`
	Tags   []string            `parquet:"tags,list,optional"`
	Path   []point             `parquet:"path,list,optional"`
	Grid   [][]int64           `parquet:"grid,list,optional"`
	Labels map[string]*float64 `parquet:"labels,optional" parquet-value:",optional"`
}

func ptr[T any](v T) *T { return &v }

var rows = []record{
	{Name: ptr("é\x00\""), Count: math.MinInt64, Small: -1, Ok: ptr(true), Single: 1.5, Day: ptr(int32(20_000)), At: deprecated.Int96{1, 0, 2_440_589},
		Where: &point{Lat: ptr(0.1), Lon: 2}, Tags: []string{"a", ""}, Path: []point{{Lon: 1}, {Lat: ptr(5.0), Lon: 2}},
		Labels: map[string]*float64{"x": ptr(7.5), "": ptr(-1.0)}},
	{},
	{Ok: ptr(false), Where: &point{}, Tags: []string{}, Path: []point{{}}},
}

var want = []map[string]any{
	{"name": "é\x00\"", "count": int64(math.MinInt64), "small": int32(-1), "ok": true, "single": float32(1.5), "day": int32(20_000),
		"at": "1970-01-02T00:00:00.000000001Z", "where": map[string]any{"lat": 0.1, "lon": 2.0}, "tags": []any{"a", ""},
		"path": []any{map[string]any{"lat": nil, "lon": 1.0}, map[string]any{"lat": 5.0, "lon": 2.0}},
		"grid": nil, "labels": map[string]any{"x": 7.5, "": -1.0}},
	{"name": nil, "count": int64(0), "small": int32(0), "ok": nil, "single": float32(0), "day": nil, "at": "-4713-11-24T00:00:00Z", "where": nil,
		"tags": nil, "path": nil, "grid": nil, "labels": nil},
}

func write(t *testing.T, groups ...[]record) []byte {
	t.Helper()
	var out bytes.Buffer
	w := format.NewGenericWriter[record](&out)
	for _, group := range groups {
		if _, err := w.Write(group); err != nil {
			t.Fatal(err)
		}
		if err := w.Flush(); err != nil { // ends the row group
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func open(t *testing.T, file []byte) *format.File {
	t.Helper()
	f, err := format.OpenFile(bytes.NewReader(file), int64(len(file)))
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func TestRead(t *testing.T) {
	got, err := Read(open(t, write(t, rows)), math.MaxInt)
	if err != nil || len(got) != len(rows) {
		t.Fatalf("%d rows, %v", len(got), err)
	}
	for i, want := range want {
		for key, value := range want {
			if !reflect.DeepEqual(got[i][key], value) {
				t.Errorf("row %d, %s: %#v, want %#v", i, key, got[i][key], value)
			}
		}
		if len(got[i]) != len(want) {
			t.Errorf("row %d has %d fields", i, len(got[i]))
		}
	}
	if path := got[2]["path"]; !reflect.DeepEqual(path, []any{map[string]any{"lat": nil, "lon": 0.0}}) {
		t.Errorf("an element without values: %#v", path)
	}
	if where := got[2]["where"]; !reflect.DeepEqual(where, map[string]any{"lat": nil, "lon": 0.0}) {
		t.Errorf("an object without values: %#v", where)
	}
}

// Lists in lists, and an empty one beside one that is missing, as Hive's writers write them.
func TestReadListsInLists(t *testing.T) {
	list := func(of format.Node) format.Node { return format.Optional(format.List(format.Optional(of))) }
	schema := format.NewSchema("r", format.Group{"grid": list(format.List(format.Optional(format.Int(64)))), "last": format.Optional(format.String())})
	var out bytes.Buffer
	w := format.NewWriter(&out, schema)
	leaf := func(repetition, definition int) format.Value {
		return format.ValueOf(nil).Level(repetition, definition, 0)
	}
	number := func(n int64, repetition int) format.Value { return format.ValueOf(n).Level(repetition, 5, 0) }
	text := format.ValueOf("x").Level(0, 1, 1)
	for _, grid := range []format.Row{
		{number(1, 0), number(2, 2), leaf(2, 4), leaf(1, 2), leaf(1, 3), number(3, 1)}, // [[1,2,null],null,[],[3]]
		{leaf(0, 0)}, // null
		{leaf(0, 1)}, // []
	} {
		if _, err := w.WriteRows([]format.Row{append(grid, text)}); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	got, err := Read(open(t, out.Bytes()), math.MaxInt)
	if err != nil {
		t.Fatal(err)
	}
	for i, want := range []any{[]any{[]any{int64(1), int64(2), nil}, nil, []any{}, []any{int64(3)}}, nil, []any{}} {
		if !reflect.DeepEqual(got[i]["grid"], want) || got[i]["last"] != "x" {
			t.Errorf("row %d: %#v, want %#v", i, got[i], want)
		}
	}
}

func TestReadFile(t *testing.T) {
	file := write(t, rows[:1], rows[1:2], rows[:1])
	path := filepath.Join(t.TempDir(), "a.parquet")
	put := func(content []byte) {
		if err := os.WriteFile(path, content, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	put(file)
	for most, wanted := range map[int]int{0: 0, 1: 1, 2: 2, 3: 3, 4: 3, math.MaxInt: 3} {
		if got, err := ReadFile(path, most); err != nil || len(got) != wanted {
			t.Errorf("at most %d: %d rows, %v", most, len(got), err)
		}
	}
	for name, content := range map[string][]byte{"empty": nil, "no Parquet": []byte("PAR1 this is none PAR1"), "cut": file[:len(file)-20]} {
		put(content)
		if got, err := ReadFile(path, 1); err == nil || !strings.Contains(err.Error(), path) {
			t.Errorf("%s: %v, %v", name, got, err)
		}
	}
	if _, err := ReadFile(path+"x", 1); !os.IsNotExist(err) {
		t.Errorf("%v", err)
	}
}

func TestFromInt96(t *testing.T) { // 20,000 × 2^32 nanoseconds after the midnight of a Julian day
	if got, want := fromInt96(deprecated.Int96{0, 20_000, 2_461_115}).Format(time.RFC3339Nano), "2026-03-15T23:51:39.34592Z"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}
