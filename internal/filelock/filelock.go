package filelock

import (
	"errors"
	"os"
)

// ErrInUse is the error of a lock that another run has.
var ErrInUse = errors.New("another run uses it")

// Lock takes the exclusive lock of an open file. It ends when the file is closed, with the process at the latest. The
// error is [ErrInUse] or one of the system. On systems without such locks it does nothing.
func Lock(f *os.File) error { return lockFile(f) }

// suffix is what the name of a lock file has behind that of the file that it guards.
const suffix = ".lock"

// maxTries bounds how often Guard meets a lock file that its owner has just removed.
const maxTries = 100

// Guard is the lock of a file that is replaced while it is in use, so that the lock has a file of its own beside it.
type Guard struct{ file *os.File }

// Take locks the file at a path, which need not exist, until Release or the end of the process. The error is [ErrInUse]
// or one of the file system.
func Take(path string) (*Guard, error) {
	for range maxTries {
		file, err := os.OpenFile(path+suffix, os.O_CREATE|os.O_RDWR, 0o600)
		if err != nil {
			return nil, err
		}
		if err := Lock(file); err != nil {
			return nil, errors.Join(err, file.Close())
		}
		if isAt(file, path+suffix) {
			return &Guard{file}, nil
		}
		if err := file.Close(); err != nil { // its owner removed it, after it was opened here
			return nil, err
		}
	}
	return nil, ErrInUse
}

// isAt reports whether a path leads to an open file.
func isAt(file *os.File, path string) bool {
	here, err := file.Stat()
	if err != nil {
		return false
	}
	there, err := os.Stat(path)
	return err == nil && os.SameFile(here, there)
}

// Release removes the lock file while its lock is held: a run that has opened it before sees that it is gone.
func (g *Guard) Release() error {
	return errors.Join(removeOpen(g.file), g.file.Close())
}
