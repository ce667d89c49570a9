package producer

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"

	"firehose-pipeline/event"
	"firehose-pipeline/internal/filelock"
)

// stateVersion is the version of the state file that this package writes.
const stateVersion = 1

// State is how far each stream has confirmed an input, kept in a file, so that a stopped run can resume. It is written
// before the stream gets more than [inFlight] chunks beyond it.
type State struct {
	path string
	lock *filelock.Guard

	mu   sync.Mutex
	file stateFile
}

type stateFile struct {
	Version int                        `json:"version"`
	Streams map[event.Stream]confirmed `json:"streams"`
}

// confirmed is the input that one stream has confirmed: everything before the position, and the ranges of bytes after
// it.
type confirmed struct {
	Name string `json:"name"`
	Position
	Ahead []span `json:"ahead,omitempty"`
}

// span is a range of bytes of the input, of whole lines.
type span struct {
	From int64 `json:"from"`
	To   int64 `json:"to"`
}

func (c *confirmed) coversOffset(offset int64) bool {
	return offset < c.Offset || slices.ContainsFunc(c.Ahead,
		func(s span) bool { return s.From <= offset && offset < s.To })
}

// OpenState reads the state at the path, or begins one when there is no file. Names are those of the streams that will
// be sent to; a state of other streams is rejected. One run at a time may use a file, until [State.Close]: the error of
// the others is [filelock.ErrInUse].
func OpenState(path string, names map[event.Stream]string) (*State, error) {
	lock, err := filelock.Take(path)
	switch {
	case errors.Is(err, filelock.ErrInUse):
		return nil, fmt.Errorf("reading the state: %s: %w", path, err)
	case err != nil:
		return nil, fmt.Errorf("writing the state: %w", err)
	}
	s := &State{path: path, lock: lock}
	if err := s.loadFile(names); err != nil {
		return nil, errors.Join(err, s.Close())
	}
	return s, nil
}

// Close leaves the file to another run. Of nil it does nothing.
func (s *State) Close() error {
	if s == nil {
		return nil
	}
	return s.lock.Release()
}

// loadFile reads the file, or begins one.
func (s *State) loadFile(names map[event.Stream]string) error {
	text, err := os.ReadFile(s.path)
	if errors.Is(err, fs.ErrNotExist) {
		s.file = stateFile{Version: stateVersion, Streams: map[event.Stream]confirmed{}}
		return s.writeFile() // says now, rather than after the first batch, that it cannot
	}
	if err != nil {
		return fmt.Errorf("reading the state: %w", err)
	}
	if err := json.Unmarshal(text, &s.file); err != nil {
		return fmt.Errorf("reading the state: %s: %w", s.path, err)
	}
	if s.file.Version != stateVersion || s.file.Streams == nil {
		return fmt.Errorf("reading the state: %s: must be a file of this command, version %d (got version %d)",
			s.path, stateVersion, s.file.Version)
	}
	return s.checkStreams(names)
}

// checkStreams rejects a state of other streams.
func (s *State) checkStreams(names map[event.Stream]string) error {
	for kind, c := range s.file.Streams {
		// Of another ingestion: to go on from there would send lines twice, or leave some out.
		if _, shared := names[DataStream]; shared != (kind == DataStream) {
			return fmt.Errorf("reading the state: %s: belongs to the %s stream %s, and the events go to %s", s.path,
				kind, c.Name, describeNames(names))
		}
	}
	for kind, name := range names {
		if c, ok := s.file.Streams[kind]; ok && c.Name != name {
			return fmt.Errorf("reading the state: %s: belongs to the %s stream %s (got %s)", s.path, kind, c.Name,
				name)
		}
	}
	return nil
}

// describeNames lists the streams that events go to.
func describeNames(names map[event.Stream]string) string {
	var all []string
	for _, kind := range slices.Sorted(maps.Keys(names)) {
		all = append(all, fmt.Sprintf("the %s stream %s", kind, names[kind]))
	}
	return strings.Join(all, " and ")
}

// confirmedBy returns the input that the stream has confirmed.
func (s *State) confirmedBy(kind event.Stream) confirmed {
	if s == nil {
		return confirmed{}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.file.Streams[kind]
}

// confirmPosition writes down the input that the stream has confirmed.
func (s *State) confirmPosition(kind event.Stream, c confirmed) error {
	if s == nil {
		return nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.file.Streams[kind] = c
	return s.writeFile()
}

// writeFile puts the file in place as a whole, so that whatever ends the process leaves the state before or after.
func (s *State) writeFile() (err error) {
	defer func() {
		if err != nil {
			err = fmt.Errorf("writing the state: %w", err)
		}
	}()
	text, err := json.Marshal(s.file)
	if err != nil {
		return err
	}
	file, err := os.CreateTemp(filepath.Dir(s.path), filepath.Base(s.path)+".*.tmp")
	if err != nil {
		return err
	}
	_, err = file.Write(append(text, '\n'))
	if err = errors.Join(err, file.Sync(), file.Close()); err == nil {
		err = os.Rename(file.Name(), s.path)
	}
	if err != nil {
		return errors.Join(err, os.Remove(file.Name()))
	}
	return nil
}
