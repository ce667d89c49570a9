package replay

import (
	"context"
	"maps"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"firehose-pipeline/internal/clock"
)

// KeepFactor is how many times [Replay.Visibility] a message is extended by while it is being worked on.
const KeepFactor = 8

// keepInFlight extends the visibility timeout of messages that are still being worked on.
func (q *queueReader) keepInFlight(ctx context.Context) {
	for (clock.System{}).Pause(ctx, q.Visibility/3) == nil {
		// One that cannot be kept comes again, and is known then.
		due, longer := q.inFlight.dueHandles(), KeepFactor*q.Visibility
		if q.changeVisibility(ctx, due, longer) == 0 {
			q.inFlight.noteExtension(due, longer/3)
		}
	}
}

// changeVisibility sets the visibility of messages and returns for how many it could not.
func (q *queueReader) changeVisibility(ctx context.Context, handles []string, visibility time.Duration) (failed int) {
	return inBatches(handles, func(batch []string) int { return q.changeBatch(ctx, batch, visibility) })
}

func (q *queueReader) changeBatch(ctx context.Context, handles []string, visibility time.Duration) (failed int) {
	entries := make([]types.ChangeMessageVisibilityBatchRequestEntry, len(handles))
	for i := range handles {
		entries[i] = types.ChangeMessageVisibilityBatchRequestEntry{Id: aws.String(strconv.Itoa(i)),
			ReceiptHandle: &handles[i], VisibilityTimeout: int32(visibility / time.Second)}
	}
	out, err := q.Queue.ChangeMessageVisibilityBatch(ctx,
		&sqs.ChangeMessageVisibilityBatchInput{QueueUrl: &q.QueueURL, Entries: entries})
	if err != nil {
		return len(handles)
	}
	for _, f := range out.Failed {
		// One that is visible already, or deleted, is as it should be.
		if !strings.HasSuffix(aws.ToString(f.Code), "MessageNotInflight") {
			failed++
		}
	}
	return failed
}

// inFlight has the handles of messages that are in flight because of this process.
type inFlight struct {
	mu      sync.Mutex
	handles map[string]time.Time // when the visibility is to be extended
}

func (h *inFlight) addHandle(handle string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.handles[handle] = time.Now()
}

func (h *inFlight) removeHandles(handles []string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, handle := range handles {
		delete(h.handles, handle)
	}
}

// dueHandles returns the handles whose time has come.
func (h *inFlight) dueHandles() []string {
	h.mu.Lock()
	defer h.mu.Unlock()
	now := time.Now()
	var due []string
	for handle, at := range h.handles {
		if !at.After(now) {
			due = append(due, handle)
		}
	}
	slices.Sort(due)
	return due
}

// noteExtension notes that messages were given more time, and are due again after d.
func (h *inFlight) noteExtension(handles []string, d time.Duration) {
	h.mu.Lock()
	defer h.mu.Unlock()
	next := time.Now().Add(d)
	for _, handle := range handles {
		if _, held := h.handles[handle]; held {
			h.handles[handle] = next
		}
	}
}

func (h *inFlight) allHandles() []string {
	h.mu.Lock()
	defer h.mu.Unlock()
	return slices.Sorted(maps.Keys(h.handles))
}
