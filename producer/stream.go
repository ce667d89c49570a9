package producer

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/smithy-go"

	"firehose-pipeline/internal/clock"
)

// Patience is how long a stream may take nothing before putting to it counts as failed.
const Patience = 5 * time.Minute

// stallDelay is how long a stream may accept nothing before a stall is reported: throttling is usual at a stream's
// limit.
const stallDelay = 10 * time.Second

// callTimeout is how long one call may take: a whole batch over a slow line takes seconds.
const callTimeout = time.Minute

// Stream puts records to one delivery stream, or to a data stream. It is safe for concurrent use.
type Stream struct {
	Name   string
	Client FirehosePutter // of a delivery stream
	// Kinesis makes it a data stream; Key makes the partition key of each record, nil is [PartitionKey].
	Kinesis  KinesisPutter
	Key      func(record []byte) string
	Pace     *Pace         // nil puts as fast as Firehose accepts
	Patience time.Duration // 0 is [Patience]
	// OnStall, if set, is called once per stall: the stream has accepted nothing for a while.
	OnStall func(error)

	clock        clock.Clock // nil is the machine's
	counts       counters
	mu           sync.Mutex
	lastAccepted time.Time // when the stream last took a record
	stalled      bool
}

// counters count records and calls.
type counters struct {
	records, bytes, billed, calls, throttled, resent, unanswered atomic.Int64
}

// Counts are of the records and calls of a stream.
type Counts struct {
	// Records and Bytes are of the accepted records, Billed the bytes after its rounding.
	Records int64 `json:"records"`
	Bytes   int64 `json:"bytes"`
	Billed  int64 `json:"billedBytes"`
	Calls   int64 `json:"calls"`
	// Throttled are the calls of which Firehose accepted nothing, or only a part. Resent counts each sending of a
	// record after its first.
	Throttled int64 `json:"throttledCalls"`
	Resent    int64 `json:"resentRecords"`
	// Unanswered are records of calls that ended without an answer, and were sent again: Firehose may have them twice.
	Unanswered int64 `json:"possiblyTwice"`
}

// Counts returns the counts so far.
func (s *Stream) Counts() Counts {
	c := &s.counts
	return Counts{c.records.Load(), c.bytes.Load(), c.billed.Load(), c.calls.Load(), c.throttled.Load(),
		c.resent.Load(), c.unanswered.Load()}
}

// NotAcceptedError says which records of a batch the stream did not accept, while it accepted others.
type NotAcceptedError struct {
	Stream  string
	Records []int // by their place in the batch
	Err     error // what Firehose said last
}

func (e *NotAcceptedError) Error() string {
	return fmt.Sprintf("putting to %s: %d records not accepted: %v", e.Stream, len(e.Records), e.Err)
}

func (e *NotAcceptedError) Unwrap() error { return e.Err }

// Answer is the result of a batch.
type Answer struct {
	// Accepted has, for each record, whether Firehose accepted it for sure.
	Accepted []bool
	// Began is Firehose's own time at the first answer, or this machine's when it says none: nothing of the batch
	// arrived before.
	Began time.Time
}

// Put puts a batch within the limits of one call, and resends records that the stream does not accept, with exponential
// backoff and full jitter, until it has each. The error is a [*NotAcceptedError] when single records are not accepted
// for as long as the stream's patience while others are, which leaves the rest of the batch sent. Every other error is
// one of the stream: it accepted nothing for that long, or rejects the call.
func (s *Stream) Put(ctx context.Context, records [][]byte) (Answer, error) {
	answer := Answer{Accepted: make([]bool, len(records))}
	left := make([]int, len(records)) // places of the records not yet taken
	for i := range left {
		left[i] = i
	}
	began := s.now()
	patience := s.Patience
	if patience == 0 {
		patience = Patience
	}
	progress := began // when this batch last got on
	for try := 0; len(left) > 0; try++ {
		if try > 0 {
			s.counts.resent.Add(int64(len(left)))
		}
		taken, err := s.callOnce(ctx, records, left, &answer)
		if err == nil {
			break
		}
		if !isTemporary(err) || ctx.Err() != nil {
			return answer, fmt.Errorf("putting to %s: %w", s.Name, errors.Join(ctx.Err(), err))
		}
		if taken > 0 {
			progress = s.now()
			if 2*taken >= len(left) {
				try = max(0, try-2) // the pause was longer than it needed to be
			}
		}
		rest := left[:0]
		for _, i := range left {
			if !answer.Accepted[i] {
				rest = append(rest, i)
			}
		}
		left = rest
		if s.now().Sub(progress) >= patience {
			if s.acceptedSince(progress) {
				return answer, &NotAcceptedError{s.Name, left, err}
			}
			return answer, fmt.Errorf("putting to %s: no record accepted for %v: %w", s.Name, patience, err)
		}
		if taken == 0 && s.now().Sub(progress) >= stallDelay && !s.acceptedSince(progress) {
			s.reportStall(err)
		}
		if err := s.currentClock().Pause(ctx, backoff.Pause(try)); err != nil {
			return answer, fmt.Errorf("putting to %s: %w", s.Name, err)
		}
	}
	return answer, nil
}

// callOnce makes one call with the records left. Its error says why not all were accepted.
func (s *Stream) callOnce(ctx context.Context, records [][]byte, left []int, answer *Answer) (taken int, err error) {
	sent := make([][]byte, len(left))
	size := 0
	for at, i := range left {
		sent[at] = records[i]
		size += len(records[i])
	}
	if err := s.Pace.Wait(ctx, len(left), size); err != nil {
		return 0, err
	}
	before := s.now()
	s.counts.calls.Add(1)
	limited, stop := context.WithTimeout(ctx, callTimeout)
	defer stop()
	results, serverTime, err := s.putOnce(limited, sent)
	if err != nil {
		if limited.Err() != nil && ctx.Err() == nil {
			err = silenceError{err}
		}
		var answered smithy.APIError
		switch {
		case !isTemporary(err):
		case errors.As(err, &answered):
			s.counts.throttled.Add(1)
		default:
			s.counts.unanswered.Add(int64(len(left)))
		}
		return 0, err
	}
	if len(results) != len(left) {
		return 0, &malformedError{len(left), len(results)}
	}
	if answer.Began.IsZero() {
		answer.Began = before
		if !serverTime.IsZero() {
			answer.Began = serverTime
		}
	}
	for at, result := range results {
		if result.code != nil {
			err = &smithy.GenericAPIError{Code: *result.code, Message: aws.ToString(result.message)}
			continue
		}
		i := left[at]
		answer.Accepted[i] = true
		taken++
		s.counts.records.Add(1)
		s.counts.bytes.Add(int64(len(records[i])))
		s.counts.billed.Add(s.billedBytes(records[i]))
	}
	if err != nil {
		s.counts.throttled.Add(1)
		err = partlyError{err}
	}
	if taken > 0 {
		s.noteAccepted()
	}
	return taken, err
}

// malformedError is an answer that says nothing about the records.
type malformedError struct{ sent, answers int }

func (e *malformedError) Error() string {
	return fmt.Sprintf("the stream returned results for %d records of %d", e.answers, e.sent)
}

// partlyError is why Firehose did not accept some records of a call that it accepted. All that it names there passes.
type partlyError struct{ error }

func (e partlyError) Unwrap() error { return e.error }

// silenceError is a call that was not answered in time.
type silenceError struct{ error }

func (e silenceError) Error() string {
	return fmt.Sprintf("no response in %v: %v", callTimeout, e.error)
}
func (e silenceError) Unwrap() error { return e.error }

var retryable = retry.IsErrorRetryables(retry.DefaultRetryables)

// isTemporary reports whether to send again may help: Firehose throttles or fails, or the connection does.
func isTemporary(err error) bool {
	partly, silence := partlyError{}, silenceError{}
	if errors.As(err, &partly) || errors.As(err, &silence) {
		return true
	}
	var answered smithy.APIError
	if errors.As(err, &answered) {
		switch answered.ErrorCode() {
		case "ServiceUnavailableException", "InternalFailure", "LimitExceededException",
			"ProvisionedThroughputExceededException", "KMSThrottlingException":
			return true
		}
		if answered.ErrorFault() == smithy.FaultServer {
			return true
		}
	}
	return retryable.IsErrorRetryable(err) == aws.TrueTernary
}

// backoff gives the pause after each call that left records over.
var backoff = clock.Backoff{First: 100 * time.Millisecond, Max: 10 * time.Second}

func (s *Stream) currentClock() clock.Clock { return clock.OrSystem(s.clock) }

func (s *Stream) now() time.Time { return s.currentClock().Now() }

func (s *Stream) noteAccepted() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.lastAccepted, s.stalled = s.now(), false
}

func (s *Stream) acceptedSince(at time.Time) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.lastAccepted.After(at)
}

// reportStall reports that the stream accepts nothing, once after each accepted record.
func (s *Stream) reportStall(err error) {
	s.mu.Lock()
	told := s.stalled
	s.stalled = true
	s.mu.Unlock()
	if !told && s.OnStall != nil {
		s.OnStall(err)
	}
}
