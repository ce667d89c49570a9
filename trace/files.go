package trace

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"firehose-pipeline/internal/eventid"
)

// maxLine bounds a line of a file of results, in bytes: a message of SQS, or a document of a record of 1,000 KiB.
const maxLine = 16 << 20

// eachLine calls do with each line of a file, from 1. A file that does not exist has none.
func eachLine(ctx context.Context, path string, do func(line []byte, number int64)) (err error) {
	file, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, file.Close()) }()
	lines := bufio.NewScanner(file)
	lines.Buffer(nil, maxLine)
	for n := int64(1); lines.Scan(); n++ {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		do(lines.Bytes(), n)
	}
	if err := lines.Err(); err != nil {
		return fmt.Errorf("reading %s: %w", path, err)
	}
	return nil
}

// IndexFiles are the indices of a local run: <index>.ndjson in a folder, one document a line.
type IndexFiles struct{ Dir string }

// Look implements [Looker].
func (f IndexFiles) Look(ctx context.Context, q *Query, p *Place) error {
	p.Means = "file"
	if q.ID.Hashed {
		return errHashed
	}
	paths, err := filepath.Glob(filepath.Join(escapeGlob(f.Dir), "*.ndjson"))
	if err != nil {
		return err
	}
	slices.Sort(paths)
	for _, path := range paths {
		p.Looked++
		err := eachLine(ctx, path, func(line []byte, number int64) {
			if !q.ID.matches(line) {
				return
			}
			h := Hit{Object: path, Row: number, Index: strings.TrimSuffix(filepath.Base(path), ".ndjson")}
			h.setTime(parseTime(eventid.FindAnywhere(line, eventid.Path{q.ID.ProcessedAt})), "processed")
			p.add(h)
		})
		if err != nil {
			return err
		}
	}
	p.Total, p.Complete = p.Looked, true
	return nil
}

var globEscapes = strings.NewReplacer(`\`, `\\`, `*`, `\*`, `?`, `\?`, `[`, `\[`)

// escapeGlob returns a pattern that matches the path alone.
func escapeGlob(path string) string { return globEscapes.Replace(path) }

// QueueFile is the dead-letter queue of a local run: one message body a line.
type QueueFile struct{ Path string }

// Look implements [Looker].
func (f QueueFile) Look(ctx context.Context, q *Query, p *Place) error {
	p.Means = "file"
	err := eachLine(ctx, f.Path, func(line []byte, number int64) {
		p.Looked++
		// A message that is not JSON is in the file as a JSON string.
		var text string
		if json.Unmarshal(line, &text) != nil {
			text = string(line)
		}
		readLetter(q, p, text, Hit{Object: f.Path, Row: number})
	})
	p.Total, p.Complete = p.Looked, err == nil
	return err
}

// FindBucket returns the folder of the one bucket among the objects of a local run.
func FindBucket(objects string) (Folder, error) {
	entries, err := os.ReadDir(objects)
	if err != nil {
		return "", err
	}
	var names []string
	for _, e := range entries {
		if e.IsDir() && !strings.HasPrefix(e.Name(), ".") {
			names = append(names, e.Name())
		}
	}
	if len(names) != 1 {
		return "", fmt.Errorf("%s: must have the folder of one bucket (got %d)", objects, len(names))
	}
	return Folder(filepath.Join(objects, names[0])), nil
}
