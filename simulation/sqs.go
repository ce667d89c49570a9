package simulation

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"firehose-pipeline/simulation/judge"
)

// queue is a standard queue: a message comes at least once and in any order, a receive gets some of the visible ones,
// and only the handle of the last receipt deletes. local/sqs keeps its state behind HTTP, and in the order of sending.
type queue struct {
	w        *world
	messages []*message
	sent     int
}

type message struct {
	*judge.Message
	visible  time.Time // when it is
	receipts int
	holder   *process // that received it last and knows it
	freed    bool     // a fault made it visible
}

func (m *message) handle() string { return fmt.Sprintf("%s/%d", m.ID, m.receipts) }

// send puts a message into the queue.
func (q *queue) send(body string) {
	q.sent++
	m := &judge.Message{ID: fmt.Sprintf("m-%03d", q.sent), Body: body, Sent: time.Now()}
	q.w.facts.Messages = append(q.w.facts.Messages, m)
	q.messages = append(q.messages, &message{Message: m, visible: time.Now()})
}

// receive takes up to n messages into flight, in any order.
func (q *queue) receive(c *call, n int, visibility time.Duration) []*message {
	var visible []*message
	for _, m := range q.messages {
		if !m.Deleted && !m.visible.After(time.Now()) {
			q.noteExpiry(m)
			visible = append(visible, m)
		}
	}
	c.chance.shuffle(len(visible), func(i, j int) { visible[i], visible[j] = visible[j], visible[i] })
	visible = visible[:min(n, len(visible))]
	if len(visible) > 1 && c.chance.hits(3000) { // of the servers that were asked
		visible = visible[:1+c.chance.number(len(visible)-1)]
	}
	for _, m := range visible {
		m.receipts++
		m.visible = time.Now().Add(visibility)
		m.holder, m.freed = nil, false
		m.Receipts = append(m.Receipts, &judge.Receipt{At: time.Now(), By: c.from.name})
	}
	return visible
}

// noteExpiry notes a message that is visible again although a process is still at work on it.
func (q *queue) noteExpiry(m *message) {
	if m.holder != nil && m.holder.running && !m.holder.dead && !m.holder.disturbed && !m.freed {
		q.w.facts.Fail("visibility", "%s became visible while %s was at work on it", m.ID, m.holder.name)
	}
	m.holder = nil
}

// find returns the message of a handle, and whether that is of its last receipt.
func (q *queue) find(handle string) (m *message, last bool) {
	id, receipt, _ := strings.Cut(handle, "/")
	for _, m := range q.messages {
		if m.ID == id {
			return m, receipt == strconv.Itoa(m.receipts)
		}
	}
	return nil, false
}

// atQueue is a process's client of the queue.
type atQueue struct{ *process }

// ReceiveMessage implements replay.MessageReceiver.
func (p atQueue) ReceiveMessage(ctx context.Context, in *sqs.ReceiveMessageInput,
	options ...func(*sqs.Options)) (*sqs.ReceiveMessageOutput, error) {
	o := sqs.Options{Retryer: p.retryer}
	for _, option := range options {
		option(&o)
	}
	var got []*message
	err := p.retrying(ctx, o.Retryer, func() error {
		var until time.Time
		return p.call(ctx, replayReceive, fmt.Sprintf("up to %d", in.MaxNumberOfMessages),
			func(c *call) (time.Time, error) {
				if until.IsZero() {
					until = time.Now().Add(time.Duration(in.WaitTimeSeconds) * time.Second)
				}
				n := int(in.MaxNumberOfMessages)
				if c.fault == partial {
					n = 1
				}
				got = p.w.queue.receive(c, n, time.Duration(in.VisibilityTimeout)*time.Second)
				if len(got) == 0 && time.Now().Before(until) {
					return time.Now().Add(500 * time.Millisecond), nil
				}
				c.note = joinIDs(got)
				if c.fault == twice && len(got) > 0 {
					got[0].visible = time.Now()
					got[0].freed = true
					got[0].Twice = true
				}
				return time.Time{}, nil
			})
	})
	if err != nil {
		return nil, err
	}
	out := &sqs.ReceiveMessageOutput{}
	for _, m := range got {
		m.holder = p.process
		m.Receipts[len(m.Receipts)-1].Known = true
		out.Messages = append(out.Messages, types.Message{MessageId: aws.String(m.ID),
			ReceiptHandle: aws.String(m.handle()), Body: aws.String(m.Body)})
	}
	return out, nil
}

func joinIDs(messages []*message) string {
	var ids []string
	for _, m := range messages {
		ids = append(ids, m.ID)
	}
	return strings.Join(ids, " ")
}

// eachEntry does something to each entry of a batch that does not fail, and returns the failures.
func eachEntry(c *call, ids []*string, do func(i int)) (failed []types.BatchResultErrorEntry) {
	for i, id := range ids {
		if c.fault == partial && (i == 0 || c.chance.hits(3000)) {
			failed = append(failed, types.BatchResultErrorEntry{Id: id, Code: aws.String("InternalError")})
			continue
		}
		do(i)
	}
	return failed
}

// DeleteMessageBatch implements replay.MessageDeleter.
func (p atQueue) DeleteMessageBatch(ctx context.Context, in *sqs.DeleteMessageBatchInput,
	_ ...func(*sqs.Options)) (*sqs.DeleteMessageBatchOutput, error) {
	out := &sqs.DeleteMessageBatchOutput{}
	var ids []*string
	var handles []string
	for _, e := range in.Entries {
		ids, handles = append(ids, e.Id), append(handles, *e.ReceiptHandle)
	}
	err := p.retrying(ctx, p.retryer, func() error {
		return p.call(ctx, replayDelete, strings.Join(handles, " "), func(c *call) (time.Time, error) {
			out.Failed = eachEntry(c, ids, func(i int) { p.delete(c, handles[i]) })
			return time.Time{}, nil
		})
	})
	if err != nil {
		return nil, err
	}
	for _, handle := range handles {
		if m, _ := p.w.queue.find(handle); !slices.ContainsFunc(out.Failed,
			func(f types.BatchResultErrorEntry) bool { return handles[indexOf(f.Id)] == handle }) {
			p.run.Confirmed = append(p.run.Confirmed, m.Message)
		}
	}
	return out, nil
}

// indexOf reads the id of an entry, which replay numbers.
func indexOf(id *string) int {
	i, err := strconv.Atoi(*id)
	if err != nil {
		panic(err)
	}
	return i
}

// delete deletes a message, or lets it come again: SQS may keep a copy.
func (p atQueue) delete(c *call, handle string) {
	m, last := p.w.queue.find(handle)
	if !last || m.Deleted {
		return
	}
	m.Deletions = append(m.Deletions, judge.Deletion{At: time.Now(), By: p.name})
	if c.fault == twice {
		m.visible = time.Now().Add(time.Minute)
		m.Twice, m.freed = true, true
		return
	}
	m.Deleted = true
}

// ChangeMessageVisibilityBatch implements replay.MessageKeeper.
func (p atQueue) ChangeMessageVisibilityBatch(ctx context.Context, in *sqs.ChangeMessageVisibilityBatchInput,
	_ ...func(*sqs.Options)) (*sqs.ChangeMessageVisibilityBatchOutput, error) {
	out := &sqs.ChangeMessageVisibilityBatchOutput{}
	var ids []*string
	var handles []string
	for _, e := range in.Entries {
		ids, handles = append(ids, e.Id), append(handles, *e.ReceiptHandle)
	}
	key := fmt.Sprintf("%ds %s", in.Entries[0].VisibilityTimeout, strings.Join(handles, " "))
	err := p.retrying(ctx, p.retryer, func() error {
		err := p.call(ctx, replayKeep, key, func(c *call) (time.Time, error) {
			out.Failed = nil
			p.disturbed = p.disturbed || c.fault != none
			refused := eachEntry(c, ids, func(i int) {
				m, last := p.w.queue.find(handles[i])
				if !last || m.Deleted || !m.visible.After(time.Now()) {
					out.Failed = append(out.Failed, types.BatchResultErrorEntry{Id: ids[i], SenderFault: true,
						Code: aws.String("AWS.SimpleQueueService.MessageNotInflight")})
					return
				}
				timeout := in.Entries[i].VisibilityTimeout
				m.visible = time.Now().Add(time.Duration(timeout) * time.Second)
				if timeout == 0 {
					m.holder = nil
				}
			})
			out.Failed = append(out.Failed, refused...)
			return time.Time{}, nil
		})
		p.disturbed = p.disturbed || err != nil
		return err
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

// GetQueueAttributes implements replay.QueueCounter.
func (p atQueue) GetQueueAttributes(ctx context.Context, _ *sqs.GetQueueAttributesInput,
	_ ...func(*sqs.Options)) (*sqs.GetQueueAttributesOutput, error) {
	visible := 0
	err := p.retrying(ctx, p.retryer, func() error {
		return p.call(ctx, replayCount, "", func(c *call) (time.Time, error) {
			visible = 0
			for _, m := range p.w.queue.messages {
				if !m.Deleted && !m.visible.After(time.Now()) {
					visible++
				}
			}
			c.note = strconv.Itoa(visible)
			return time.Time{}, nil
		})
	})
	if err != nil {
		return nil, err
	}
	return &sqs.GetQueueAttributesOutput{Attributes: map[string]string{
		"ApproximateNumberOfMessages": strconv.Itoa(visible), "ApproximateNumberOfMessagesDelayed": "0"}}, nil
}

// SendMessageBatch implements errorhandler.Queue.
func (p atQueue) SendMessageBatch(ctx context.Context, in *sqs.SendMessageBatchInput,
	_ ...func(*sqs.Options)) (*sqs.SendMessageBatchOutput, error) {
	out := &sqs.SendMessageBatchOutput{}
	var ids []*string
	for _, e := range in.Entries {
		ids = append(ids, e.Id)
	}
	key := fmt.Sprintf("%d letters from %s", len(ids), *in.Entries[0].Id)
	err := p.retrying(ctx, p.retryer, func() error {
		return p.call(ctx, handlerSend, key, func(c *call) (time.Time, error) {
			out.Successful = nil
			out.Failed = eachEntry(c, ids, func(i int) {
				p.w.queue.send(*in.Entries[i].MessageBody)
				out.Successful = append(out.Successful, types.SendMessageBatchResultEntry{Id: ids[i]})
			})
			return time.Time{}, nil
		})
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}
