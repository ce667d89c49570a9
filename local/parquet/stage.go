package parquet

import (
	format "github.com/parquet-go/parquet-go"

	"firehose-pipeline/internal/jsonscan"
	"firehose-pipeline/schema"
)

// stage converts JSON documents to the values of rows.
type stage struct {
	columns []*column
	row     *object

	// staged has, by Parquet column, the values of rows that are checked but not yet written; these point into text.
	staged [][]format.Value
	text   []byte
	nested nested

	// exact is OpenX's CaseInsensitive false: keys stay as they are.
	exact bool
}

func newStage(columns []*column, leaves int) stage {
	return stage{columns: columns, row: newObject(columns), staged: make([][]format.Value, leaves)}
}

// MatchCase makes keys match columns exactly, upper and lower case being different, as with the OpenX SerDe's
// CaseInsensitive set to false. Without it keys are lower-cased first. It has to come before the first record.
func (w *stage) MatchCase() {
	w.exact, w.nested.exact, w.row.exact = true, true, true
	matchCase(w.columns)
}

func matchCase(columns []*column) {
	for _, c := range columns {
		if c.object != nil {
			c.object.exact = true
		}
		matchCase(c.children)
	}
}

// MapKeys makes columns, and fields of structs at any depth, take their values from other keys, as with the OpenX
// SerDe's ColumnToJsonKeyMappings: the SerDe looks a name up in the one map wherever the name is. It has to come before
// the first record, and after MatchCase.
// https://github.com/rcongiu/Hive-JSON-Serde (JsonStructObjectInspector.getJsonField)
func (w *stage) MapKeys(keys map[string]string) {
	if len(keys) == 0 {
		return
	}
	w.row = w.row.withKeys(w.columns, keys)
	mapKeys(w.columns, keys)
}

func mapKeys(columns []*column, keys map[string]string) {
	for _, c := range columns {
		if c.object != nil {
			c.object = c.object.withKeys(c.children, keys)
		}
		mapKeys(c.children, keys)
	}
}

// Converter converts records to rows as a [Writer] does, without a file. It is not safe for concurrent use.
type Converter struct{ stage }

// NewConverter returns a converter to rows with the table's columns; [NewWriter] says which types there are.
func NewConverter(columns []schema.Column) (*Converter, error) {
	tables, _, leaves, err := buildTree(columns)
	if err != nil {
		return nil, err
	}
	return &Converter{newStage(tables, leaves)}, nil
}

// Leaf returns the Parquet column of a scalar column, -1 when there is none of this name.
func (c *Converter) Leaf(name string) int {
	for _, column := range c.columns {
		if column.name == name && column.last == column.first+1 && len(column.children) == 0 {
			return column.first
		}
	}
	return -1
}

// Convert calls do for each row of one Firehose record, with the row's values by Parquet column, which are valid during
// the call. Their column indexes are not set. The error is a [*MalformedError] when the record cannot be converted: then
// a file has none of its rows, although do may have been called for some.
func (c *Converter) Convert(record []byte, do func(values [][]format.Value)) error {
	at := jsonscan.SkipSpace(record, 0)
	if at == len(record) {
		return errEmpty
	}
	if cap(c.text) < len(record) || cap(c.text) > keptBytes {
		c.text = make([]byte, 0, max(stagedBytes, len(record)))
	}
	for ; at < len(record); at = jsonscan.SkipSpace(record, at) {
		c.text = c.text[:0]
		for i := range c.staged {
			c.staged[i] = c.staged[i][:0]
		}
		end, malformed := c.convertDocument(record, at)
		if malformed != nil {
			return malformed
		}
		at = end
		do(c.staged)
	}
	return nil
}

var errEmpty = &MalformedError{MalformedData, "The record was empty or contained only whitespace."}
