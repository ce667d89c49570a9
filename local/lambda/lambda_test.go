package lambda

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

var binary string

func TestMain(m *testing.M) { os.Exit(run(m)) }

func run(m *testing.M) int {
	dir, err := os.MkdirTemp("", "runtimeapi")
	if err != nil {
		log.Print(err)
		return 1
	}
	defer os.RemoveAll(dir)
	binary = filepath.Join(dir, "bootstrap")
	build := exec.Command("go", "build", "-tags", "lambda.norpc", "-o", binary, "./testdata/function")
	if out, err := build.CombinedOutput(); err != nil {
		log.Printf("building the test function: %v\n%s", err, out)
		return 1
	}
	return m.Run()
}

// start starts the test function and checks at the end that nothing of it is left.
func start(t *testing.T, change func(*Config)) *Function {
	t.Helper()
	cfg := Config{Name: "test", Binary: binary, Timeout: 30 * time.Second, MemoryMB: 512, Log: t.Output()}
	if change != nil {
		change(&cfg)
	}
	f, err := Start(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		f.mu.Lock()
		live := make([]*environment, 0)
		for e := range f.live {
			live = append(live, e)
		}
		f.mu.Unlock()
		f.Close()
		for _, e := range live {
			<-e.done // Close has waited: this never blocks
			if err := e.cmd.Process.Signal(syscall.Signal(0)); !errors.Is(err, os.ErrProcessDone) {
				t.Errorf("process %d is left: %v", e.cmd.Process.Pid, err)
			}
		}
	})
	return f
}

func invoke(t *testing.T, f *Function, format string, args ...any) Result {
	t.Helper()
	result, err := f.Invoke(t.Context(), fmt.Appendf(nil, format, args...))
	if err != nil {
		t.Fatal(err)
	}
	return result
}

func decode[T any](t *testing.T, result Result) T {
	t.Helper()
	if err := result.Error(); err != nil {
		t.Fatal(err)
	}
	var value T
	if err := json.Unmarshal(result.Payload, &value); err != nil {
		t.Fatalf("%v in %s", err, result.Payload)
	}
	return value
}

func wantError(t *testing.T, result Result, errorType, message string) {
	t.Helper()
	message = strings.ReplaceAll(message, "ID", result.RequestID)
	if result.FunctionError != "Unhandled" || result.ErrorType() != errorType || result.ErrorMessage() != message {
		t.Errorf("got %s %s: %s\nwant Unhandled %s: %s", result.FunctionError, result.ErrorType(),
			result.ErrorMessage(), errorType, message)
	}
}

type echo struct {
	Text        string
	Invocations int
	PID         int
}

func TestInvoke(t *testing.T) {
	t.Run("a warm environment is used again", func(t *testing.T) {
		f := start(t, nil)
		cold := invoke(t, f, `{"do":"echo","text":"ä\u0000"}`)
		first := decode[echo](t, cold)
		if !cold.Cold || cold.Init <= 0 || first.Text != "ä\x00" {
			t.Errorf("got %+v %+v", cold, first)
		}
		for i := 2; i < 5; i++ {
			warm := invoke(t, f, `{"do":"echo"}`)
			again := decode[echo](t, warm)
			if warm.Cold || warm.Init != 0 || again.Invocations != i || again.PID != first.PID {
				t.Errorf("invocation %d got %+v %+v", i, warm, again)
			}
		}
	})
	t.Run("the context tells request, function and deadline", func(t *testing.T) {
		f := start(t, func(c *Config) { c.Region, c.AccountID = "eu-west-1", "123456789012" })
		result := invoke(t, f, `{"do":"context"}`)
		got := decode[struct {
			RequestID, ARN, Trace string
			Remaining             float64
		}](t, result)
		if got.RequestID != result.RequestID || got.ARN != "arn:aws:lambda:eu-west-1:123456789012:function:test" ||
			got.Remaining <= 0 || got.Remaining > 30 || !strings.HasPrefix(got.Trace, "Root=1-") {
			t.Errorf("got %+v for %s", got, result.RequestID)
		}
	})
	t.Run("the environment is Lambda's and the function's, not the caller's", func(t *testing.T) {
		t.Setenv("CALLERS_SECRET", "x")
		f := start(t, func(c *Config) { c.Environment = map[string]string{"STREAM": "lake"} })
		var names []string
		for _, variable := range decode[[]string](t, invoke(t, f, `{"do":"environment"}`)) {
			name, _, _ := strings.Cut(variable, "=")
			names = append(names, name)
		}
		want := []string{"AWS_ACCESS_KEY_ID", "AWS_DEFAULT_REGION", "AWS_LAMBDA_FUNCTION_MEMORY_SIZE",
			"AWS_LAMBDA_FUNCTION_NAME",
			"AWS_LAMBDA_FUNCTION_VERSION", "AWS_LAMBDA_INITIALIZATION_TYPE", "AWS_LAMBDA_LOG_GROUP_NAME",
			"AWS_LAMBDA_LOG_STREAM_NAME", "AWS_LAMBDA_RUNTIME_API", "AWS_REGION", "AWS_SECRET_ACCESS_KEY",
			"AWS_SESSION_TOKEN",
			"LAMBDA_RUNTIME_DIR", "LAMBDA_TASK_ROOT", "LANG", "PATH", "STREAM", "TZ", "_HANDLER", "_X_AMZN_TRACE_ID"}
		slices.Sort(names)
		if !slices.Equal(names, want) {
			t.Errorf("got %q\nwant %q", names, want)
		}
	})
	t.Run("stdout and stderr reach the log by lines", func(t *testing.T) {
		var buffer bytes.Buffer
		f := start(t, func(c *Config) { c.Log = &buffer })
		invoke(t, f, `{"do":"log","text":"to stderr"}`)
		f.Close()
		if got, want := buffer.String(), "to stdout\nto stderr\nno newline\n"; got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	})
	t.Run("as many environments as the concurrency work at once", func(t *testing.T) {
		both := make(chan struct{})
		var waiting sync.WaitGroup
		waiting.Add(2)
		go func() { waiting.Wait(); close(both) }()
		server := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter,
			*http.Request) {
			waiting.Done()
			<-both
		}))
		defer server.Close()
		f := start(t, func(c *Config) { c.Concurrency = 2 })
		var group sync.WaitGroup
		for range 2 {
			group.Go(func() {
				if result, err := f.Invoke(t.Context(),
					fmt.Appendf(nil, `{"do":"rendezvous","text":%q}`, server.URL)); err != nil ||
					result.FunctionError != "" {
					t.Errorf("got %v, %s", err, result.Payload)
				}
			})
		}
		group.Wait()
		if len(f.warm) != 2 || len(f.cold) != 0 {
			t.Errorf("got %d warm, %d cold places, want 2 and 0", len(f.warm), len(f.cold))
		}
	})
	t.Run("invocations beyond the concurrency wait for their turn", func(t *testing.T) {
		f := start(t, func(c *Config) { c.Concurrency = 2 })
		seen := make(chan int, 20)
		var group sync.WaitGroup
		for range cap(seen) {
			group.Go(func() {
				result, err := f.Invoke(t.Context(), []byte(`{"do":"echo"}`))
				var got echo
				if err == nil {
					err = json.Unmarshal(result.Payload, &got)
				}
				if err != nil {
					t.Error(err)
				}
				seen <- got.PID
			})
		}
		group.Wait()
		close(seen)
		pids := map[int]bool{}
		for pid := range seen {
			pids[pid] = true
		}
		if len(pids) > 2 {
			t.Errorf("got %d processes, want at most 2", len(pids))
		}
	})
	t.Run("a wrong answer, a second one and a late init error are refused", func(t *testing.T) {
		var buffer bytes.Buffer
		f := start(t, func(c *Config) { c.Environment = map[string]string{"INIT": "raw"}; c.Log = &buffer })
		if got, want := decode[[]int](t, invoke(t, f, `{}`)), []int{400, 403}; !slices.Equal(got, want) {
			t.Errorf("got %v, want %v", got, want)
		}
		f.Close()
		if got, want := buffer.String(), "second answer 400\n"; got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	})
}

func TestFunctionErrors(t *testing.T) {
	// In all cases the next invocation must succeed; cold says whether a new environment has to serve it.
	for _, c := range []struct {
		name, event, errorType, message string
		cold                            bool
		change                          func(*Config)
	}{
		{"an error that the handler returns keeps the environment", `{"do":"error","text":"no luck"}`, "errorString",
			"no luck", false, nil},
		{"a panic is reported and ends the process", `{"do":"panic","text":"oh"}`, "string", "oh", true, nil},
		{"an exit status", `{"do":"exit","size":3}`, "Runtime.ExitError",
			"RequestId: ID Error: Runtime exited with error: exit status 3", true, nil},
		{"an exit without a reason", `{"do":"exit"}`, "Runtime.ExitError",
			"RequestId: ID Error: Runtime exited without providing a reason", true, nil},
		{"a signal", `{"do":"kill"}`, "Runtime.ExitError",
			"RequestId: ID Error: Runtime exited with error: signal: terminated", true, nil},
		{"a timeout", `{"do":"hang"}`, "Sandbox.Timedout", "RequestId: ID Error: Task timed out after 1.00 seconds",
			true,
			func(c *Config) { c.Timeout = time.Second }},
		{"an answer above 6 MB", `{"do":"big","size":6291555}`, "Function.ResponseSizeTooLarge",
			"Response payload size exceeded maximum allowed payload size (6291556 bytes).", true, nil},
		{"an answer far above 6 MB", `{"do":"big","size":40000000}`, "Function.ResponseSizeTooLarge",
			"Response payload size exceeded maximum allowed payload size (6291556 bytes).", true, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			f := start(t, c.change)
			wantError(t, invoke(t, f, "%s", c.event), c.errorType, c.message)
			if next := invoke(t, f, `{"do":"echo"}`); next.Cold != c.cold || next.FunctionError != "" {
				t.Errorf("then got %+v %s, want cold %t", next, next.Payload, c.cold)
			}
		})
	}
	t.Run("an answer of exactly the limit passes", func(t *testing.T) {
		result := invoke(t, start(t, nil), `{"do":"big","size":6291554}`)
		if result.FunctionError != "" || len(result.Payload) != ResponseLimit {
			t.Errorf("got %d bytes, %v", len(result.Payload), result.Error())
		}
	})
	t.Run("an event above 6 MB is refused before the function runs", func(t *testing.T) {
		f := start(t, nil)
		_, err := f.Invoke(t.Context(), make([]byte, RequestLimit+1))
		var large *RequestTooLargeError
		if !errors.As(err, &large) || large.Size != RequestLimit+1 || len(f.live) != 0 {
			t.Errorf("got %v with %d environments", err, len(f.live))
		}
	})
	t.Run("a binary that cannot run", func(t *testing.T) {
		f := start(t, func(c *Config) {
			c.Binary = filepath.Join(t.TempDir(), "bootstrap")
			if err := os.WriteFile(c.Binary, []byte("not a program"), 0o700); err != nil {
				t.Fatal(err)
			}
		})
		if result := invoke(t, f, `{}`); result.ErrorType() != "Runtime.InvalidEntrypoint" {
			t.Errorf("got %s", result.Payload)
		}
	})
}

func TestInit(t *testing.T) {
	initialize := func(mode string) func(*Config) {
		return func(c *Config) { c.Environment = map[string]string{"INIT": mode} }
	}
	t.Run("a crash is tried once more, then reported", func(t *testing.T) {
		var buffer bytes.Buffer
		f := start(t, func(c *Config) { initialize("crash")(c); c.Log = &buffer })
		wantError(t, invoke(t, f, `{}`), "Runtime.ExitError",
			"RequestId: ID Error: Runtime exited with error: exit status 7")
		f.Close()
		if got := strings.Count(buffer.String(), "crashing in init\n"); got != 2 {
			t.Errorf("got %d starts, want 2", got)
		}
	})
	t.Run("a crash that does not come back costs only time", func(t *testing.T) {
		f := start(t, initialize("crash-once "+filepath.Join(t.TempDir(), "marker")))
		if got := decode[echo](t, invoke(t, f, `{"do":"echo","text":"x"}`)); got.Text != "x" {
			t.Errorf("got %+v", got)
		}
	})
	t.Run("an init error is what the runtime reports", func(t *testing.T) {
		wantError(t, invoke(t, start(t, initialize("error")), `{}`), "Config.Missing", "no table")
	})
	t.Run("an init without end is tried once more within the timeout", func(t *testing.T) {
		f := start(t, func(c *Config) { initialize("hang")(c); c.Timeout = 200 * time.Millisecond })
		f.initLimit = 100 * time.Millisecond
		result := invoke(t, f, `{}`)
		wantError(t, result, "Sandbox.Timedout", "RequestId: ID Error: Task timed out after 0.20 seconds")
		if result.Init < 200*time.Millisecond {
			t.Errorf("got init %s, want the second one's", result.Init)
		}
	})
}

func TestMeasures(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("needs /proc")
	}
	t.Run("peak memory is the process's", func(t *testing.T) {
		f := start(t, nil)
		small := invoke(t, f, `{"do":"echo"}`).PeakMemory
		large := invoke(t, f, `{"do":"hog","size":%d}`, 200<<20).PeakMemory
		if small < 1<<20 || small > 100<<20 || large < 200<<20 {
			t.Errorf("got peaks of %d and %d bytes", small, large)
		}
	})
	t.Run("CPU time is the invocation's", func(t *testing.T) {
		f := start(t, nil)
		first := invoke(t, f, `{"do":"spin","size":60}`)
		second := invoke(t, f, `{"do":"echo"}`)
		if first.InitCPU <= 0 || first.CPU < 5*time.Millisecond || first.CPU > 5*first.Duration {
			t.Errorf("got init CPU %s, CPU %s in %s", first.InitCPU, first.CPU, first.Duration)
		}
		if second.CPU <= 0 || second.CPU >= first.CPU {
			t.Errorf("got CPU %s after %s", second.CPU, first.CPU)
		}
	})
	t.Run("memory beyond the limit kills the process", func(t *testing.T) {
		f := start(t, func(c *Config) { c.MemoryMB = 128 })
		result := invoke(t, f, `{"do":"hog","size":%d,"text":"stay"}`, 160<<20)
		wantError(t, result, "Runtime.OutOfMemory", "RequestId: ID Error: Runtime exited with error: signal: killed")
		if result.PeakMemory < 128<<20 {
			t.Errorf("got a peak of %d bytes", result.PeakMemory)
		}
		if next := invoke(t, f, `{"do":"echo"}`); !next.Cold || next.FunctionError != "" {
			t.Errorf("then got %+v", next)
		}
	})
}

func TestEnd(t *testing.T) {
	// running starts an invocation that never ends by itself; whether the process has got that far makes no difference.
	running := func(t *testing.T, ctx context.Context, f *Function) chan error {
		result := make(chan error, 1)
		go func() {
			_, err := f.Invoke(ctx, []byte(`{"do":"hang"}`))
			result <- err
		}()
		return result
	}
	t.Run("Close ends what runs and what waits", func(t *testing.T) {
		f := start(t, nil)
		invoke(t, f, `{"do":"echo"}`)
		first, second := running(t, t.Context(), f), running(t, t.Context(), f)
		f.Close()
		for _, c := range []chan error{first, second} {
			if err := <-c; !errors.Is(err, ErrClosed) {
				t.Errorf("got %v, want %v", err, ErrClosed)
			}
		}
		if _, err := f.Invoke(t.Context(), nil); !errors.Is(err, ErrClosed) {
			t.Errorf("after Close got %v, want %v", err, ErrClosed)
		}
		f.Close()
	})
	t.Run("the context of Start ends the function", func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		f, err := Start(ctx, Config{Name: "test", Binary: binary})
		if err != nil {
			t.Fatal(err)
		}
		result := running(t, context.Background(), f)
		cancel()
		if err := <-result; !errors.Is(err, ErrClosed) {
			t.Errorf("got %v, want %v", err, ErrClosed)
		}
		f.Close()
	})
	t.Run("the context of an invocation ends its process only", func(t *testing.T) {
		f := start(t, func(c *Config) { c.Concurrency = 2 })
		ctx, cancel := context.WithCancel(t.Context())
		result := running(t, ctx, f)
		cancel()
		if err := <-result; !errors.Is(err, context.Canceled) {
			t.Errorf("got %v, want %v", err, context.Canceled)
		}
		if len(f.warm)+len(f.cold) != 2 {
			t.Errorf("got %d places, want 2", len(f.warm)+len(f.cold))
		}
		if next := invoke(t, f, `{"do":"echo"}`); next.FunctionError != "" {
			t.Errorf("then got %s", next.Payload)
		}
	})
	t.Run("a process that dies while idle is replaced", func(t *testing.T) {
		f := start(t, nil)
		first := decode[echo](t, invoke(t, f, `{"do":"echo"}`))
		e := <-f.warm
		f.warm <- e
		if err := syscall.Kill(first.PID, syscall.SIGKILL); err != nil {
			t.Fatal(err)
		}
		<-e.exited
		if next := invoke(t, f, `{"do":"echo"}`); !next.Cold || next.FunctionError != "" {
			t.Errorf("got %+v", next)
		}
	})
	t.Run("no goroutine is left", func(t *testing.T) {
		before := runtime.NumGoroutine()
		f := start(t, nil)
		invoke(t, f, `{"do":"echo"}`)
		f.Close()
		// Goroutines that have done their work may still be counted for a moment.
		for end := time.Now().Add(5 * time.Second); runtime.NumGoroutine() > before && time.Now().Before(end); {
			runtime.Gosched()
		}
		if after := runtime.NumGoroutine(); after > before {
			t.Errorf("got %d goroutines, had %d", after, before)
		}
	})
}

func TestConfig(t *testing.T) {
	for _, c := range []struct {
		name   string
		change func(*Config)
		want   string
	}{
		{"no name", func(c *Config) { c.Name = "" }, "name: must not be empty"},
		{"memory below", func(c *Config) { c.MemoryMB = 127 }, "memory: must be 128 to 10240 MB (got 127)"},
		{"memory above", func(c *Config) { c.MemoryMB = 10241 }, "memory: must be 128 to 10240 MB (got 10241)"},
		{"timeout above", func(c *Config) { c.Timeout = 15*time.Minute + 1 },
			"timeout: must be above 0 and at most 15m (got 15m0.000000001s)"},
		{"concurrency", func(c *Config) { c.Concurrency = -1 }, "concurrency: must be 1 to 1000 (got -1)"},
		{"reserved variable", func(c *Config) { c.Environment = map[string]string{"AWS_REGION": "x"} },
			"environment: AWS_REGION is reserved by lambda"},
		{"too much environment", func(c *Config) { c.Environment = map[string]string{"A": strings.Repeat("x", 4096)} },
			"environment: must be at most 4096 bytes (got 4097)"},
		{"no binary", func(c *Config) { c.Binary = "/nonexistent/bootstrap" },
			"binary: stat /nonexistent/bootstrap: no such file or directory"},
		{"a folder", func(c *Config) { c.Binary = "/" }, "binary: must be a file (got /)"},
	} {
		t.Run(c.name, func(t *testing.T) {
			cfg := Config{Name: "test", Binary: binary}
			c.change(&cfg)
			want := fmt.Sprintf("configuring function %q: %s", cfg.Name, c.want)
			if _, err := Start(t.Context(), cfg); err == nil || err.Error() != want {
				t.Errorf("got %v\nwant %s", err, want)
			}
		})
	}
}
