package lambda

import (
	"bytes"
	"io"
	"sync"
)

// lineLimit is the longest line passed on as one: CloudWatch Logs splits events at 256 KB too.
const lineLimit = 256 * 1024

// lineWriter passes on whole lines. It belongs to one process; mu is shared by all that write to out.
type lineWriter struct {
	mu      *sync.Mutex
	out     io.Writer
	pending []byte
}

// Write never fails: a function must not block or die because its log cannot be written.
func (w *lineWriter) Write(p []byte) (int, error) {
	n := len(p)
	for len(p) > 0 {
		end := bytes.IndexByte(p, '\n')
		if end < 0 {
			w.pending = append(w.pending, p...)
			if len(w.pending) > lineLimit {
				w.flushLine()
			}
			break
		}
		w.pending = append(w.pending, p[:end]...)
		w.emitLine()
		p = p[end+1:]
	}
	return n, nil
}

// flushLine passes on the rest of a line without an end.
func (w *lineWriter) flushLine() {
	if len(w.pending) > 0 {
		w.emitLine()
	}
}

func (w *lineWriter) emitLine() {
	w.mu.Lock()
	defer w.mu.Unlock()
	_, _ = w.out.Write(append(w.pending, '\n')) // see Write
	w.pending = w.pending[:0]
}
