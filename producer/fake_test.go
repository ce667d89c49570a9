package producer

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/firehose"
	"github.com/aws/aws-sdk-go-v2/service/firehose/types"
	"github.com/aws/smithy-go"
)

// fakeClock passes at once.
type fakeClock struct {
	mu     sync.Mutex
	now    time.Time
	pauses []time.Duration
}

func newClock() *fakeClock { return &fakeClock{now: time.Unix(1_800_000_000, 0)} }

func (c *fakeClock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *fakeClock) Pause(ctx context.Context, d time.Duration) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
	c.pauses = append(c.pauses, d)
	return ctx.Err()
}

// fake is Firehose: answer decides what becomes of each record of a call, which is by default taken.
type fake struct {
	// call fails whole calls, record single records; both are given the number of the call, from 1.
	call   func(ctx context.Context, call int) error
	record func(call int, data string) (code string)

	mu    sync.Mutex
	calls int
	sizes []int
	taken []string
}

var slowDown = &types.ServiceUnavailableException{Message: aws.String("Slow down.")}

func (f *fake) PutRecordBatch(ctx context.Context, in *firehose.PutRecordBatchInput,
	_ ...func(*firehose.Options)) (*firehose.PutRecordBatchOutput, error) {
	f.mu.Lock()
	f.calls++
	call := f.calls
	f.mu.Unlock()
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if f.call != nil {
		if err := f.call(ctx, call); err != nil {
			return nil, err
		}
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	size := 0
	out := &firehose.PutRecordBatchOutput{FailedPutCount: aws.Int32(0)}
	for _, r := range in.Records {
		size += len(r.Data)
		if len(r.Data) > MaxRecordBytes {
			return nil, &smithy.GenericAPIError{Code: "ValidationException", Message: "a record is too long"}
		}
		if f.record != nil {
			if code := f.record(call, string(r.Data)); code != "" {
				out.RequestResponses = append(out.RequestResponses,
					types.PutRecordBatchResponseEntry{ErrorCode: &code, ErrorMessage: aws.String("no")})
				*out.FailedPutCount++
				continue
			}
		}
		f.taken = append(f.taken, string(r.Data))
		out.RequestResponses = append(out.RequestResponses,
			types.PutRecordBatchResponseEntry{RecordId: aws.String("id")})
	}
	if len(in.Records) > MaxBatchRecords || size > MaxBatchBytes {
		return nil, &smithy.GenericAPIError{Code: "InvalidArgumentException", Message: "the batch is too large"}
	}
	f.sizes = append(f.sizes, len(in.Records))
	return out, nil
}

func (f *fake) stream(name string) *Stream { return &Stream{Name: name, Client: f, clock: newClock()} }

// events are n numbered events, one a line.
func events(n int) []string {
	lines := make([]string, n)
	for i := range lines {
		lines[i] = fmt.Sprintf(`{"event_id":"e-%05d","amount":%d}`, i+1, i)
	}
	return lines
}

func bytesOf(texts ...string) [][]byte {
	var all [][]byte
	for _, t := range texts {
		all = append(all, []byte(t))
	}
	return all
}

// run sends lines with fresh streams.
func run(t *testing.T, input io.Reader, o Options) Report {
	t.Helper()
	report, err := Send(t.Context(), t.Context(), input, o)
	if err != nil {
		t.Fatal(err)
	}
	return report
}

func sorted(texts []string) []string {
	all := slices.Clone(texts)
	slices.Sort(all)
	return all
}

// unpacked are the lines of records.
func unpacked(records []string) []string {
	var all []string
	for _, r := range records {
		all = append(all, strings.Split(strings.TrimSuffix(r, "\n"), "\n")...)
	}
	return sorted(all)
}

type broken struct{}

func (broken) Read([]byte) (int, error) { return 0, errors.New("disk on fire") }

// endless repeats a line.
type endless struct {
	line []byte
	read int64
}

func (e *endless) Read(p []byte) (int, error) {
	n := 0
	for n+len(e.line) <= len(p) {
		n += copy(p[n:], e.line)
	}
	e.read += int64(n)
	return n, nil
}

// shortResponses is a Firehose whose responses lack the result of the last record.
type shortResponses struct{ fake }

func (f *shortResponses) PutRecordBatch(ctx context.Context, in *firehose.PutRecordBatchInput,
	options ...func(*firehose.Options)) (*firehose.PutRecordBatchOutput, error) {
	out, err := f.fake.PutRecordBatch(ctx, in, options...)
	if err == nil {
		out.RequestResponses = out.RequestResponses[:len(out.RequestResponses)-1]
	}
	return out, err
}
