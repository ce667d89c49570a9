package lambda

import (
	"bytes"
	"os"
	"strconv"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// processAttributes puts the function into a process group of its own, so that Ctrl-C in a terminal does not reach it
// before its owner has flushed, and lets the kernel kill it when its owner dies without Close. To the kernel the owner
// is the thread that started it: Go keeps its threads, except one that a goroutine was locked to when it ended.
func processAttributes() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
}

// killProcess kills the process and its group: the process and its children.
func killProcess(process *os.Process) {
	_ = syscall.Kill(-process.Pid, syscall.SIGKILL) // it may just have ended
	_ = process.Kill()
}

// stopProcess stops the process without ending it.
func stopProcess(process *os.Process) {
	_ = process.Signal(syscall.SIGSTOP) // it may just have ended
}

// residentMemory returns the resident set and its peak in bytes, 0 for a process that is gone.
func residentMemory(pid int) (resident, peak int64) {
	status, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/status")
	if err != nil {
		return 0, 0
	}
	return readKilobytes(status, "\nVmRSS:"), readKilobytes(status, "\nVmHWM:")
}

func readKilobytes(status []byte, field string) int64 {
	_, rest, found := bytes.Cut(status, []byte(field))
	if !found { // the process is ending
		return 0
	}
	number, _, _ := bytes.Cut(bytes.TrimLeft(rest, " \t"), []byte(" "))
	n, err := strconv.ParseInt(string(number), 10, 64)
	if err != nil {
		return 0
	}
	return n << 10
}

// cpuTime reads the CPU clock of another process, which counts nanoseconds where /proc counts hundredths of a second.
// The clock's number is made as clock_getcpuclockid(3) does.
func cpuTime(pid int) time.Duration {
	var spec unix.Timespec
	if err := unix.ClockGettime(int32(^pid<<3|2), &spec); err != nil {
		return 0
	}
	return time.Duration(spec.Nano())
}

// exitMemory is for a process that ended before its memory was looked at: Linux counts in ru_maxrss the memory that the
// process had before exec too, which is its parent's, so the figure would be wrong.
func exitMemory(*os.ProcessState) int64 { return 0 }
