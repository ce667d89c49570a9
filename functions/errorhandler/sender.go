package errorhandler

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"firehose-pipeline/deadletter"
	"firehose-pipeline/internal/s3read"
)

const (
	// maxBatch is SQS's limit of messages in a batch; a batch's bytes are bounded by deadletter.MaxMessageBytes.
	maxBatch = 10
	// maxResends is how often messages are sent again that SQS did not accept out of a batch it accepted.
	maxResends = 6
)

// sender sends the dead letters of one object in batches.
type sender struct {
	ctx           context.Context
	queue         Queue
	url           string
	pause         func(context.Context, time.Duration) error
	batch         []letter
	bytes         int
	sent          int     // dead letters that SQS has accepted
	rejected      []error // the first of those that it rejected for themselves
	rejectedCount int     // how many those are
}

// maxRejected is how many rejected dead letters are named.
const maxRejected = 10

// letter is a message ready to be sent.
type letter struct {
	message deadletter.Message // without its raw data, which the reader reuses
	full    bool               // the body has raw data
	body    string
}

func (l *letter) messageSize() int { return deadletter.MessageSize(l.body, l.message.Attributes()) }

// addMessage puts a dead letter into the batch and sends the batch before it when the dead letter has no room.
func (s *sender) addMessage(m deadletter.Message) error {
	body, err := m.Encode()
	if err != nil {
		return err
	}
	l := letter{message: m, full: m.RawData != nil, body: body}
	l.message.RawData = nil
	size := l.messageSize()
	if len(s.batch) == maxBatch || s.bytes+size > deadletter.MaxMessageBytes {
		if err := s.sendBatch(); err != nil {
			return err
		}
	}
	s.batch = append(s.batch, l)
	s.bytes += size
	return nil
}

// sendRest sends the last batch and reports the dead letters that SQS rejected.
func (s *sender) sendRest() error {
	errs := append([]error{s.sendBatch()}, s.rejected...)
	if more := s.rejectedCount - len(s.rejected); more > 0 {
		errs = append(errs, fmt.Errorf("and %d more dead letters", more))
	}
	return errors.Join(errs...)
}

func (s *sender) sendBatch() error {
	batch := s.batch
	s.batch, s.bytes = nil, 0
	return s.sendMessages(batch)
}

// sendMessages sends the dead letters until SQS has each. It returns an error when a whole call fails; a dead letter
// that is rejected for itself is noted in s.rejected and does not stop the others.
func (s *sender) sendMessages(pending []letter) error {
	for try := 0; len(pending) > 0; try++ {
		if try > maxResends {
			return fmt.Errorf("sending dead letters: %d not accepted in %d batches", len(pending), try)
		}
		if try > 0 {
			if err := s.pause(s.ctx, backoff.Pause(try)); err != nil {
				return fmt.Errorf("sending dead letters: %d not accepted: %w", len(pending), err)
			}
		}
		output, err := s.queue.SendMessageBatch(s.ctx,
			&sqs.SendMessageBatchInput{QueueUrl: &s.url, Entries: batchEntries(pending)})
		// The queue may take less than SQS's maximum.
		if strings.HasSuffix(s3read.ErrorCode(err), "BatchRequestTooLong") {
			if half := len(pending) / 2; half > 0 {
				return errors.Join(s.sendMessages(pending[:half]), s.sendMessages(pending[half:]))
			}
			if pending[0], err = withoutData(pending[0], err); err == nil {
				continue
			}
		}
		if err != nil {
			return fmt.Errorf("sending %d dead letters: %w", len(pending), err)
		}
		pending = s.collectUnsent(pending, output)
	}
	return nil
}

// collectUnsent returns the dead letters that have to be sent again.
func (s *sender) collectUnsent(batch []letter, output *sqs.SendMessageBatchOutput) []letter {
	taken := map[string]bool{}
	for _, t := range output.Successful {
		taken[aws.ToString(t.Id)] = true
	}
	faults := map[string]error{}
	for _, f := range output.Failed {
		if f.SenderFault {
			faults[aws.ToString(f.Id)] = fmt.Errorf("%s: %s", aws.ToString(f.Code), aws.ToString(f.Message))
		}
	}
	var left []letter
	for _, l := range batch {
		if taken[l.message.ID] {
			s.sent++
			continue
		}
		// A dead letter in neither list counts as not accepted.
		if fault := faults[l.message.ID]; fault != nil {
			var err error
			if l, err = withoutData(l, fault); err != nil {
				if s.rejectedCount++; len(s.rejected) < maxRejected {
					s.rejected = append(s.rejected, fmt.Errorf("sending dead letter %s: %w", l.message.ID, err))
				}
				continue
			}
		}
		left = append(left, l)
	}
	return left
}

// withoutData returns the dead letter without its raw data, the pointer being enough; a dead letter that has none is
// rejected with the cause.
func withoutData(l letter, cause error) (letter, error) {
	if !l.full {
		return l, cause
	}
	l.full = false
	l.message.Truncate()
	var err error
	l.body, err = l.message.Encode()
	return l, err
}

func batchEntries(letters []letter) []types.SendMessageBatchRequestEntry {
	list := make([]types.SendMessageBatchRequestEntry, len(letters))
	for i, l := range letters {
		attributes := map[string]types.MessageAttributeValue{}
		for _, a := range l.message.Attributes() {
			attributes[a.Name] = types.MessageAttributeValue{DataType: aws.String(deadletter.AttributeType),
				StringValue: aws.String(a.Value)}
		}
		list[i] = types.SendMessageBatchRequestEntry{Id: aws.String(l.message.ID), MessageBody: aws.String(l.body),
			MessageAttributes: attributes}
	}
	return list
}
