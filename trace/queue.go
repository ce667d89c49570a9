package trace

import (
	"cmp"
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"firehose-pipeline/deadletter"
	"firehose-pipeline/internal/clock"
	"firehose-pipeline/internal/s3read"
)

const (
	// PeekVisibility is the visibility timeout of messages that a look receives: so long they stay away when the look is
	// killed.
	PeekVisibility = time.Minute
	// peekTime bounds the time for receiving, so that no message comes back while the look goes on.
	peekTime = PeekVisibility * 3 / 4
	// returnTime bounds the time for making messages visible again.
	returnTime = 15 * time.Second
	// peekBatch is SQS's limit of messages in a batch.
	peekBatch = 10
)

// QueueAPI is the part of SQS's API that [Queue] uses. It has no deletion.
type QueueAPI interface {
	GetQueueAttributes(context.Context, *sqs.GetQueueAttributesInput,
		...func(*sqs.Options)) (*sqs.GetQueueAttributesOutput, error)
	ReceiveMessage(context.Context, *sqs.ReceiveMessageInput, ...func(*sqs.Options)) (*sqs.ReceiveMessageOutput, error)
	ChangeMessageVisibilityBatch(context.Context, *sqs.ChangeMessageVisibilityBatchInput,
		...func(*sqs.Options)) (*sqs.ChangeMessageVisibilityBatchOutput, error)
}

// Queue peeks into the dead-letter queue: it receives messages and makes them visible again.
type Queue struct {
	Client      QueueAPI
	URL         string
	MaxMessages int64
	Progress    func(int64)
	Clock       clock.Clock // nil: the system's
}

// Look implements [Looker].
func (l Queue) Look(ctx context.Context, q *Query, p *Place) error {
	p.Means = "queue"
	visible := types.QueueAttributeNameApproximateNumberOfMessages
	hidden := types.QueueAttributeNameApproximateNumberOfMessagesNotVisible
	attributes, err := l.Client.GetQueueAttributes(ctx, &sqs.GetQueueAttributesInput{QueueUrl: &l.URL,
		AttributeNames: []types.QueueAttributeName{visible, hidden}})
	if err != nil {
		return fmt.Errorf("reading the queue's attributes: %w", err)
	}
	total, err := strconv.ParseInt(attributes.Attributes[string(visible)], 10, 64)
	if err != nil {
		return fmt.Errorf("reading the queue's attributes: %s: must be a number (got %q)", visible,
			attributes.Attributes[string(visible)])
	}
	p.Total = total
	peek := &peek{Queue: l, seen: map[string]bool{}}
	why, err := peek.receiveAll(ctx, q, p)
	if returning := peek.returnMessages(ctx); returning != nil && why == "" {
		why = returning.Error()
	}
	p.Total = max(p.Total, p.Looked)
	if n := attributes.Attributes[string(hidden)]; why == "" && n != "0" && n != "" {
		why = fmt.Sprintf("about %s messages are in flight, received by somebody else: look again later", n)
	}
	p.Why, p.Complete = why, why == "" && err == nil
	return err
}

// peek is one look.
type peek struct {
	Queue
	seen    map[string]bool
	handles []string
}

// receiveAll receives messages until the queue has no others, and returns why it stopped before.
func (l *peek) receiveAll(ctx context.Context, q *Query, p *Place) (why string, err error) {
	at := clock.OrSystem(l.Clock)
	end := at.Now().Add(peekTime)
	for empty := 0; ; {
		switch {
		case p.Looked >= l.MaxMessages:
			return describeLimit(p.Looked, max(p.Total, p.Looked), "messages", "raise --max-messages"), nil
		case !at.Now().Before(end):
			return fmt.Sprintf("only %d of about %d messages were looked at in %v", p.Looked, p.Total, peekTime), nil
		}
		out, err := l.Client.ReceiveMessage(ctx, &sqs.ReceiveMessageInput{QueueUrl: &l.URL,
			MaxNumberOfMessages: int32(min(peekBatch, l.MaxMessages-p.Looked)), WaitTimeSeconds: 1,
			VisibilityTimeout:           int32(PeekVisibility / time.Second),
			MessageSystemAttributeNames: []types.MessageSystemAttributeName{types.MessageSystemAttributeNameAll}})
		switch {
		case err != nil && strings.HasSuffix(s3read.ErrorCode(err), "OverLimit"):
			return "SQS lets no more messages be in flight", nil
		case err != nil:
			return "", fmt.Errorf("receiving from the queue: %w", err)
		case len(out.Messages) == 0:
			// A queue with messages may answer without any: https://docs.aws.amazon.com/AWSSimpleQueueService/latest/
			// SQSDeveloperGuide/sqs-short-and-long-polling.html
			if empty++; empty == 2 || p.Looked >= p.Total {
				return "", nil
			}
			continue
		}
		for _, m := range out.Messages {
			l.handles = append(l.handles, aws.ToString(m.ReceiptHandle))
			if id := aws.ToString(m.MessageId); !l.seen[id] {
				l.seen[id] = true
				p.Looked++
				received, _ := strconv.Atoi(m.Attributes["ApproximateReceiveCount"]) // 0: not known
				readLetter(q, p, aws.ToString(m.Body), Hit{Letter: id, ReceiveCount: received})
			}
		}
		if l.Progress != nil {
			l.Progress(int64(len(out.Messages)))
		}
	}
}

// returnMessages makes the received messages visible again, after an interruption too.
func (l *peek) returnMessages(ctx context.Context) error {
	ctx, stop := context.WithTimeout(context.WithoutCancel(ctx), returnTime)
	defer stop()
	failed := 0
	var first error
	for at := 0; at < len(l.handles); at += peekBatch {
		handles := l.handles[at:min(at+peekBatch, len(l.handles))]
		entries := make([]types.ChangeMessageVisibilityBatchRequestEntry, len(handles))
		for i := range handles {
			entries[i] = types.ChangeMessageVisibilityBatchRequestEntry{Id: aws.String(strconv.Itoa(i)),
				ReceiptHandle: &handles[i], VisibilityTimeout: 0}
		}
		out, err := l.Client.ChangeMessageVisibilityBatch(ctx,
			&sqs.ChangeMessageVisibilityBatchInput{QueueUrl: &l.URL, Entries: entries})
		if err != nil {
			failed += len(handles)
			first = cmp.Or(first, err)
			continue
		}
		for _, f := range out.Failed {
			// One that is visible already, or deleted, is as it should be.
			if !strings.HasSuffix(aws.ToString(f.Code), "MessageNotInflight") {
				failed++
				first = cmp.Or(first, fmt.Errorf("%s: %s", aws.ToString(f.Code), aws.ToString(f.Message)))
			}
		}
	}
	if failed == 0 {
		return nil
	}
	return fmt.Errorf("%d messages could not be made visible at once, and are visible again within %v: %w", failed,
		PeekVisibility, first)
}

// readLetter adds the hit of a message whose dead letter is about the event. Of a dead letter for several records it
// keeps what it points to.
func readLetter(q *Query, p *Place, body string, h Hit) {
	m, err := deadletter.Parse([]byte(body))
	if err != nil {
		return // sent by somebody else
	}
	switch m.Kind {
	case deadletter.Object:
		if m.Pointer != nil {
			p.pointers = append(p.pointers, *m.Pointer)
		}
		return
	case deadletter.Invocation:
		p.pointers = append(p.pointers, m.Objects...)
		return
	}
	sent := q.ID.findIn(m.RawData)
	if sent == nil && (m.EventID == "" || m.EventID != q.ID.Text) {
		return
	}
	found := hitOf(m)
	found.Letter, found.ReceiveCount, found.Row, found.Waiting = h.Letter, h.ReceiveCount, h.Row, true
	if found.Letter == "" {
		found.Letter = m.ID
	}
	if sent != nil {
		found.EventType = q.ID.typeOf(sent)
	}
	if m.Pointer != nil {
		offset := m.Pointer.Offset
		found.Object, found.Offset = "s3://"+m.Pointer.Bucket+"/"+m.Pointer.Key, &offset
		found.key, found.at = m.Pointer.Key, offset
	}
	if h.Object != "" { // the line of a file
		found.Object, found.Offset = h.Object, nil
	}
	p.add(found)
}

func parseTime(text string) time.Time {
	t, err := time.Parse(time.RFC3339Nano, text)
	if err != nil {
		return time.Time{}
	}
	return t
}
