package results

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"firehose-pipeline/internal/filelock"
	"firehose-pipeline/local/sqs"
)

// The layout of a folder of results, by slash.
const (
	ObjectsDir = "s3"         // <bucket>/<key>
	IndicesDir = "opensearch" // <index>.ndjson
	// CheckDir has the notes for the check. It is removed when the run ends.
	CheckDir = ".check"
	// QueueFile has the messages of the dead-letter queue, one body a line.
	QueueFile = "sqs/dead-letter-queue.ndjson"
	// OutputsFile has the stack's outputs, as cdk deploy --outputs-file writes them.
	OutputsFile = "outputs.json"
	// DeletedFile has the messages that a consumer deleted, in that order. Without any it does not exist.
	DeletedFile = "sqs/deleted.ndjson"

	// ReportFile is the page about the run.
	ReportFile = "report.html"

	queueDir = "sqs"
	logsDir  = "logs" // <log group>.log
	// marker identifies a folder of results. A run locks this file.
	marker = ".pipeline-local"
	// Incomplete exists while results are not complete. It stays when a run is killed.
	Incomplete = "INCOMPLETE"
)

// Path returns the path of a file of the layout in a folder of results.
func Path(dir, name string) string { return filepath.Join(dir, filepath.FromSlash(name)) }

// IndexFile returns the name of the file with an index's documents, by slash.
func IndexFile(index string) string { return IndicesDir + "/" + index + ".ndjson" }

// Folder is the folder of results of one run. A run replaces the results of an earlier one as a whole, so that a file
// half-written by a killed run is never mistaken for a result.
type Folder struct {
	dir  string
	lock *os.File
}

// Open locks the folder and removes the results of an earlier run. Other content is an error.
func Open(dir string) (_ *Folder, err error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("opening folder for results: %w", err)
	}
	if err := checkOurs(dir); err != nil {
		return nil, fmt.Errorf("opening folder for results: %w", err)
	}
	f := &Folder{dir: dir}
	if f.lock, err = os.OpenFile(f.Path(marker), os.O_CREATE|os.O_RDWR, 0o600); err != nil {
		return nil, fmt.Errorf("opening folder for results: %w", err)
	}
	if err := f.removeOldResults(); err != nil {
		return nil, fmt.Errorf("opening folder for results: %w", errors.Join(err, f.lock.Close()))
	}
	return f, nil
}

// checkOurs rejects a folder with content that is not an earlier run's.
func checkOurs(dir string) error {
	entries, err := os.ReadDir(dir)
	if err != nil || len(entries) == 0 {
		return err
	}
	if _, err := os.Stat(filepath.Join(dir, marker)); err != nil {
		return fmt.Errorf("%s: must be empty or hold the results of an earlier run (got %s and more)", dir,
			entries[0].Name())
	}
	return nil
}

// removeOldResults takes the lock and removes the results of the run before. The mark that they are incomplete comes
// first.
func (f *Folder) removeOldResults() error {
	if err := filelock.Lock(f.lock); err != nil {
		return fmt.Errorf("%s: %w", f.dir, err)
	}
	text := "The results in this folder are not complete: a run is writing them, or was interrupted.\n"
	if err := os.WriteFile(f.Path(Incomplete), []byte(text), 0o600); err != nil {
		return err
	}
	for _, name := range []string{ObjectsDir, IndicesDir, queueDir, logsDir, CheckDir, OutputsFile, ReportFile} {
		if err := os.RemoveAll(f.Path(name)); err != nil {
			return err
		}
	}
	for _, name := range []string{ObjectsDir, IndicesDir, queueDir, logsDir} {
		if err := os.Mkdir(f.Path(name), 0o700); err != nil {
			return err
		}
	}
	return nil
}

// Path returns the path of a file of the layout.
func (f *Folder) Path(name string) string { return Path(f.dir, name) }

// OpenLog opens the file of a log group.
func (f *Folder) OpenLog(group string) (*os.File, error) {
	name := f.Path(logsDir + "/" + strings.Trim(group, "/") + ".log")
	if err := os.MkdirAll(filepath.Dir(name), 0o700); err != nil {
		return nil, fmt.Errorf("opening log: %w", err)
	}
	return os.OpenFile(name, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
}

// WriteQueue writes the messages of the queue, in order of sending, in place of those written before.
func (f *Folder) WriteQueue(messages []sqs.Message) error {
	tmp := f.Path(queueDir + "/.dead-letter-queue")
	file, err := os.OpenFile(tmp, os.O_CREATE|os.O_WRONLY|os.O_TRUNC, 0o600)
	if err != nil {
		return fmt.Errorf("writing queue: %w", err)
	}
	w := bufio.NewWriter(file)
	var line bytes.Buffer
	for _, m := range messages {
		writeBody(w, &line, m.Body) // bufio keeps the first error for Flush
	}
	if err := errors.Join(w.Flush(), file.Close()); err != nil {
		return fmt.Errorf("writing queue: %w", err)
	}
	if err := os.Rename(tmp, f.Path(QueueFile)); err != nil {
		return fmt.Errorf("writing queue: %w", err)
	}
	return nil
}

// writeBody writes a message's body as one line. One that is not JSON, sent by somebody else, becomes a JSON string.
func writeBody(w *bufio.Writer, line *bytes.Buffer, body string) {
	line.Reset()
	if json.Compact(line, []byte(body)) != nil {
		text, err := json.Marshal(body)
		if err != nil {
			panic(err) // a string has JSON
		}
		line.Reset()
		line.Write(text)
	}
	line.WriteByte('\n')
	w.Write(line.Bytes())
}

// Close releases the folder. Complete results lose their mark.
func (f *Folder) Close(complete bool) error {
	errs := []error{os.RemoveAll(f.Path(CheckDir))}
	if complete {
		errs = append(errs, os.Remove(f.Path(Incomplete)))
	}
	return errors.Join(append(errs, f.lock.Close())...)
}
