package filelock

import (
	"errors"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
)

func TestTake(t *testing.T) {
	path := filepath.Join(t.TempDir(), "state")
	first, err := Take(path)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Take(path); !errors.Is(err, ErrInUse) {
		t.Errorf("taken twice: got %v", err)
	}
	if err := first.Release(); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(path + suffix); err == nil {
		t.Error("the lock file is left")
	}
	again, err := Take(path)
	if err != nil {
		t.Fatalf("released: %v", err)
	}
	if err := again.Release(); err != nil {
		t.Fatal(err)
	}
	if _, err := Take(filepath.Join(path, "none", "state")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("no folder: got %v", err)
	}
}

// A lock file that a killed run has left keeps nobody away.
func TestTakeAfterAKilledRun(t *testing.T) {
	path := filepath.Join(t.TempDir(), "state")
	if err := os.WriteFile(path+suffix, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	lock, err := Take(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := lock.Release(); err != nil {
		t.Fatal(err)
	}
}

// However the takes and the removals of the file fall, one run at a time has the lock.
func TestOneRunAtATime(t *testing.T) {
	path := filepath.Join(t.TempDir(), "state")
	var holders, taken atomic.Int64
	var runs sync.WaitGroup
	for range 8 {
		runs.Go(func() {
			for range 500 {
				lock, err := Take(path)
				if errors.Is(err, ErrInUse) {
					continue
				}
				if err != nil {
					t.Error(err)
					return
				}
				if n := holders.Add(1); n != 1 {
					t.Errorf("%d runs have the lock", n)
				}
				taken.Add(1)
				holders.Add(-1)
				if err := lock.Release(); err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	runs.Wait()
	if taken.Load() == 0 {
		t.Error("no run had the lock")
	}
}
