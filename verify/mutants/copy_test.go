package main

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

func TestCopyProject(t *testing.T) {
	root := writeProject(t, map[string]string{"a/kept.txt": "1", "ignored.txt": "2",
		".gitignore":          "ignored.txt\nnode_modules\n",
		"node_modules/m/m.js": "3", "gone.txt": "4"})
	for _, args := range [][]string{{"init", "--quiet"}, {"add", "gone.txt"}} {
		if out, err := exec.Command("git", append([]string{"-C", root}, args...)...).CombinedOutput(); err != nil {
			t.Fatalf("%v: %s", err, out)
		}
	}
	if err := os.Remove(filepath.Join(root, "gone.txt")); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("kept.txt", filepath.Join(root, "a", "link")); err != nil {
		t.Fatal(err)
	}
	to := filepath.Join(t.TempDir(), "copy")
	if err := copyProject(context.Background(), root, to); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{"a/kept.txt": "1", "a/link": "1", "node_modules/m/m.js": "3",
		"ignored.txt": "",
		"gone.txt":    "", ".git/HEAD": "ref"} {
		got, err := os.ReadFile(filepath.Join(to, filepath.FromSlash(name)))
		if (err == nil) != (want != "") || want != "ref" && string(got) != want {
			t.Errorf("%s: must be %q (got %q, %v)", name, want, got, err)
		}
	}
}
