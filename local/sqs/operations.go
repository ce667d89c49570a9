package sqs

import (
	"cmp"
	"net/http"
	"net/url"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Limits of SQS (Developer Guide, "Amazon SQS message quotas").
const (
	maxMessage    = 1 << 20 // with attributes
	maxBatch      = 1 << 20 // of all entries together
	maxEntries    = 10
	maxAttributes = 10
	maxVisibility = 12 * time.Hour
	maxDelay      = 900
	maxWait       = 20
	maxInFlight   = 120_000
)

var (
	queueName     = regexp.MustCompile(`^[A-Za-z0-9_-]{1,80}$`)
	entryID       = regexp.MustCompile(`^[A-Za-z0-9_-]{1,80}$`)
	attributeName = regexp.MustCompile(`^[A-Za-z0-9_-][A-Za-z0-9_.-]{0,254}[A-Za-z0-9_-]$|^[A-Za-z0-9_-]$`)
)

// queueByURL finds the queue of a URL by its last segment: the URL may name another host, as one taken from a stack
// would.
func (s *Server) queueByURL(queueURL string) (*queue, *apiError) {
	if queueURL == "" {
		return nil, missingParameter("QueueUrl")
	}
	name := path.Base(queueURL)
	if u, err := url.Parse(queueURL); err == nil {
		name = path.Base(u.Path)
	}
	return s.queueByName(name)
}

func (s *Server) queueByName(name string) (*queue, *apiError) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if q := s.queues[name]; q != nil {
		return q, nil
	}
	return nil, senderFault("QueueDoesNotExist", "AWS.SimpleQueueService.NonExistentQueue",
		"The specified queue does not exist.")
}

func (s *Server) askForFault(operation string, q *queue, id, body string) *apiError {
	if s.options.Fault == nil {
		return nil
	}
	if f := s.options.Fault(Entry{Operation: operation, Queue: q.name, ID: id, Body: body}); f != nil {
		return f.error()
	}
	return nil
}

type sendInput struct {
	QueueURL          string `json:"QueueUrl"`
	ID                string `json:"Id"` // of a batch's entry
	MessageBody       string
	DelaySeconds      int
	MessageAttributes map[string]Attribute
}

type sendOutput struct {
	ID                     string `json:"Id,omitempty"` // of a batch's entry
	MessageID              string `json:"MessageId"`
	MD5OfMessageBody       string
	MD5OfMessageAttributes string `json:",omitempty"`
}

func (s *Server) sendMessage(_ *http.Request, in sendInput) (any, *apiError) {
	q, failed := s.queueByURL(in.QueueURL)
	if failed != nil {
		return nil, failed
	}
	return s.enqueueMessage(q, in)
}

func (s *Server) enqueueMessage(q *queue, in sendInput) (any, *apiError) {
	switch {
	case in.MessageBody == "":
		return nil, missingParameter("MessageBody")
	case messageSize(in.MessageBody, in.MessageAttributes) > maxMessage:
		return nil, invalidParameter("One or more parameters are invalid. Reason: Message must be shorter than %d bytes.",
			maxMessage)
	case !validText(in.MessageBody):
		return nil, senderFault("InvalidMessageContents", "InvalidMessageContents",
			"Invalid characters found. Valid unicode characters are #x9 | #xA | #xD | #x20 to #xD7FF | #xE000 to "+
				"#xFFFD | #x10000 to #x10FFFF")
	case in.DelaySeconds < 0 || in.DelaySeconds > maxDelay:
		return nil, invalidParameter("Value %d for parameter DelaySeconds is invalid. Reason: DelaySeconds must be "+
			">= 0 and <= %d.", in.DelaySeconds, maxDelay)
	}
	if failed := checkAttributes(in.MessageAttributes); failed != nil {
		return nil, failed
	}
	if failed := s.askForFault("SendMessage", q, in.ID, in.MessageBody); failed != nil {
		return nil, failed
	}
	m := q.sendMessage(in.MessageBody, in.MessageAttributes, time.Duration(in.DelaySeconds)*time.Second)
	return sendOutput{ID: in.ID, MessageID: m.ID, MD5OfMessageBody: m.bodyMD5, MD5OfMessageAttributes: m.attributesMD5},
		nil
}

// batchOutput is the answer to all batches.
type batchOutput struct {
	Successful []any
	Failed     []failedEntry
}

type failedEntry struct {
	ID          string `json:"Id"`
	Code        string
	Message     string
	SenderFault bool
}

// batch checks the entries' ids, then does each entry by itself.
func batch[In any](entries []In, id func(In) string, do func(In) (any, *apiError)) (any, *apiError) {
	if len(entries) == 0 {
		return nil, senderFault("EmptyBatchRequest", "AWS.SimpleQueueService.EmptyBatchRequest",
			"There should be at least one entry in the request.")
	}
	if len(entries) > maxEntries {
		return nil, senderFault("TooManyEntriesInBatchRequest", "AWS.SimpleQueueService.TooManyEntriesInBatchRequest",
			"Maximum number of entries per request are %d. You have sent %d.", maxEntries, len(entries))
	}
	seen := map[string]bool{}
	for _, entry := range entries {
		switch id := id(entry); {
		case !entryID.MatchString(id):
			return nil, senderFault("InvalidBatchEntryId", "AWS.SimpleQueueService.InvalidBatchEntryId",
				"A batch entry id can only contain alphanumeric characters, hyphens and underscores. It can be at "+
					"most 80 letters long.")
		case seen[id]:
			return nil, senderFault("BatchEntryIdsNotDistinct", "AWS.SimpleQueueService.BatchEntryIdsNotDistinct",
				"Id %s repeated.", id)
		default:
			seen[id] = true
		}
	}
	out := batchOutput{Successful: []any{}, Failed: []failedEntry{}}
	for _, entry := range entries {
		if done, failed := do(entry); failed != nil {
			out.Failed = append(out.Failed, failedEntry{id(entry), failed.query, failed.message, failed.status < 500})
		} else {
			out.Successful = append(out.Successful, done)
		}
	}
	return out, nil
}

type sendBatchInput struct {
	QueueURL string `json:"QueueUrl"`
	Entries  []sendInput
}

func (s *Server) sendMessageBatch(_ *http.Request, in sendBatchInput) (any, *apiError) {
	q, failed := s.queueByURL(in.QueueURL)
	if failed != nil {
		return nil, failed
	}
	size := 0
	for _, entry := range in.Entries {
		size += messageSize(entry.MessageBody, entry.MessageAttributes)
	}
	if size > maxBatch && len(in.Entries) <= maxEntries {
		return nil, senderFault("BatchRequestTooLong", "AWS.SimpleQueueService.BatchRequestTooLong",
			"Batch requests cannot be longer than %d bytes. You have sent %d bytes.", maxBatch, size)
	}
	return batch(in.Entries, func(e sendInput) string { return e.ID },
		func(e sendInput) (any, *apiError) { return s.enqueueMessage(q, e) })
}

type receiveInput struct {
	QueueURL                    string `json:"QueueUrl"`
	MaxNumberOfMessages         *int
	VisibilityTimeout           *int
	WaitTimeSeconds             *int
	AttributeNames              []string
	MessageSystemAttributeNames []string
	MessageAttributeNames       []string
}

type receivedMessage struct {
	MessageID              string `json:"MessageId"`
	ReceiptHandle          string
	Body                   string
	MD5OfBody              string
	Attributes             map[string]string    `json:",omitempty"`
	MessageAttributes      map[string]Attribute `json:",omitempty"`
	MD5OfMessageAttributes string               `json:",omitempty"`
}

// integerBetween returns the parameter, or its default, and rejects values out of range.
func integerBetween(name string, value *int, fallback, low, high int) (int, *apiError) {
	if value == nil {
		return fallback, nil
	}
	if *value < low || *value > high {
		return 0, invalidParameter("Value %d for parameter %s is invalid. Reason: Must be between %d and %d, if provided.",
			*value, name, low, high)
	}
	return *value, nil
}

func (s *Server) receiveMessage(r *http.Request, in receiveInput) (any, *apiError) {
	q, failed := s.queueByURL(in.QueueURL)
	if failed != nil {
		return nil, failed
	}
	limit, failed1 := integerBetween("MaxNumberOfMessages", in.MaxNumberOfMessages, 1, 1, 10)
	visibility, failed2 := integerBetween("VisibilityTimeout", in.VisibilityTimeout, int(q.visibility/time.Second), 0,
		int(maxVisibility/time.Second))
	wait, failed3 := integerBetween("WaitTimeSeconds", in.WaitTimeSeconds, 0, 0, maxWait)
	if failed := cmp.Or(failed1, failed2, failed3); failed != nil {
		return nil, failed
	}
	got, failed := q.receiveMessages(r.Context(), s.closed, limit, time.Duration(visibility)*time.Second,
		time.Duration(wait)*time.Second)
	if failed != nil {
		return nil, failed
	}
	messages := []receivedMessage{}
	names := slices.Concat(in.AttributeNames, in.MessageSystemAttributeNames)
	for _, m := range got {
		messages = append(messages, m.messageOutput(names, in.MessageAttributeNames, s.options.AccountID))
	}
	if len(messages) == 0 {
		return struct{}{}, nil
	}
	return struct{ Messages []receivedMessage }{messages}, nil
}

func (m received) messageOutput(system, names []string, sender string) receivedMessage {
	out := receivedMessage{MessageID: m.ID, ReceiptHandle: m.handle, Body: m.Body, MD5OfBody: m.bodyMD5}
	for name, value := range map[string]string{
		"ApproximateReceiveCount":          strconv.Itoa(m.count),
		"SentTimestamp":                    strconv.FormatInt(m.Sent.UnixMilli(), 10),
		"ApproximateFirstReceiveTimestamp": strconv.FormatInt(m.first.UnixMilli(), 10),
		"SenderId":                         sender,
	} {
		if slices.Contains(system, name) || slices.Contains(system, "All") {
			if out.Attributes == nil {
				out.Attributes = map[string]string{}
			}
			out.Attributes[name] = value
		}
	}
	for name, a := range m.Message.Attributes {
		if isWanted(name, names) {
			if out.MessageAttributes == nil {
				out.MessageAttributes = map[string]Attribute{}
			}
			out.MessageAttributes[name] = a
		}
	}
	out.MD5OfMessageAttributes = attributesMD5(out.MessageAttributes)
	return out
}

type receiptInput struct {
	QueueURL          string `json:"QueueUrl"`
	ID                string `json:"Id"` // of a batch's entry
	ReceiptHandle     string
	VisibilityTimeout *int
}

type receiptBatchInput struct {
	QueueURL string `json:"QueueUrl"`
	Entries  []receiptInput
}

// entryOutput is the success of a batch's entry.
type entryOutput struct {
	ID string `json:"Id"`
}

func (s *Server) deleteReceipt(q *queue, in receiptInput) (any, *apiError) {
	if in.ReceiptHandle == "" {
		return nil, missingParameter("ReceiptHandle")
	}
	if failed := s.askForFault("DeleteMessage", q, in.ID, ""); failed != nil {
		return nil, failed
	}
	return entryOutput{in.ID}, q.deleteMessage(in.ReceiptHandle)
}

func (s *Server) changeVisibility(q *queue, in receiptInput) (any, *apiError) {
	if in.ReceiptHandle == "" {
		return nil, missingParameter("ReceiptHandle")
	}
	timeout, failed := integerBetween("VisibilityTimeout", in.VisibilityTimeout, 0, 0, int(maxVisibility/time.Second))
	if failed != nil {
		return nil, failed
	}
	if failed := s.askForFault("ChangeMessageVisibility", q, in.ID, ""); failed != nil {
		return nil, failed
	}
	return entryOutput{in.ID}, q.changeVisibility(in.ReceiptHandle, time.Duration(timeout)*time.Second)
}

func (s *Server) deleteMessage(_ *http.Request, in receiptInput) (any, *apiError) {
	return s.handleSingle(in, s.deleteReceipt)
}

func (s *Server) changeMessageVisibility(_ *http.Request, in receiptInput) (any, *apiError) {
	if in.VisibilityTimeout == nil {
		return nil, missingParameter("VisibilityTimeout")
	}
	return s.handleSingle(in, s.changeVisibility)
}

func (s *Server) handleSingle(in receiptInput, do func(*queue, receiptInput) (any, *apiError)) (any, *apiError) {
	q, failed := s.queueByURL(in.QueueURL)
	if failed != nil {
		return nil, failed
	}
	if _, failed := do(q, in); failed != nil {
		return nil, failed
	}
	return struct{}{}, nil
}

func (s *Server) deleteMessageBatch(_ *http.Request, in receiptBatchInput) (any, *apiError) {
	return s.handleBatch(in, s.deleteReceipt)
}

func (s *Server) changeMessageVisibilityBatch(_ *http.Request, in receiptBatchInput) (any, *apiError) {
	return s.handleBatch(in, s.changeVisibility)
}

func (s *Server) handleBatch(in receiptBatchInput, do func(*queue, receiptInput) (any, *apiError)) (any, *apiError) {
	q, failed := s.queueByURL(in.QueueURL)
	if failed != nil {
		return nil, failed
	}
	return batch(in.Entries, func(e receiptInput) string { return e.ID },
		func(e receiptInput) (any, *apiError) { return do(q, e) })
}

func (s *Server) getQueueURL(_ *http.Request, in struct{ QueueName string }) (any, *apiError) {
	if in.QueueName == "" {
		return nil, missingParameter("QueueName")
	}
	if _, failed := s.queueByName(in.QueueName); failed != nil {
		return nil, failed
	}
	return map[string]string{"QueueUrl": s.QueueURL(in.QueueName)}, nil
}

func (s *Server) getQueueAttributes(_ *http.Request, in struct {
	QueueURL       string `json:"QueueUrl"`
	AttributeNames []string
}) (any, *apiError) {
	q, failed := s.queueByURL(in.QueueURL)
	if failed != nil {
		return nil, failed
	}
	all := q.countAttributes()
	out := map[string]string{}
	for _, name := range in.AttributeNames {
		value, known := all[name]
		switch {
		case name == "All":
			out = all
		case known:
			out[name] = value
		case !isSettable(name):
			return nil, senderFault("InvalidAttributeName", "InvalidAttributeName", "Unknown Attribute %s.", name)
		}
	}
	return map[string]any{"Attributes": out}, nil
}

// isSettable says whether a queue can have the attribute, though these queues do not.
func isSettable(name string) bool {
	return slices.Contains([]string{"Policy", "RedrivePolicy", "RedriveAllowPolicy", "KmsMasterKeyId",
		"KmsDataKeyReusePeriodSeconds",
		"FifoQueue", "ContentBasedDeduplication", "DeduplicationScope", "FifoThroughputLimit"}, name)
}

func (s *Server) listQueues(_ *http.Request, in struct{ QueueNamePrefix string }) (any, *apiError) {
	s.mu.Lock()
	defer s.mu.Unlock()
	urls := []string{}
	for name := range s.queues {
		if strings.HasPrefix(name, in.QueueNamePrefix) {
			urls = append(urls, s.QueueURL(name))
		}
	}
	slices.Sort(urls)
	return map[string]any{"QueueUrls": urls}, nil
}

func (s *Server) purgeQueue(_ *http.Request, in struct {
	QueueURL string `json:"QueueUrl"`
}) (any, *apiError) {
	q, failed := s.queueByURL(in.QueueURL)
	if failed != nil {
		return nil, failed
	}
	return struct{}{}, q.purgeAll()
}
