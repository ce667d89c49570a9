package opensearchtest

import (
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
)

// nobody is the user and group that owns nothing. OpenSearch does not run as root.
const nobody = 65534

// processAttributes puts the server into a group of its own, so that Ctrl-C reaches only the caller, runs it as nobody
// when the caller is root, and lets the kernel kill it when the caller dies without Close.
func processAttributes() *syscall.SysProcAttr {
	attributes := &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
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
