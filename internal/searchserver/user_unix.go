//go:build unix

package searchserver

import (
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
)

// nobody is the user and group, on Linux and on macOS (-2), that owns nothing. OpenSearch refuses to run as root.
const nobody = 65534

// unprivileged runs a process in a group of its own, so that Ctrl-C reaches only the caller, and as nobody when the caller is root.
func unprivileged() *syscall.SysProcAttr {
	attributes := &syscall.SysProcAttr{Setpgid: true}
	if os.Geteuid() == 0 {
		attributes.Credential = &syscall.Credential{Uid: nobody, Gid: nobody, NoSetGroups: true}
	}
	return attributes
}

// giveAway makes nobody the owner of a folder when the caller is root.
func giveAway(dir string) error {
	if os.Geteuid() != 0 {
		return nil
	}
	return filepath.WalkDir(dir, func(name string, _ fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		return os.Lchown(name, nobody, nobody)
	})
}
