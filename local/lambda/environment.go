package lambda

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"os/exec"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"firehose-pipeline/local/loopback"
)

// call is one invocation on its way through an environment.
type call struct {
	id       string
	payload  []byte
	limit    time.Duration // the rest of the function's timeout
	deadline time.Time
	fault    Fault
	result   Result
}

// environment is one execution environment: a process and the Runtime API that it alone talks to.
type environment struct {
	cfg     *Config
	answers chan []byte // memory for answers
	cmd     *exec.Cmd
	server  *http.Server
	lines   *lineWriter

	atNext chan struct{} // the runtime asks for an event: init, or the previous invocation, is over
	work   chan *call
	failed chan struct{} // the runtime has reported that its init failed; closed once
	exited chan struct{} // the process has ended and been waited for
	done   chan struct{} // and nothing of the environment is left
	late   chan struct{} // a Late answer has been given

	connections sync.WaitGroup

	mu         sync.Mutex
	current    string  // request id of the event being worked on; empty between events
	begun      bool    // the first event has been handed over: init is over
	fault      Fault   // the fault to inject
	injected   bool    // and has
	answer     *answer // the runtime's response
	initError  []byte
	killReason string

	started time.Time
	length  atomic.Int64 // of the latest body: the next one is of about the same
	waiting bool         // the runtime waits for an event; owned by the holder of the place in the pool
	peak    int64        // largest resident set seen
}

// answer is a posted response or error.
type answer struct {
	payload       []byte
	functionError string
}

func (f *Function) newEnvironment() (*environment, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	e := &environment{
		cfg:     &f.cfg,
		answers: f.answers,
		lines:   &lineWriter{mu: &f.logMu, out: f.cfg.Log},
		atNext:  make(chan struct{}),
		work:    make(chan *call),
		failed:  make(chan struct{}),
		exited:  make(chan struct{}),
		done:    make(chan struct{}),
		late:    make(chan struct{}, 1),
	}
	e.server = &http.Server{
		Handler:           loopback.Guard(e.routeRequests()),
		ReadHeaderTimeout: initTimeout,
		ConnState:         e.trackConnection,
		ErrorLog:          log.New(io.Discard, "", 0), // connections cut by a process that was killed
	}
	e.cmd = exec.Command(f.cfg.Binary)
	e.cmd.Dir = filepath.Dir(f.cfg.Binary)
	e.cmd.Env = f.cfg.buildVariables(listener.Addr().String(), logStream(time.Now()))
	e.cmd.Stdout, e.cmd.Stderr = e.lines, e.lines
	e.cmd.WaitDelay = time.Second // for a pipe that a child of the function still holds
	e.cmd.SysProcAttr = processAttributes()

	f.mu.Lock()
	defer f.mu.Unlock()
	if isClosed(f.closed) {
		return nil, errors.Join(ErrClosed, listener.Close())
	}
	e.started = time.Now()
	if err := e.cmd.Start(); err != nil {
		return nil, errors.Join(err, listener.Close())
	}
	f.live[e] = struct{}{}
	served := make(chan struct{})
	go func() {
		defer close(served)
		e.serveRuntimeAPI(listener)
	}()
	go e.waitForExit(served)
	return e, nil
}

func logStream(at time.Time) string {
	return at.UTC().Format("2006/01/02") + "/[$LATEST]" + newRequestID()[:8]
}

func (e *environment) serveRuntimeAPI(listener net.Listener) {
	if err := e.server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
		e.killFor("serving the runtime api: " + err.Error())
	}
}

// trackConnection counts connections until their goroutine is at its end. New ones are announced by Serve's own
// goroutine.
func (e *environment) trackConnection(_ net.Conn, state http.ConnState) {
	switch state {
	case http.StateNew:
		e.connections.Add(1)
	case http.StateClosed, http.StateHijacked:
		e.connections.Done()
	}
}

func (e *environment) waitForExit(served <-chan struct{}) {
	// The state says how the process ended; Wait's own error would only repeat it, or report a pipe left open.
	_ = e.cmd.Wait()
	e.lines.flushLine()
	close(e.exited)
	_ = e.server.Close() // closing connections of a process that is gone
	<-served
	e.connections.Wait()
	close(e.done)
}

func (e *environment) hasExited() bool { return isClosed(e.exited) }

// killFor ends the process and whatever it started. The first reason given is kept.
func (e *environment) killFor(reason string) {
	e.mu.Lock()
	if e.killReason == "" {
		e.killReason = reason
	}
	e.mu.Unlock()
	if !e.hasExited() {
		killProcess(e.cmd.Process)
	}
}

// stopServing ends the environment and waits until nothing of it is left.
func (e *environment) stopServing() {
	e.killFor("stopped")
	<-e.done
}

// initializeOnce waits for the end of the init phase.
func (e *environment) initializeOnce(ctx context.Context, closed <-chan struct{}, limit time.Duration,
	call *call) error {
	err := e.runUntilNext(ctx, closed, limit, call, nil)
	call.result.Init = time.Since(e.started)
	call.result.InitCPU = e.cpuTime()
	call.result.PeakMemory = e.peak
	return err
}

// runCall hands the event over and waits for the end of the invocation.
func (e *environment) runCall(ctx context.Context, closed <-chan struct{}, call *call) error {
	e.mu.Lock()
	e.begun, e.current, e.answer, e.fault, e.injected = true, call.id, nil, call.fault, false
	e.mu.Unlock()
	e.waiting = false
	started, before := time.Now(), e.cpuTime()
	call.deadline = started.Add(call.limit)
	limit := call.limit
	if call.fault == Hang {
		e.freezeProcess()
		limit = min(limit, hangWait)
	}
	err := e.runUntilNext(ctx, closed, limit, call, e.work)
	call.result.Duration = time.Since(started)
	call.result.CPU = e.cpuTime() - before
	call.result.PeakMemory = e.peak
	e.mu.Lock()
	e.current, call.result.Injected = "", e.injected
	e.mu.Unlock()
	if answer := e.givenAnswer(); answer != nil && call.result.FunctionError == "" {
		call.result.setFunctionError(answer.functionError, answer.payload)
	}
	return err
}

// runUntilNext hands the call over when there is a channel for it, then waits for the runtime's next request for an
// event. An earlier end of the process is put into the call's result. The error is the context's or ErrClosed.
func (e *environment) runUntilNext(ctx context.Context, closed <-chan struct{}, limit time.Duration, call *call,
	work chan<- *call) error {
	timeout := time.NewTimer(max(limit, 0))
	defer timeout.Stop()
	memory := time.NewTicker(memoryInterval)
	defer memory.Stop()
	atNext := e.atNext
	if work != nil {
		atNext = nil
	}
	for {
		select {
		case work <- call:
			work, atNext = nil, e.atNext
		case <-atNext:
			e.waiting = true
			e.watchMemory()
			return nil
		case <-e.exited:
			if isClosed(closed) { // which is why it ended
				return ErrClosed
			}
			e.reportExit(call)
			return nil
		case <-e.failed:
			e.endProcess("init error")
			e.reportExit(call)
			return nil
		case <-timeout.C:
			e.timedOut(call)
			return nil
		case <-e.late:
			e.timedOut(call)
			return nil
		case <-memory.C:
			if resident := e.watchMemory(); resident > int64(e.cfg.MemoryMB)<<20 {
				e.endProcess("memory")
				call.result.setLambdaError("Runtime.OutOfMemory", "Runtime exited with error: signal: killed")
				return nil
			}
		case <-ctx.Done():
			e.endProcess("canceled")
			return ctx.Err()
		case <-closed:
			e.endProcess("closed")
			return ErrClosed
		}
	}
}

// killed is how a process ends that was killed from outside.
const killed = "signal: killed"

// isBusy reports whether the process has an event.
func (e *environment) isBusy() bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.current != ""
}

// freezeProcess stops the process where it is.
func (e *environment) freezeProcess() {
	e.mu.Lock()
	e.injected = true
	e.mu.Unlock()
	stopProcess(e.cmd.Process)
}

// isHanging reports whether the process is one that was stopped.
func (e *environment) isHanging() bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.fault == Hang && e.injected
}

func (e *environment) timedOut(call *call) {
	e.watchMemory()
	e.endProcess("timeout")
	call.result.setLambdaError("Sandbox.Timedout",
		fmt.Sprintf("Task timed out after %.2f seconds", e.cfg.Timeout.Seconds()))
}

func isClosed(c <-chan struct{}) bool {
	select {
	case <-c:
		return true
	default:
		return false
	}
}

func (e *environment) endProcess(reason string) {
	e.killFor(reason)
	<-e.exited
}

// reportExit reports a process that ended by itself. A response that it gave before counts: aws-lambda-go posts the
// error of a panic, then exits.
func (e *environment) reportExit(call *call) {
	e.mu.Lock()
	initError, reason, answered := e.initError, e.killReason, e.answer != nil
	e.mu.Unlock()
	switch {
	case answered:
	case initError != nil:
		call.result.setFunctionError("Unhandled", initError)
	case reason != "":
		call.result.setLambdaError("Runtime.ExitError", "Runtime exited with error: "+reason)
	case e.cmd.ProcessState.Success():
		call.result.setLambdaError("Runtime.ExitError", "Runtime exited without providing a reason")
	default:
		call.result.setLambdaError("Runtime.ExitError", "Runtime exited with error: "+e.cmd.ProcessState.String())
	}
}

func (e *environment) givenAnswer() *answer {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.answer
}

// watchMemory returns the resident set in bytes and keeps the peak; 0 where it cannot be measured.
func (e *environment) watchMemory() int64 {
	resident, peak := residentMemory(e.cmd.Process.Pid)
	e.peak = max(e.peak, peak)
	return resident
}

// cpuTime returns the CPU time of the process so far.
func (e *environment) cpuTime() time.Duration {
	if e.hasExited() {
		if e.peak == 0 {
			e.peak = exitMemory(e.cmd.ProcessState)
		}
		return e.cmd.ProcessState.UserTime() + e.cmd.ProcessState.SystemTime()
	}
	return cpuTime(e.cmd.Process.Pid)
}
