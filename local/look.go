package local

import (
	"bufio"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"strings"

	"firehose-pipeline/deadletter"
	"firehose-pipeline/local/results"
	"firehose-pipeline/local/s3"
	"firehose-pipeline/local/template"
	"firehose-pipeline/schema"
)

// ListObjects returns at most limit objects of an area, those behind a key, in the order of the keys; more when there
// are further ones.
func (p *Pipeline) ListObjects(area Area, after string, limit int) (all []s3.Object, more bool, err error) {
	for _, prefix := range slices.Sorted(slices.Values(p.prefixes[area])) {
		objects, rest, err := p.objects.Objects(p.config.Bucket.Name, prefix, after, limit-len(all))
		if err != nil {
			return nil, false, fmt.Errorf("listing objects: %w", err)
		}
		if all = append(all, objects...); rest {
			return all, true, nil
		}
	}
	return all, false, nil
}

// OpenObject opens an object of the bucket. A key that is none is an error of [fs.ErrNotExist].
func (p *Pipeline) OpenObject(key string) (*os.File, error) {
	file, err := p.objects.Open(p.config.Bucket.Name, key)
	if err != nil {
		return nil, fmt.Errorf("opening object: %w", err)
	}
	return file, nil
}

// IndexFile is the file with the documents of an index.
type IndexFile struct {
	Index string
	Size  int64 // in bytes
}

// IndexFiles returns the indices' files in the order of their names. Those of a real server are written by a Flush.
func (p *Pipeline) IndexFiles() ([]IndexFile, error) {
	entries, err := os.ReadDir(p.folder.Path(results.IndicesDir))
	if err != nil {
		return nil, fmt.Errorf("listing indices: %w", err)
	}
	var files []IndexFile
	for _, entry := range entries {
		info, err := entry.Info()
		if err != nil {
			return nil, fmt.Errorf("listing indices: %w", err)
		}
		if index, ok := strings.CutSuffix(entry.Name(), ".ndjson"); ok && info.Mode().IsRegular() {
			files = append(files, IndexFile{index, info.Size()})
		}
	}
	return files, nil
}

// OpenIndex opens the file of an index. A name that is none is an error of [fs.ErrNotExist].
func (p *Pipeline) OpenIndex(index string) (*os.File, error) {
	root, err := os.OpenRoot(p.folder.Path(results.IndicesDir))
	if err != nil {
		return nil, fmt.Errorf("opening index: %w", err)
	}
	defer root.Close()
	if strings.ContainsAny(index, `/\`) {
		return nil, fmt.Errorf("opening index %q: %w", index, fs.ErrNotExist)
	}
	file, err := root.Open(index + ".ndjson")
	if err != nil {
		return nil, fmt.Errorf("opening index: %w", err)
	}
	return file, nil
}

// DeletedLetters calls do with the bodies of the messages that consumers have deleted, in that order, until it returns
// false. A body is valid during the call.
func (p *Pipeline) DeletedLetters(do func(body []byte) bool) error {
	if err := p.deleted.Flush(); err != nil {
		return err
	}
	file, err := os.Open(p.folder.Path(results.DeletedFile))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("reading deleted messages: %w", err)
	}
	defer file.Close()
	lines := bufio.NewScanner(file)
	lines.Buffer(nil, 8*deadletter.MaxMessageBytes) // a byte may take six in JSON
	for lines.Scan() {
		if !do(lines.Bytes()) {
			return nil
		}
	}
	if err := lines.Err(); err != nil {
		return fmt.Errorf("reading deleted messages: %w", err)
	}
	return nil
}

// Out is the folder of the results.
func (p *Pipeline) Out() string { return p.o.Out }

// StackName is the stack's name.
func (p *Pipeline) StackName() string { return p.config.StackName }

// EventSchema is the schema of the events.
func (p *Pipeline) EventSchema() *schema.Schema { return p.events.Layout.Schema() }

// Protects reports whether the schema protects a field: then source backup and error objects have values that the
// stores must not have.
func (p *Pipeline) Protects() bool { return p.events.Layout.Protects() }

// FrontDoor is the stack's HTTP front door; nil when it has none.
func (p *Pipeline) FrontDoor() *template.API { return p.config.API }
