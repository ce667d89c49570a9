package resultcache

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// heading begins each file. Another one is another format: results of the earlier one are absent.
const heading = "firehose-pipeline result 1\n"

// maxBytes is the size of the largest result.
const maxBytes = 64 << 20

// suffix ends the name of a result's file.
const suffix = ".result"

// Key names a result by everything that it depends on.
type Key [sha256.Size]byte

// String returns the key in hexadecimal digits, 64 of them.
func (k Key) String() string { return hex.EncodeToString(k[:]) }

// Input gathers what a result depends on. The zero value is ready.
type Input struct{ text []byte }

// Add adds a part. Its name and its content are apart from each other and from other parts: no two lists of parts have
// the same key.
func (i *Input) Add(name string, content []byte) {
	for _, part := range [][]byte{[]byte(name), content} {
		i.text = binary.BigEndian.AppendUint64(i.text, uint64(len(part)))
		i.text = append(i.text, part...)
	}
}

// Key returns the key of the parts, in their order.
func (i *Input) Key() Key { return sha256.Sum256(i.text) }

// Folder holds results.
type Folder struct {
	Path string
	Max  int // the number of results that stay when one is written: the newest; 0 means all
}

func (f Folder) file(key Key) string { return filepath.Join(f.Path, key.String()+suffix) }

// Read returns the result of the key, and whether there is one.
func (f Folder) Read(key Key) ([]byte, bool) {
	info, err := os.Lstat(f.file(key))
	if err != nil || !info.Mode().IsRegular() || info.Size() > maxBytes {
		return nil, false
	}
	text, err := os.ReadFile(f.file(key))
	if err != nil {
		return nil, false
	}
	rest, ok := bytes.CutPrefix(text, []byte(heading+key.String()+"\n"))
	if !ok {
		return nil, false
	}
	sum, content, ok := bytes.Cut(rest, []byte("\n"))
	if !ok || string(sum) != sumOf(content) {
		return nil, false
	}
	return content, true
}

// sumOf is the check sum of a result.
func sumOf(content []byte) string {
	sum := sha256.Sum256(content)
	return hex.EncodeToString(sum[:])
}

// Write keeps the result of the key. Two processes may write at once: each writes a file of its own and renames it.
func (f Folder) Write(key Key, content []byte) error {
	if len(content) > maxBytes-1024 {
		return fmt.Errorf("keeping a result: must be at most %d bytes (got %d)", maxBytes-1024, len(content))
	}
	if err := os.MkdirAll(f.Path, 0o755); err != nil {
		return fmt.Errorf("keeping a result: %w", err)
	}
	file, err := os.CreateTemp(f.Path, ".writing-")
	if err != nil {
		return fmt.Errorf("keeping a result: %w", err)
	}
	defer os.Remove(file.Name()) // after the rename there is none
	_, err = file.WriteString(heading + key.String() + "\n" + sumOf(content) + "\n" + string(content))
	if chmodErr := file.Chmod(0o644); err == nil {
		err = chmodErr
	}
	if closeErr := file.Close(); err == nil {
		err = closeErr
	}
	if err == nil {
		err = os.Rename(file.Name(), f.file(key))
	}
	if err != nil {
		return fmt.Errorf("keeping a result: %w", err)
	}
	return f.removeOld()
}

// removeOld removes the oldest results beyond the folder's number. Another process may remove them at the same time.
func (f Folder) removeOld() error {
	if f.Max == 0 {
		return nil
	}
	entries, err := os.ReadDir(f.Path)
	if err != nil {
		return fmt.Errorf("removing old results: %w", err)
	}
	var results []fs.FileInfo
	for _, entry := range entries {
		if info, err := entry.Info(); err == nil && info.Mode().IsRegular() && strings.HasSuffix(info.Name(), suffix) {
			results = append(results, info)
		}
	}
	slices.SortFunc(results, func(a, b fs.FileInfo) int { return b.ModTime().Compare(a.ModTime()) })
	for _, old := range results[min(f.Max, len(results)):] {
		if err := os.Remove(filepath.Join(f.Path, old.Name())); err != nil && !os.IsNotExist(err) {
			return fmt.Errorf("removing old results: %w", err)
		}
	}
	return nil
}
