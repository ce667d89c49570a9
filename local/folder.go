package local

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"

	"firehose-pipeline/local/sqs"
)

// What is in the folder of results.
const (
	objectsDir = "s3"         // <bucket>/<key>
	indicesDir = "opensearch" // <index>.ndjson
	queueDir   = "sqs"
	logsDir    = "logs" // <log group>.log
	checkDir   = ".check"
	// QueueFile has the messages of the dead-letter queue, one body a line.
	queueFile = "sqs/dead-letter-queue.ndjson"
	// DeletedFile has those that a consumer deleted, in that order. It is there when there are any.
	deletedFile = "sqs/deleted.ndjson"
	// marker says that the folder is one of results, and locks it while a run uses it.
	marker = ".pipeline-local"
	// incomplete is there while results are not complete: it stays when a run is killed.
	incomplete = "INCOMPLETE"
)

// folder is the folder of results. It is only ever taken over from an earlier run as a whole, so that nothing
// half-written by a run that was killed is taken for a result.
type folder struct {
	dir  string
	lock *os.File
}

func openFolder(dir string) (_ *folder, err error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("opening folder for results: %w", err)
	}
	if err := checkOurs(dir); err != nil {
		return nil, fmt.Errorf("opening folder for results: %w", err)
	}
	f := &folder{dir: dir}
	if f.lock, err = os.OpenFile(f.path(marker), os.O_CREATE|os.O_RDWR, 0o600); err != nil {
		return nil, fmt.Errorf("opening folder for results: %w", err)
	}
	if err := f.clean(); err != nil {
		return nil, fmt.Errorf("opening folder for results: %w", errors.Join(err, f.lock.Close()))
	}
	return f, nil
}

// checkOurs refuses a folder with content that is no earlier run's.
func checkOurs(dir string) error {
	entries, err := os.ReadDir(dir)
	if err != nil || len(entries) == 0 {
		return err
	}
	if _, err := os.Stat(filepath.Join(dir, marker)); err != nil {
		return fmt.Errorf("%s: must be empty or hold the results of an earlier run (got %s and more)", dir, entries[0].Name())
	}
	return nil
}

// clean takes the lock and removes the results of the run before. The mark that they are incomplete comes first.
func (f *folder) clean() error {
	if err := lockFile(f.lock); err != nil {
		return fmt.Errorf("%s: another run uses it: %w", f.dir, err)
	}
	text := "The results in this folder are not complete: a run is writing them, or was interrupted.\n"
	if err := os.WriteFile(f.path(incomplete), []byte(text), 0o600); err != nil {
		return err
	}
	for _, name := range []string{objectsDir, indicesDir, queueDir, logsDir, checkDir} {
		if err := os.RemoveAll(f.path(name)); err != nil {
			return err
		}
	}
	for _, name := range []string{objectsDir, indicesDir, queueDir, logsDir} {
		if err := os.Mkdir(f.path(name), 0o700); err != nil {
			return err
		}
	}
	return nil
}

func (f *folder) path(name string) string { return filepath.Join(f.dir, filepath.FromSlash(name)) }

// log opens the file of a log group.
func (f *folder) log(group string) (*os.File, error) {
	name := f.path(logsDir + "/" + strings.Trim(group, "/") + ".log")
	if err := os.MkdirAll(filepath.Dir(name), 0o700); err != nil {
		return nil, fmt.Errorf("opening log: %w", err)
	}
	return os.OpenFile(name, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
}

// writeQueue writes the messages of the queue, in order of sending, in place of those written before.
func (f *folder) writeQueue(messages []sqs.Message) error {
	tmp := f.path(queueDir + "/.dead-letter-queue")
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
	if err := os.Rename(tmp, f.path(queueFile)); err != nil {
		return fmt.Errorf("writing queue: %w", err)
	}
	return nil
}

// writeBody writes a message's body as one line. One that is no JSON, which somebody else sent, becomes a JSON string.
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

// deleted writes the messages that consumers delete.
type deleted struct {
	path string

	mu   sync.Mutex
	file *os.File // nil before the first
	out  *bufio.Writer
	line bytes.Buffer
	err  error // the first
}

// add writes one message. What goes wrong is flush's error.
func (d *deleted) add(m sqs.Message) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.file == nil && d.err == nil {
		if d.file, d.err = os.OpenFile(d.path, os.O_CREATE|os.O_WRONLY|os.O_TRUNC, 0o600); d.err == nil {
			d.out = bufio.NewWriter(d.file)
		}
	}
	if d.err == nil {
		writeBody(d.out, &d.line, m.Body)
	}
}

func (d *deleted) flush() error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.out != nil && d.err == nil {
		d.err = d.out.Flush()
	}
	if d.err != nil {
		return fmt.Errorf("writing deleted messages: %w", d.err)
	}
	return nil
}

func (d *deleted) close() error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.file == nil {
		return nil
	}
	return d.file.Close()
}

// close gives the folder back.
func (f *folder) close(complete bool) error {
	errs := []error{os.RemoveAll(f.path(checkDir))}
	if complete {
		errs = append(errs, os.Remove(f.path(incomplete)))
	}
	return errors.Join(append(errs, f.lock.Close())...)
}
