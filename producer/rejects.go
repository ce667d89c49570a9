package producer

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"sync"

	"firehose-pipeline/event"
)

// Rejects writes lines that were not accepted to files: those that no stream has to Path, those that one stream has
// not, though the other has, to Path with the stream's name behind a dot, so that they can be sent to that stream
// alone. A file is made when its first line comes, and an existing one is added to. After an interruption a line may be
// in it twice. It is safe for concurrent use; an empty path writes nothing.
type Rejects struct {
	Path string

	mu    sync.Mutex
	files map[string]*os.File
}

// openFile returns the file for lines of the stream, of no stream when it is empty. The mutex is held.
func (r *Rejects) openFile(stream event.Stream) (io.Writer, error) {
	if r == nil || r.Path == "" {
		return io.Discard, nil
	}
	path := r.Path
	if stream != "" {
		path += "." + string(stream)
	}
	file := r.files[path]
	if file == nil {
		var err error
		if file, err = os.OpenFile(path, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600); err != nil {
			return nil, fmt.Errorf("writing rejected lines: %w", err)
		}
		if r.files == nil {
			r.files = map[string]*os.File{}
		}
		r.files[path] = file
	}
	return file, nil
}

// addLine writes one line.
func (r *Rejects) addLine(stream event.Stream, text []byte) error {
	if r == nil {
		return nil
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	file, err := r.openFile(stream)
	if err != nil {
		return err
	}
	if _, err := file.Write(append(bytes.Clone(text), '\n')); err != nil {
		return fmt.Errorf("writing rejected lines: %w", err)
	}
	return nil
}

// beginLine opens a line that no stream has and that comes in parts. Closing it ends the line.
func (r *Rejects) beginLine() (io.WriteCloser, error) {
	if r == nil {
		return &part{file: io.Discard, unlock: func() {}}, nil
	}
	r.mu.Lock()
	file, err := r.openFile("")
	if err != nil {
		r.mu.Unlock()
		return nil, err
	}
	return &part{file: file, unlock: r.mu.Unlock}, nil
}

// Close closes the files.
func (r *Rejects) Close() error {
	if r == nil {
		return nil
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	var errs []error
	for _, file := range r.files {
		errs = append(errs, file.Close())
	}
	r.files = nil
	if err := errors.Join(errs...); err != nil {
		return fmt.Errorf("writing rejected lines: %w", err)
	}
	return nil
}

// part is a line that is being written.
type part struct {
	file   io.Writer
	unlock func()
	last   byte
}

func (p *part) Write(text []byte) (int, error) {
	if len(text) > 0 {
		p.last = text[len(text)-1]
	}
	n, err := p.file.Write(text)
	if err != nil {
		err = fmt.Errorf("writing rejected lines: %w", err)
	}
	return n, err
}

func (p *part) Close() error {
	defer p.unlock()
	if p.last == '\n' {
		return nil
	}
	if _, err := p.file.Write([]byte("\n")); err != nil {
		return fmt.Errorf("writing rejected lines: %w", err)
	}
	return nil
}
