package resultcache

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"
)

func keyOf(parts ...string) Key {
	var input Input
	for _, part := range parts {
		input.Add("part", []byte(part))
	}
	return input.Key()
}

func mustWrite(t *testing.T, f Folder, key Key, content string) {
	t.Helper()
	if err := f.Write(key, []byte(content)); err != nil {
		t.Fatal(err)
	}
}

func TestResultIsReadBack(t *testing.T) {
	f := Folder{Path: filepath.Join(t.TempDir(), "new", "folder")}
	for _, content := range []string{"", "one\ntwo\n", "\x00\xff"} {
		mustWrite(t, f, keyOf(content), content)
		if got, ok := f.Read(keyOf(content)); !ok || string(got) != content {
			t.Errorf("got %q, %t, want %q", got, ok, content)
		}
	}
	if _, ok := f.Read(keyOf("other")); ok {
		t.Error("another key: must be absent")
	}
}

func TestKeysKeepPartsApart(t *testing.T) {
	seen := map[Key]string{}
	for _, parts := range [][]string{{}, {""}, {"", ""}, {"ab"}, {"a", "b"}, {"", "ab"}, {"ab", ""}, {"b", "a"}} {
		key := keyOf(parts...)
		if other, ok := seen[key]; ok {
			t.Errorf("%q has the key of %s", parts, other)
		}
		seen[key] = fmt.Sprintf("%q", parts)
	}
}

// Whatever is wrong with a file, its result is absent, and may be written again.
func TestSpoiledResultsAreAbsent(t *testing.T) {
	key, other := keyOf("key"), keyOf("other")
	whole := heading + key.String() + "\n" + sumOf([]byte("content")) + "\n" + "content"
	for name, spoil := range map[string]func(t *testing.T, path string){
		"empty":          func(t *testing.T, path string) { replace(t, path, "") },
		"cut short":      func(t *testing.T, path string) { replace(t, path, whole[:len(whole)-1]) },
		"only the key":   func(t *testing.T, path string) { replace(t, path, heading+key.String()+"\n") },
		"longer":         func(t *testing.T, path string) { replace(t, path, whole+"x") },
		"edited":         func(t *testing.T, path string) { replace(t, path, whole[:len(whole)-7]+"CONTENT") },
		"another format": func(t *testing.T, path string) { replace(t, path, "firehose-pipeline result 2"+whole[26:]) },
		"of another key": func(t *testing.T, path string) {
			replace(t, path, heading+other.String()+"\n"+sumOf([]byte("content"))+"\n"+"content")
		},
		"random": func(t *testing.T, path string) { replace(t, path, "\x00\x01\x02{}") },
		"folder": func(t *testing.T, path string) {
			if err := os.Remove(path); err != nil {
				t.Fatal(err)
			}
			if err := os.Mkdir(path, 0o755); err != nil {
				t.Fatal(err)
			}
		},
		"link": func(t *testing.T, path string) {
			if err := os.Rename(path, path+".moved"); err != nil {
				t.Fatal(err)
			}
			if err := os.Symlink(path+".moved", path); err != nil {
				t.Fatal(err)
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			f := Folder{Path: t.TempDir()}
			mustWrite(t, f, key, "content")
			spoil(t, f.file(key))
			if got, ok := f.Read(key); ok {
				t.Fatalf("must be absent (got %q)", got)
			}
			if name == "folder" { // which a file cannot replace
				if err := f.Write(key, []byte("content")); err == nil {
					t.Error("must be an error")
				}
				return
			}
			mustWrite(t, f, key, "content")
			if got, ok := f.Read(key); !ok || string(got) != "content" {
				t.Errorf("written again: got %q, %t", got, ok)
			}
		})
	}
}

func replace(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

// A folder that cannot be written is an error on writing, and nothing on reading. Root may write everywhere, so a file
// is in the folder's place.
func TestFolderThatCannotBeWritten(t *testing.T) {
	path := filepath.Join(t.TempDir(), "file")
	replace(t, path, "")
	f := Folder{Path: path}
	if err := f.Write(keyOf("a"), nil); err == nil {
		t.Error("must be an error")
	}
	if _, ok := f.Read(keyOf("a")); ok {
		t.Error("must be absent")
	}
	if os.Getuid() == 0 {
		return
	}
	closed := Folder{Path: t.TempDir()}
	if err := os.Chmod(closed.Path, 0o500); err != nil {
		t.Fatal(err)
	}
	if err := closed.Write(keyOf("a"), nil); err == nil {
		t.Error("must be an error")
	}
}

func TestManyWriteAtOnce(t *testing.T) {
	f := Folder{Path: t.TempDir(), Max: 3}
	var all sync.WaitGroup
	content := bytes.Repeat([]byte("content"), 10_000)
	for n := range 40 {
		all.Go(func() {
			key := keyOf(fmt.Sprint(n % 5))
			if err := f.Write(key, content); err != nil {
				t.Error(err)
			}
			if got, ok := f.Read(key); ok && !bytes.Equal(got, content) {
				t.Errorf("got %d bytes", len(got))
			}
		})
	}
	all.Wait()
	entries, err := os.ReadDir(f.Path)
	if err != nil || len(entries) > 5 {
		t.Errorf("got %v, %v: no file may be left half written", entries, err)
	}
}

func TestOldResultsGo(t *testing.T) {
	f := Folder{Path: t.TempDir(), Max: 2}
	for n, name := range []string{"oldest", "old", "new"} {
		mustWrite(t, f, keyOf(name), name)
		at := time.Now().Add(time.Duration(n-10) * time.Minute)
		if err := os.Chtimes(f.file(keyOf(name)), at, at); err != nil {
			t.Fatal(err)
		}
	}
	mustWrite(t, f, keyOf("newest"), "newest")
	for name, want := range map[string]bool{"oldest": false, "old": false, "new": true, "newest": true} {
		if _, ok := f.Read(keyOf(name)); ok != want {
			t.Errorf("%s: present %t, want %t", name, ok, want)
		}
	}
}
