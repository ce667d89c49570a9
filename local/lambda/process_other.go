//go:build !linux

package lambda

import (
	"os"
	"syscall"
	"time"
)

func processAttributes() *syscall.SysProcAttr { return nil }

func killProcess(process *os.Process) {
	_ = process.Kill() // it may just have ended
}

// stopProcess leaves the process at work: not every system can stop one.
func stopProcess(*os.Process) {}

// memory cannot be watched without /proc.
func memory(int) (resident, peak int64) { return 0, 0 }

// cpuTime is known only once the process has ended.
func cpuTime(int) time.Duration { return 0 }
