package fault

import (
	"context"
	"encoding/json"
	"fmt"
	"path"
	"strconv"
	"strings"
	"sync"

	"firehose-pipeline/local/lambda"
	"firehose-pipeline/local/sqs"
)

// Queue befall the queue, and the handler that sends to it.
type Queue struct {
	*Faults
	Kill func() // kills the error handler

	mu      sync.Mutex
	batches int64
	tries   map[string]int64  // of failed messages
	objects map[string]int64  // how many error objects there are of each output
	labels  map[string]string // of error objects by key
}

func NewQueue(f *Faults) *Queue {
	return &Queue{Faults: f, tries: map[string]int64{}, objects: map[string]int64{}, labels: map[string]string{}}
}

// Label names an error object by its output and its number there: its key and version are other ones in each run.
func (q *Queue) Label(key string) string {
	q.mu.Lock()
	defer q.mu.Unlock()
	if label, ok := q.labels[key]; ok {
		return label
	}
	output, _, _ := strings.Cut(key, "/year=")
	if output == key {
		output = path.Dir(key)
	}
	q.objects[output]++
	label := output + "#" + strconv.FormatInt(q.objects[output], 10)
	q.labels[key] = label
	return label
}

// RefuseBatch rejects whole batches.
func (q *Queue) RefuseBatch(operation string) *sqs.Fault {
	if !strings.HasSuffix(operation, "Batch") {
		return nil
	}
	q.mu.Lock()
	q.batches++
	n := q.batches
	q.mu.Unlock()
	if !q.Hit(SQSThrottled, operation, n, n == 1) {
		return nil
	}
	return &sqs.Fault{Code: "RequestThrottled", Message: "Request is throttled. (fault sqs-throttled)",
		SenderFault: true}
}

// RefuseEntry fails entries of batches, and kills the handler that sends one.
func (q *Queue) RefuseEntry(e sqs.Entry) *sqs.Fault {
	if e.ID == "" { // no batch, so not the handler's
		return nil
	}
	key, object, middle := e.Operation+" "+e.ID, "", false
	if e.Operation == "SendMessage" {
		var letter struct {
			Pointer struct {
				Key    string
				Offset int64
			}
		}
		if json.Unmarshal([]byte(e.Body), &letter) == nil && letter.Pointer.Key != "" {
			object, middle = q.Label(letter.Pointer.Key), letter.Pointer.Offset > 0
			key = fmt.Sprint(object, " ", letter.Pointer.Offset)
		}
	}
	if q.hitRepeatedly(SQSPartial, key, object) {
		return &sqs.Fault{Code: "InternalError", Message: "Internal Error (fault sqs-partial)"}
	}
	if middle && q.hitRepeatedly(HandlerKilled, key, object) {
		q.Kill()
	}
	return nil
}

// hitRepeatedly is Hit for a dead letter that is tried until it passes. The first one of the first object of an output
// is hit.
func (q *Queue) hitRepeatedly(name Name, key, object string) bool {
	if !q.On(name) {
		return false
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	forced := false
	if once := string(name) + " " + object; IsFirst(object) && q.tries[once] == 0 {
		forced = true
		q.tries[once]++
	}
	try := string(name) + " " + key
	hit := q.Hit(name, key, q.tries[try], forced)
	if hit {
		q.tries[try]++
	}
	return hit
}

// IsFirst reports whether a label is that of an output's first object.
func IsFirst(label string) bool { return strings.HasSuffix(label, "#1") }

// InvokeHandler runs the error handler for the notification of an object.
func (q *Queue) InvokeHandler(ctx context.Context, function lambda.Invoker, key string, attempt int,
	payload []byte) (lambda.Result, error) {
	is := lambda.None
	if q.On(HandlerTimeout) {
		if label := q.Label(key); q.Hit(HandlerTimeout, label, int64(attempt), attempt == 1 && IsFirst(label)) {
			is = lambda.Late
		}
	}
	return function.InvokeWith(ctx, payload, is)
}
