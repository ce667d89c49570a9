package lambda

import (
	"context"
	"testing"
	"time"
)

// A fault happens to the real process, is reported in Lambda's words, and does not affect the next invocation.
func TestFaults(t *testing.T) {
	for _, c := range []struct {
		name               string
		fault              Fault
		errorType, message string
	}{
		{"a crash", Crash, "Runtime.ExitError", "RequestId: ID Error: Runtime exited with error: signal: killed"},
		{"a process that hangs ends with the timeout, of which little is waited", Hang, "Sandbox.Timedout",
			"RequestId: ID Error: Task timed out after 30.00 seconds"},
		{"an answer that comes too late", Late, "Sandbox.Timedout",
			"RequestId: ID Error: Task timed out after 30.00 seconds"},
		{"an answer that is too long", Oversize, "Function.ResponseSizeTooLarge",
			"Response payload size exceeded maximum allowed payload size (6291556 bytes)."},
	} {
		t.Run(c.name, func(t *testing.T) {
			f := start(t, nil)
			first := decode[echo](t, invoke(t, f, `{"do":"echo"}`))
			began := time.Now()
			result, err := f.InvokeWith(t.Context(), []byte(`{"do":"echo"}`), c.fault)
			if err != nil || !result.Injected {
				t.Fatalf("got %+v, %v", result, err)
			}
			wantError(t, result, c.errorType, c.message)
			if waited := time.Since(began); waited > 20*time.Second {
				t.Errorf("waited %s", waited)
			}
			next := invoke(t, f, `{"do":"echo"}`)
			if got := decode[echo](t, next); !next.Cold || next.Injected || got.PID == first.PID ||
				got.Invocations != 1 {
				t.Errorf("then got %+v %+v", next, got)
			}
		})
	}
	t.Run("a function that ends by itself is not made to", func(t *testing.T) {
		result, err := start(t, nil).InvokeWith(t.Context(), []byte(`{"do":"exit","size":3}`), Crash)
		if err != nil || result.Injected || result.ErrorMessage() != "RequestId: "+result.RequestID+
			" Error: Runtime exited with error: exit status 3" {
			t.Errorf("got %+v %s, %v", result, result.Payload, err)
		}
	})
	t.Run("an error that the handler returns is lost with its process too", func(t *testing.T) {
		result, err := start(t, nil).InvokeWith(t.Context(), []byte(`{"do":"error"}`), Crash)
		if err != nil || !result.Injected || result.ErrorType() != "Runtime.ExitError" {
			t.Errorf("got %+v %s, %v", result, result.Payload, err)
		}
	})
	t.Run("Kill ends the processes that have an event, and no other", func(t *testing.T) {
		f := start(t, func(c *Config) { c.Concurrency = 2 })
		idle := decode[echo](t, invoke(t, f, `{"do":"echo"}`))
		f.Kill()
		if again := decode[echo](t, invoke(t, f, `{"do":"echo"}`)); again.PID != idle.PID {
			t.Error("an idle process was killed")
		}
		busy := make(chan Result, 1)
		go func() {
			result, err := f.Invoke(context.WithoutCancel(t.Context()), []byte(`{"do":"hang"}`))
			if err != nil {
				t.Error(err)
			}
			busy <- result
		}()
		for {
			select {
			case result := <-busy:
				wantError(t, result, "Runtime.ExitError",
					"RequestId: ID Error: Runtime exited with error: signal: killed")
				return
			default:
				f.Kill() // nothing happens until it has its event
			}
		}
	})
}
