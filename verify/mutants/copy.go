package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// copyProject copies the files that Git knows or would add from root to a new folder, and node_modules as hard links:
// no test writes into it. The copy is a repository of its own, because tests ask Git for the list of files.
func copyProject(ctx context.Context, root, to string) error {
	list := exec.CommandContext(ctx, "git", "-c", "safe.directory=*", "ls-files", "-z", "--cached", "--others",
		"--exclude-standard")
	list.Dir = root
	out, err := list.Output()
	if err != nil {
		return fmt.Errorf("listing the files of %s: %w", root, err)
	}
	for file := range strings.SplitSeq(strings.TrimSuffix(string(out), "\x00"), "\x00") {
		err := copyFile(filepath.Join(root, file), filepath.Join(to, file))
		if err != nil && !errors.Is(err, fs.ErrNotExist) { // deleted, and Git still knows it
			return err
		}
	}
	if err := linkTree(filepath.Join(root, "node_modules"), filepath.Join(to, "node_modules")); err != nil {
		return err
	}
	if out, err := exec.CommandContext(ctx, "git", "init", "--quiet", to).CombinedOutput(); err != nil {
		return fmt.Errorf("making a repository of %s: %w: %s", to, err, out)
	}
	return nil
}

func copyFile(from, to string) error {
	info, err := os.Lstat(from)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(to), 0o755); err != nil {
		return err
	}
	if info.Mode()&fs.ModeSymlink != 0 {
		target, err := os.Readlink(from)
		if err != nil {
			return err
		}
		return os.Symlink(target, to)
	}
	in, err := os.Open(from)
	if err != nil {
		return err
	}
	defer in.Close()
	out, err := os.OpenFile(to, os.O_CREATE|os.O_EXCL|os.O_WRONLY, info.Mode().Perm())
	if err != nil {
		return err
	}
	_, err = io.Copy(out, in)
	return errors.Join(err, out.Close())
}

// linkTree makes hard links to the files of a folder, and copies them where the other folder is on another disk.
func linkTree(from, to string) error {
	return filepath.WalkDir(from, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		target := filepath.Join(to, strings.TrimPrefix(path, from))
		if entry.IsDir() {
			return os.MkdirAll(target, 0o755)
		}
		if entry.Type().IsRegular() && os.Link(path, target) == nil {
			return nil
		}
		return copyFile(path, target)
	})
}
