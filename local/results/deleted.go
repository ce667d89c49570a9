package results

import (
	"bufio"
	"bytes"
	"fmt"
	"os"
	"sync"

	"firehose-pipeline/local/sqs"
)

// DeletedMessages writes the messages that consumers delete.
type DeletedMessages struct {
	path string

	mu   sync.Mutex
	file *os.File // nil before the first
	out  *bufio.Writer
	line bytes.Buffer
	err  error // the first
}

// DeletedMessages returns the file of deleted messages. It is created with the first one.
func (f *Folder) DeletedMessages() *DeletedMessages {
	return &DeletedMessages{path: f.Path(DeletedFile)}
}

// Add writes one message. Flush returns its error.
func (d *DeletedMessages) Add(m sqs.Message) {
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

// Flush writes the buffer, and returns the first error.
func (d *DeletedMessages) Flush() error {
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

// Close closes the file.
func (d *DeletedMessages) Close() error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.file == nil {
		return nil
	}
	return d.file.Close()
}
