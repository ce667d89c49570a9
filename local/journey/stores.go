package journey

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"slices"
	"strings"

	"firehose-pipeline/event"
	"firehose-pipeline/internal/parquetrows"
	"firehose-pipeline/internal/unzip"
	"firehose-pipeline/local"
)

// forEachObject calls do with each object of an area. One that is deleted meanwhile is left out.
func (f *follower) forEachObject(ctx context.Context, area local.Area, do func(key string, file *os.File) error) error {
	for after, more := "", true; more; {
		objects, rest, err := f.p.ListObjects(area, after, 1000)
		if err != nil {
			return err
		}
		for _, o := range objects {
			if ctx.Err() != nil {
				return ctx.Err()
			}
			file, err := f.p.OpenObject(o.Key)
			if errors.Is(err, fs.ErrNotExist) {
				continue
			}
			if err == nil {
				err = errors.Join(do(o.Key, file), file.Close())
			}
			if err != nil {
				return fmt.Errorf("%s: %w", o.Key, err)
			}
			after = o.Key
		}
		more = rest && len(objects) > 0
	}
	return nil
}

// findLines adds a step for each line of a file, unzipped when it is compressed, whose event has the id.
func (f *follower) findLines(ctx context.Context, file io.Reader, step func(line int64, text string) Step) error {
	input, err := unzip.Reader(file)
	if err != nil {
		return err
	}
	lines := bufio.NewScanner(input)
	lines.Buffer(nil, 16<<20) // several events may be in one record, without a line end between them
	for n := int64(1); lines.Scan(); n++ {
		if at := f.match(lines.Bytes()); at >= 0 {
			f.add(at, step(n, lines.Text()))
		}
		if n%1024 == 0 && ctx.Err() != nil {
			return ctx.Err()
		}
	}
	return lines.Err()
}

// findSource finds the record among the copies of the records as received.
func (f *follower) findSource(ctx context.Context) error {
	return f.forEachObject(ctx, local.AreaSource, func(key string, file *os.File) error {
		return f.findLines(ctx, file, func(line int64, text string) Step {
			return Step{Stage: Source, Stream: event.Lake, State: Done, Text: text,
				Place: fmt.Sprintf("%s, line %d", key, line)}
		})
	})
}

// findRows finds the event's rows, or lines, in the lake.
func (f *follower) findRows(ctx context.Context) error {
	return f.forEachObject(ctx, local.AreaLake, func(key string, file *os.File) error {
		if !strings.HasSuffix(key, ".parquet") {
			return f.findLines(ctx, file, func(line int64, text string) Step {
				return Step{Stage: Lake, Stream: event.Lake, State: Done, Text: text,
					Place: fmt.Sprintf("%s, line %d", key, line)}
			})
		}
		info, err := file.Stat()
		if err != nil {
			return err
		}
		rows, err := parquetrows.Open(file, info.Size())
		if err != nil {
			return err
		}
		found, err := parquetrows.Find(rows, f.columns, f.ids, maxSteps*len(f.ids))
		if err != nil {
			return err
		}
		for _, row := range found {
			f.add(f.indexOf(row.Key), Step{Stage: Lake, Stream: event.Lake, State: Done,
				Place: fmt.Sprintf("%s, row %d", key, row.Number), Fields: fieldsOf(row.Values)})
		}
		return nil
	})
}

// fieldsOf are the columns of a row that have a value, in the order of their names.
func fieldsOf(row map[string]any) []Field {
	var fields []Field
	for _, name := range slices.Sorted(maps.Keys(row)) {
		switch value := row[name].(type) {
		case nil:
		case string:
			fields = append(fields, Field{name, value})
		default:
			text, err := json.Marshal(value)
			if err != nil {
				text = fmt.Append(nil, value)
			}
			fields = append(fields, Field{name, string(text)})
		}
	}
	return fields
}

// findDocuments finds the event's documents in the indices.
func (f *follower) findDocuments(ctx context.Context) error {
	indices, err := f.p.IndexFiles()
	if err != nil {
		return err
	}
	for _, index := range indices {
		file, err := f.p.OpenIndex(index.Index)
		if err != nil {
			return err
		}
		err = f.findLines(ctx, file, func(line int64, text string) Step {
			return Step{Stage: Index, Stream: event.Search, State: Done, Text: text,
				Place: fmt.Sprintf("index %s, document %d", index.Index, line)}
		})
		if err = errors.Join(err, file.Close()); err != nil {
			return fmt.Errorf("index %s: %w", index.Index, err)
		}
	}
	return nil
}
