package lambda

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"time"
)

// Limits of Lambda. The service accepts an answer 100 bytes longer than the documented 6 MB, and says so in its error.
const (
	RequestLimit  = 6 * 1024 * 1024
	ResponseLimit = RequestLimit + 100

	environmentLimit = 4 * 1024 // names and values of Config.Environment together
	initTimeout      = 10 * time.Second
	memoryInterval   = 10 * time.Millisecond
	hangWait         = 20 * time.Millisecond // of a Hang: real time that is waited for the timeout
)

// ErrClosed is what Invoke returns once the function is closed.
var ErrClosed = errors.New("function is closed")

// RequestTooLargeError is Lambda's rejection of an event above [RequestLimit] (413 RequestEntityTooLargeException): the
// function is not invoked.
type RequestTooLargeError struct{ Size int }

func (e *RequestTooLargeError) Error() string {
	return fmt.Sprintf("%d byte payload is too large for the RequestResponse invocation type (limit %d bytes)", e.Size,
		RequestLimit)
}

// Config describes a function as the template does. Name and Binary are required.
type Config struct {
	Name        string
	Binary      string            // path of the bootstrap, built for this machine
	Handler     string            // default "bootstrap"; custom runtimes are free to ignore it
	MemoryMB    int               // 128 to 10,240, default 128
	Timeout     time.Duration     // up to 15 minutes, default 3 s
	Concurrency int               // environments at once, default 1
	Region      string            // default us-east-1
	AccountID   string            // default 000000000000
	LogGroup    string            // default /aws/lambda/<Name>
	Environment map[string]string // the function's own variables: at most 4 KB, none that Lambda reserves
	// Log receives the function's stdout and stderr, line by line, one Write a line with its newline. Lines of
	// concurrent environments are never mixed. Nil discards them.
	Log io.Writer
}

// ARN is the function's ARN, as the function sees it in its context.
func (c *Config) ARN() string {
	return "arn:aws:lambda:" + c.Region + ":" + c.AccountID + ":function:" + c.Name
}

// reserved are the variables that Lambda sets and rejects in a function's configuration.
var reserved = []string{
	"_HANDLER", "_X_AMZN_TRACE_ID", "AWS_DEFAULT_REGION", "AWS_REGION", "AWS_EXECUTION_ENV", "AWS_LAMBDA_FUNCTION_NAME",
	"AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "AWS_LAMBDA_FUNCTION_VERSION", "AWS_LAMBDA_INITIALIZATION_TYPE",
	"AWS_LAMBDA_LOG_GROUP_NAME", "AWS_LAMBDA_LOG_STREAM_NAME", "AWS_ACCESS_KEY", "AWS_ACCESS_KEY_ID",
	"AWS_SECRET_ACCESS_KEY",
	"AWS_SESSION_TOKEN", "AWS_LAMBDA_RUNTIME_API", "LAMBDA_TASK_ROOT", "LAMBDA_RUNTIME_DIR",
}

// setDefaults fills in defaults and checks what Lambda would check at deployment.
func (c *Config) setDefaults() error {
	setDefault(&c.Handler, "bootstrap")
	setDefault(&c.MemoryMB, 128)
	setDefault(&c.Timeout, 3*time.Second)
	setDefault(&c.Concurrency, 1)
	setDefault(&c.Region, "us-east-1")
	setDefault(&c.AccountID, "000000000000")
	setDefault(&c.LogGroup, "/aws/lambda/"+c.Name)
	if c.Log == nil {
		c.Log = io.Discard
	}
	var problems []error
	check := func(ok bool, format string, args ...any) {
		if !ok {
			problems = append(problems, fmt.Errorf(format, args...))
		}
	}
	check(c.Name != "", "name: must not be empty")
	check(c.MemoryMB >= 128 && c.MemoryMB <= 10240, "memory: must be 128 to 10240 MB (got %d)", c.MemoryMB)
	check(c.Timeout > 0 && c.Timeout <= 15*time.Minute, "timeout: must be above 0 and at most 15m (got %s)", c.Timeout)
	check(c.Concurrency >= 1 && c.Concurrency <= 1000, "concurrency: must be 1 to 1000 (got %d)", c.Concurrency)
	size := 0
	for name, value := range c.Environment {
		size += len(name) + len(value)
	}
	check(size <= environmentLimit, "environment: must be at most %d bytes (got %d)", environmentLimit, size)
	for _, name := range reserved {
		_, set := c.Environment[name]
		check(!set, "environment: %s is reserved by lambda", name)
	}
	if path, err := filepath.Abs(c.Binary); err != nil {
		problems = append(problems, err)
	} else if info, err := os.Stat(path); err != nil {
		problems = append(problems, fmt.Errorf("binary: %w", err))
	} else {
		check(info.Mode().IsRegular(), "binary: must be a file (got %s)", path)
		c.Binary = path
	}
	return errors.Join(problems...)
}

func setDefault[T comparable](field *T, value T) {
	var zero T
	if *field == zero {
		*field = value
	}
}

// buildVariables are the environment of a function's process: what Lambda sets for an OS-only runtime, then the
// function's own. The credentials are placeholders: SDK clients reject to sign without some.
func (c *Config) buildVariables(api, logStream string) []string {
	vars := []string{
		"AWS_LAMBDA_RUNTIME_API=" + api,
		"AWS_LAMBDA_FUNCTION_NAME=" + c.Name,
		"AWS_LAMBDA_FUNCTION_MEMORY_SIZE=" + strconv.Itoa(c.MemoryMB),
		"AWS_LAMBDA_FUNCTION_VERSION=$LATEST",
		"AWS_LAMBDA_INITIALIZATION_TYPE=on-demand",
		"AWS_LAMBDA_LOG_GROUP_NAME=" + c.LogGroup,
		"AWS_LAMBDA_LOG_STREAM_NAME=" + logStream,
		"AWS_REGION=" + c.Region,
		"AWS_DEFAULT_REGION=" + c.Region,
		"AWS_ACCESS_KEY_ID=local",
		"AWS_SECRET_ACCESS_KEY=local",
		"AWS_SESSION_TOKEN=local",
		"_HANDLER=" + c.Handler,
		"LAMBDA_TASK_ROOT=" + filepath.Dir(c.Binary),
		"LAMBDA_RUNTIME_DIR=/var/runtime",
		"PATH=/usr/local/bin:/usr/bin:/bin:/opt/bin",
		"LANG=en_US.UTF-8",
		"TZ=:UTC",
	}
	for name, value := range c.Environment {
		vars = append(vars, name+"="+value)
	}
	return vars
}

// Function is a deployed function: a pool of execution environments. Its methods may be called concurrently.
type Function struct {
	cfg       Config
	initLimit time.Duration

	// A place in the pool is either a warm environment or the right to start one; the two channels together always hold
	// Config.Concurrency places, less those in use.
	warm chan *environment
	cold chan struct{}

	answers chan []byte // memory for answers, see Recycle

	logMu sync.Mutex

	mu     sync.Mutex
	live   map[*environment]struct{}
	closed chan struct{}
	detach func() bool
}

// Start checks the configuration and makes the function ready; no process starts before the first invocation. The
// function and its processes end with Close, or when ctx is done.
func Start(ctx context.Context, cfg Config) (*Function, error) {
	if err := cfg.setDefaults(); err != nil {
		return nil, fmt.Errorf("configuring function %q: %w", cfg.Name, err)
	}
	f := &Function{
		cfg:       cfg,
		initLimit: initTimeout,
		warm:      make(chan *environment, cfg.Concurrency),
		cold:      make(chan struct{}, cfg.Concurrency),
		answers:   make(chan []byte, cfg.Concurrency),
		live:      map[*environment]struct{}{},
		closed:    make(chan struct{}),
	}
	for range cfg.Concurrency {
		f.cold <- struct{}{}
	}
	ready := make(chan struct{})
	f.detach = context.AfterFunc(ctx, func() {
		<-ready
		f.Close()
	})
	close(ready)
	return f, nil
}

// Close kills every process of the function and waits until each has gone. Invocations under way return ErrClosed.
func (f *Function) Close() {
	f.mu.Lock()
	if !isClosed(f.closed) {
		close(f.closed)
	}
	live := make([]*environment, 0, len(f.live))
	for e := range f.live {
		live = append(live, e)
	}
	f.mu.Unlock()
	f.detach()
	for _, e := range live {
		e.stopServing()
	}
}

// Invoke runs the function on one event, as Lambda's Invoke API does with the invocation type RequestResponse.
//
// Failures of the function, its runtime or its limits are in the Result; the error is for reasons that kept the
// function from running: a [RequestTooLargeError], ErrClosed, or the context's error (the process is then killed, as
// nothing else can interrupt it).
func (f *Function) Invoke(ctx context.Context, payload []byte) (Result, error) {
	return f.InvokeWith(ctx, payload, None)
}

// InvokeWith is Invoke with something going wrong. Result.Injected says whether it did: a function may fail before.
func (f *Function) InvokeWith(ctx context.Context, payload []byte, fault Fault) (Result, error) {
	if len(payload) > RequestLimit {
		return Result{}, &RequestTooLargeError{Size: len(payload)}
	}
	if err := ctx.Err(); err != nil {
		return Result{}, err
	}
	warm, err := f.acquirePlace(ctx)
	if err != nil {
		return Result{}, err
	}
	call := &call{id: newRequestID(), payload: payload, limit: f.cfg.Timeout, fault: fault, result: Result{}}
	call.result.RequestID = call.id
	e := warm
	if e == nil {
		e, err = f.coldStart(ctx, call)
	}
	if e != nil && err == nil && call.result.FunctionError == "" {
		err = e.runCall(ctx, f.closed, call)
	}
	f.releasePlace(e)
	if err != nil {
		return Result{}, err
	}
	return call.result, nil
}

// Recycle takes the memory of a Result's Payload for answers to come. The caller must have done with it.
func (f *Function) Recycle(payload []byte) {
	select {
	case f.answers <- payload:
	default:
	}
}

// Kill kills the processes that have an event, like a failure of AWS without notice. Their invocations fail.
func (f *Function) Kill() {
	f.mu.Lock()
	defer f.mu.Unlock()
	for e := range f.live {
		if e.isBusy() {
			e.killFor(killed)
		}
	}
}

// acquirePlace takes a place in the pool: a warm environment, or nil for the right to start one.
func (f *Function) acquirePlace(ctx context.Context) (*environment, error) {
	select {
	case <-f.closed:
		return nil, ErrClosed
	case e := <-f.warm:
		return f.ifAlive(e), nil
	default:
	}
	select {
	case e := <-f.warm:
		return f.ifAlive(e), nil
	case <-f.cold:
		return nil, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	case <-f.closed:
		return nil, ErrClosed
	}
}

// ifAlive returns e, or nil when its process has ended while it was idle.
func (f *Function) ifAlive(e *environment) *environment {
	if e.hasExited() {
		f.forgetEnvironment(e)
		return nil
	}
	return e
}

// releasePlace gives the place back: with the environment when it waits for another event, without it in all other
// cases.
func (f *Function) releasePlace(e *environment) {
	if e != nil && e.waiting {
		f.warm <- e
		return
	}
	if e != nil {
		f.forgetEnvironment(e)
	}
	f.cold <- struct{}{}
}

func (f *Function) forgetEnvironment(e *environment) {
	e.stopServing()
	f.mu.Lock()
	delete(f.live, e)
	f.mu.Unlock()
}

// coldStart starts an environment and waits for the end of its init phase. A failed init phase is run once more within
// the function's timeout; when that fails too, the call has its result.
func (f *Function) coldStart(ctx context.Context, call *call) (*environment, error) {
	call.result.Cold = true
	e, err := f.initializeOnce(ctx, f.initLimit, call)
	if err != nil || call.result.FunctionError == "" {
		return e, err
	}
	if e != nil {
		f.forgetEnvironment(e)
	}
	call.result.setFunctionError("", nil)
	started := time.Now()
	e, err = f.initializeOnce(ctx, call.limit, call)
	call.limit -= time.Since(started)
	return e, err
}

func (f *Function) initializeOnce(ctx context.Context, limit time.Duration, call *call) (*environment, error) {
	e, err := f.newEnvironment()
	if err != nil {
		if errors.Is(err, ErrClosed) {
			return nil, err
		}
		call.result.setLambdaError("Runtime.InvalidEntrypoint", err.Error())
		return nil, nil
	}
	return e, e.initializeOnce(ctx, f.closed, limit, call)
}
