package sqs

import (
	"container/heap"
	"context"
	"crypto/md5"
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

// Message is a message as sent, with its state.
type Message struct {
	ID           string
	Body         string
	Attributes   map[string]Attribute
	Sent         time.Time
	ReceiveCount int
	Sequence     uint64 // place in the order of sending, from 1
}

// Attribute is a message attribute.
type Attribute struct {
	DataType    string  // String, Number or Binary, with an own label behind a dot if wanted
	StringValue *string `json:",omitempty"`
	BinaryValue []byte  `json:",omitempty"`
}

// message is a message in its queue.
type message struct {
	Message
	bodyMD5       string
	attributesMD5 string
	firstReceived time.Time
	visibleAt     time.Time
	deleted       bool
	waiting       bool // among the visible ones
	hiddenAt      int  // place among the hidden ones, from 1; 0 when it is not
}

// byTime orders messages that are not visible by the time when they will be.
type byTime []*message

func (h byTime) Len() int           { return len(h) }
func (h byTime) Less(i, j int) bool { return h[i].visibleAt.Before(h[j].visibleAt) }
func (h byTime) Swap(i, j int) {
	h[i], h[j] = h[j], h[i]
	h[i].hiddenAt, h[j].hiddenAt = i+1, j+1
}
func (h *byTime) Push(x any) {
	m := x.(*message)
	*h = append(*h, m)
	m.hiddenAt = len(*h)
}
func (h *byTime) Pop() any {
	m := popOldest((*[]*message)(h))
	m.hiddenAt = 0
	return m
}

// bySequence orders visible messages by when they were sent.
type bySequence []*message

func (h bySequence) Len() int           { return len(h) }
func (h bySequence) Less(i, j int) bool { return h[i].Sequence < h[j].Sequence }
func (h bySequence) Swap(i, j int)      { h[i], h[j] = h[j], h[i] }
func (h *bySequence) Push(x any)        { *h = append(*h, x.(*message)) }
func (h *bySequence) Pop() any          { return popOldest((*[]*message)(h)) }

func popOldest(h *[]*message) *message {
	last := len(*h) - 1
	m := (*h)[last]
	(*h)[last] = nil
	*h = (*h)[:last]
	return m
}

// queue keeps its messages by sequence number. The visible ones may hold messages that were deleted; they are passed
// over when they come to the top.
type queue struct {
	name       string
	visibility time.Duration
	arn        string
	created    time.Time
	clock      Clock
	journal    func(Event)
	sent       func(Message)
	deleted    func(Message)

	mu       sync.Mutex
	messages map[uint64]*message
	sequence uint64
	visible  bySequence
	hidden   byTime
	changed  chan struct{} // closed and replaced when a message may have become visible
	purged   time.Time
}

func newQueue(q Queue, o Options) *queue {
	journal := o.Journal
	if journal == nil {
		journal = func(Event) {}
	}
	deleted := o.Deleted
	if deleted == nil {
		deleted = func(Message) {}
	}
	sent := o.Sent
	if sent == nil {
		sent = func(Message) {}
	}
	return &queue{
		name: q.Name, visibility: q.VisibilityTimeout,
		arn:     "arn:aws:sqs:" + o.Region + ":" + o.AccountID + ":" + q.Name,
		created: o.Clock.Now(), clock: o.Clock, journal: journal, sent: sent, deleted: deleted, messages: map[uint64]*message{},
		changed: make(chan struct{}),
	}
}

func (q *queue) recordEvent(operation, id string, at time.Time) {
	q.journal(Event{Operation: operation, Queue: q.name, MessageID: id, Time: at})
}

func (q *queue) wakeReceivers() {
	close(q.changed)
	q.changed = make(chan struct{})
}

func (q *queue) sendMessage(body string, attributes map[string]Attribute, delay time.Duration) *message {
	q.mu.Lock()
	defer q.mu.Unlock()
	now := q.clock.Now()
	q.sequence++
	m := &message{
		Message:       Message{ID: newID(), Body: body, Attributes: attributes, Sent: now, Sequence: q.sequence},
		bodyMD5:       hashAttributes([]byte(body)),
		attributesMD5: attributesMD5(attributes),
	}
	q.messages[m.Sequence] = m
	if delay > 0 {
		m.visibleAt = now.Add(delay)
		heap.Push(&q.hidden, m)
	} else {
		q.showMessage(m)
	}
	q.recordEvent("SendMessage", m.ID, now)
	q.sent(m.Message)
	q.wakeReceivers()
	return m
}

func (q *queue) showMessage(m *message) {
	m.visibleAt = time.Time{}
	if !m.waiting {
		m.waiting = true
		heap.Push(&q.visible, m)
	}
}

// surfaceDue makes the messages visible whose time has come. It returns when the next one's will, the zero time if
// there is none.
func (q *queue) surfaceDue(now time.Time) time.Time {
	for len(q.hidden) > 0 {
		m := q.hidden[0]
		if m.visibleAt.After(now) {
			return m.visibleAt
		}
		heap.Pop(&q.hidden)
		q.showMessage(m)
	}
	return time.Time{}
}

// hideMessage makes a message invisible for some time.
func (q *queue) hideMessage(m *message, until time.Time) {
	m.visibleAt = until
	if m.hiddenAt > 0 {
		heap.Fix(&q.hidden, m.hiddenAt-1)
		return
	}
	heap.Push(&q.hidden, m)
}

// received is a message in the state in which one receiver got it.
type received struct {
	*message
	handle string
	count  int
	first  time.Time
}

// receiveMessages returns up to limit messages, waiting up to wait for the first one.
func (q *queue) receiveMessages(ctx context.Context, closed <-chan struct{}, limit int, visibility,
	wait time.Duration) ([]received, *apiError) {
	deadline := q.clock.Now().Add(wait)
	for ctx.Err() == nil { // else nobody is there to get the messages
		q.mu.Lock()
		now := q.clock.Now()
		next := q.surfaceDue(now)
		got, failed := q.takeVisible(limit, now, visibility)
		changed := q.changed
		q.mu.Unlock()
		if failed != nil || len(got) > 0 || !now.Before(deadline) {
			return got, failed
		}
		until := deadline
		if !next.IsZero() && next.Before(until) {
			until = next
		}
		select {
		case <-changed:
		case <-q.clock.After(until.Sub(now)):
		case <-ctx.Done():
		case <-closed:
			return nil, nil
		}
	}
	return nil, nil
}

func (q *queue) takeVisible(limit int, now time.Time, visibility time.Duration) ([]received, *apiError) {
	var got []received
	for len(got) < limit && len(q.visible) > 0 {
		m := q.visible[0]
		if m.deleted {
			heap.Pop(&q.visible)
			continue
		}
		if len(q.hidden) >= maxInFlight {
			if len(got) > 0 {
				break
			}
			return nil, senderFault("OverLimit", "AWS.SimpleQueueService.OverLimit",
				"The maximum number of in flight messages is reached.")
		}
		heap.Pop(&q.visible)
		m.waiting = false
		m.ReceiveCount++
		if m.firstReceived.IsZero() {
			m.firstReceived = now
		}
		if visibility > 0 {
			q.hideMessage(m, now.Add(visibility))
		} else {
			defer q.showMessage(m)
		}
		q.recordEvent("ReceiveMessage", m.ID, now)
		got = append(got, received{m, handleOf(m), m.ReceiveCount, m.firstReceived})
	}
	return got, nil
}

// handleOf makes a receipt handle: it names the message and the receipt.
func handleOf(m *message) string {
	return fmt.Sprintf("%d.%d.%s", m.Sequence, m.ReceiveCount, m.ID)
}

// lookUpHandle finds the message of a receipt handle, nil when it was deleted. A handle that is none of this queue's is
// an error.
func (q *queue) lookUpHandle(handle string) (m *message, latest bool, failed *apiError) {
	parts := strings.SplitN(handle, ".", 3)
	invalid := senderFault("ReceiptHandleIsInvalid", "ReceiptHandleIsInvalid",
		"The input receipt handle %q is not a valid receipt handle.", handle)
	if len(parts) != 3 {
		return nil, false, invalid
	}
	sequence, err := strconv.ParseUint(parts[0], 10, 64)
	if err != nil || sequence == 0 || sequence > q.sequence {
		return nil, false, invalid
	}
	m = q.messages[sequence]
	if m == nil {
		return nil, false, nil
	}
	if m.ID != parts[2] {
		return nil, false, invalid
	}
	return m, parts[1] == strconv.Itoa(m.ReceiveCount), nil
}

// deleteMessage removes a message. With the handle of an earlier receipt SQS may succeed and keep the message; here it
// always does, because a later receiver is at work on it.
func (q *queue) deleteMessage(handle string) *apiError {
	q.mu.Lock()
	defer q.mu.Unlock()
	m, latest, failed := q.lookUpHandle(handle)
	if failed != nil || m == nil || !latest {
		return failed
	}
	q.removeMessage(m)
	q.recordEvent("DeleteMessage", m.ID, q.clock.Now())
	q.deleted(m.Message)
	return nil
}

func (q *queue) removeMessage(m *message) {
	m.deleted = true
	delete(q.messages, m.Sequence)
	if m.hiddenAt > 0 {
		heap.Remove(&q.hidden, m.hiddenAt-1)
	}
}

func (q *queue) changeVisibility(handle string, timeout time.Duration) *apiError {
	q.mu.Lock()
	defer q.mu.Unlock()
	now := q.clock.Now()
	q.surfaceDue(now)
	m, latest, failed := q.lookUpHandle(handle)
	if failed != nil {
		return failed
	}
	if m == nil || !latest || m.waiting {
		return senderFault("MessageNotInflight", "AWS.SimpleQueueService.MessageNotInflight",
			"The message referred to is not in flight.")
	}
	q.hideMessage(m, now.Add(timeout))
	q.surfaceDue(now)
	q.recordEvent("ChangeMessageVisibility", m.ID, now)
	q.wakeReceivers()
	return nil
}

func (q *queue) purgeAll() *apiError {
	q.mu.Lock()
	defer q.mu.Unlock()
	now := q.clock.Now()
	if !q.purged.IsZero() && now.Sub(q.purged) < time.Minute {
		return senderFault("PurgeQueueInProgress", "AWS.SimpleQueueService.PurgeQueueInProgress",
			"Only one PurgeQueue operation on %s is allowed every 60 seconds.", q.name)
	}
	q.purged = now
	for _, sequence := range slices.Sorted(maps.Keys(q.messages)) {
		q.deleted(q.messages[sequence].Message)
	}
	q.messages, q.visible, q.hidden = map[uint64]*message{}, nil, nil
	q.recordEvent("PurgeQueue", "", now)
	return nil
}

func (q *queue) copyMessages() []Message {
	q.mu.Lock()
	defer q.mu.Unlock()
	list := make([]Message, 0, len(q.messages))
	for _, sequence := range slices.Sorted(maps.Keys(q.messages)) {
		list = append(list, q.messages[sequence].Message)
	}
	return list
}

func (q *queue) countAttributes() map[string]string {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.surfaceDue(q.clock.Now())
	visible, delayed, inFlight := 0, 0, 0
	for _, m := range q.messages {
		switch {
		case m.waiting:
			visible++
		case m.ReceiveCount == 0:
			delayed++
		default:
			inFlight++
		}
	}
	seconds := func(d time.Duration) string { return strconv.Itoa(int(d / time.Second)) }
	unix := func(at time.Time) string { return strconv.FormatInt(at.Unix(), 10) }
	return map[string]string{
		"QueueArn":                              q.arn,
		"ApproximateNumberOfMessages":           strconv.Itoa(visible),
		"ApproximateNumberOfMessagesDelayed":    strconv.Itoa(delayed),
		"ApproximateNumberOfMessagesNotVisible": strconv.Itoa(inFlight),
		"CreatedTimestamp":                      unix(q.created),
		"LastModifiedTimestamp":                 unix(q.created),
		"VisibilityTimeout":                     seconds(q.visibility),
		"MaximumMessageSize":                    strconv.Itoa(maxMessage),
		"MessageRetentionPeriod":                seconds(14 * 24 * time.Hour),
		"DelaySeconds":                          "0",
		"ReceiveMessageWaitTimeSeconds":         "0",
		"SqsManagedSseEnabled":                  "false",
	}
}

func hashAttributes(b []byte) string {
	sum := md5.Sum(b)
	return hex.EncodeToString(sum[:])
}

// newID returns a random UUID (version 4).
func newID() string {
	var b [16]byte
	rand.Read(b[:]) // never fails
	b[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
}
