//go:build unix && !linux

package lambda

import (
	"os"
	"runtime"
	"syscall"
)

// exitMemory returns the peak of the resident set; macOS counts bytes, the BSDs kilobytes.
func exitMemory(state *os.ProcessState) int64 {
	usage, ok := state.SysUsage().(*syscall.Rusage)
	if !ok {
		return 0
	}
	if runtime.GOOS == "darwin" {
		return int64(usage.Maxrss)
	}
	return int64(usage.Maxrss) << 10
}
