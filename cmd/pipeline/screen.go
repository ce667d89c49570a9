package main

import (
	"bytes"
	"io"
	"os"
	"sync"
	"time"

	"github.com/schollz/progressbar/v3"
	"golang.org/x/term"
)

// screen is the standard error: progress when it is a terminal, and lines of text that do not tear the progress bar. It
// is safe for concurrent use.
type screen struct {
	terminal bool

	mu  sync.Mutex
	out io.Writer // printable text
	raw io.Writer // the bar, whose escape sequences are its own
	bar *progressbar.ProgressBar
}

func newScreen(out io.Writer) *screen {
	s := &screen{out: out, raw: unwrapPrintable(out)}
	file, ok := s.raw.(*os.File)
	s.terminal = ok && term.IsTerminal(int(file.Fd()))
	return s
}

// printLine shows one line.
func (s *screen) printLine(format string, args ...any) {
	_, _ = io.WriteString(s, oneLine(format, args...)) // see showStep
}

// tick is how often a step that only turns does so.
const tick = 100 * time.Millisecond

// beginStep shows a step. The size is in bytes; 0 or less, when it is not known, makes a step that only turns.
func (s *screen) beginStep(step string, size int64) { s.showStep(step, size, true) }

// beginCount shows a step whose size is in something else than bytes.
func (s *screen) beginCount(step string, size int64) { s.showStep(step, size, false) }

func (s *screen) showStep(step string, size int64, bytes bool) {
	if !s.terminal {
		return
	}
	s.endStep()
	options := []progressbar.Option{progressbar.OptionSetWriter(s.raw), progressbar.OptionSetDescription(step),
		progressbar.OptionThrottle(tick), progressbar.OptionSpinnerType(14), progressbar.OptionSetElapsedTime(true),
		progressbar.OptionSetWidth(30),
		progressbar.OptionSetSpinnerChangeInterval(0)} // its own turning has no end
	switch {
	case size <= 0:
		size = -1
	case bytes:
		options = append(options, progressbar.OptionShowBytes(true), progressbar.OptionShowTotalBytes(true))
	default:
		options = append(options, progressbar.OptionShowCount())
	}
	bar := progressbar.NewOptions64(size, options...)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.bar = bar
	_ = bar.RenderBlank() // a terminal that has gone
	if size < 0 {
		go s.turnUntilEnd(bar)
	}
}

// turnUntilEnd turns the bar until it is taken away.
func (s *screen) turnUntilEnd(bar *progressbar.ProgressBar) {
	ticks := time.NewTicker(tick)
	defer ticks.Stop()
	for range ticks.C {
		s.mu.Lock()
		if s.bar != bar {
			s.mu.Unlock()
			return
		}
		_ = bar.Add(0) // see showStep
		s.mu.Unlock()
	}
}

// advanceBar moves the bar.
func (s *screen) advanceBar(n int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.bar != nil {
		_ = s.bar.Add64(n) // see showStep
	}
}

// endStep takes the bar away.
func (s *screen) endStep() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.bar != nil {
		_ = s.bar.Clear() // see showStep
		s.bar = nil
	}
}

// Write passes on lines, above the bar.
func (s *screen) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.bar != nil {
		_ = s.bar.Clear() // see showStep
	}
	return s.out.Write(p)
}

// functionLog is the functions' output without metrics and INFO lines, unless all is wanted: the report has
// the counts.
type functionLog struct {
	screen *screen
	all    bool
}

func (l functionLog) Write(line []byte) (int, error) {
	if !l.all && (bytes.Contains(line, []byte(`"_aws":`)) || bytes.Contains(line, []byte(`"level":"INFO"`))) {
		return len(line), nil
	}
	return l.screen.Write(line)
}
