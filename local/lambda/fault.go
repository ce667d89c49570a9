package lambda

import "context"

// Fault is the failure to inject into one invocation.
type Fault int

// The faults.
const (
	None  Fault = iota
	Crash       // the process is killed when it gives its answer, which nobody gets
	// the process is stopped before it reads the event, and killed for its timeout: after hangWait, not the whole of it
	Hang
	Late     // the process gives its answer, and it counts as given after the timeout
	Oversize // the answer is rejected as one above [ResponseLimit]
)

// Invoker is a function that can be invoked with a fault.
type Invoker interface {
	InvokeWith(ctx context.Context, payload []byte, fault Fault) (Result, error)
}
