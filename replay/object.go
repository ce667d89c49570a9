package replay

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"firehose-pipeline/deadletter"
)

// maxResumes is how often reading is taken up again without a byte in between.
const maxResumes = 4

// body is the content of an object from an offset on. A connection that breaks is replaced by a request for the rest, of the same
// version and the same content: the SDK retries only the request, not the reading of the answer.
type body struct {
	ctx     context.Context
	objects ObjectGetter
	clock   clock
	input   s3.GetObjectInput
	content io.ReadCloser // nil after a failure
	failure error
	offset  int64
	resumes int
}

// open requests an object from an offset on.
func (r *Replay) open(ctx context.Context, p Place, offset int64) (*body, error) {
	b := &body{ctx: ctx, objects: r.Objects, clock: r.time(), offset: offset}
	b.input.Bucket, b.input.Key = &p.Bucket, &p.Key
	if p.VersionID != "" {
		b.input.VersionId = &p.VersionID
	}
	output, err := b.get()
	if err != nil {
		return nil, fmt.Errorf("getting s3://%s/%s: %w", p.Bucket, p.Key, err)
	}
	b.content, b.input.IfMatch = output.Body, output.ETag
	if p.VersionID == "" { // the rest is to be read of the same
		b.input.VersionId = output.VersionId
	}
	return b, nil
}

func (b *body) get() (*s3.GetObjectOutput, error) {
	if b.offset == 0 {
		b.input.Range = nil
		return b.objects.GetObject(b.ctx, &b.input)
	}
	b.input.Range = aws.String(fmt.Sprintf("bytes=%d-", b.offset))
	output, err := b.objects.GetObject(b.ctx, &b.input)
	if err != nil {
		return nil, err
	}
	if got := aws.ToString(output.ContentRange); !strings.HasPrefix(got, fmt.Sprintf("bytes %d-", b.offset)) {
		return nil, errors.Join(fmt.Errorf("asked for byte %d, got range %q", b.offset, got), output.Body.Close())
	}
	return output, nil
}

// Read reads on, over broken connections.
func (b *body) Read(p []byte) (int, error) {
	for {
		if b.content == nil {
			if b.resumes++; b.resumes > maxResumes {
				return 0, fmt.Errorf("reading s3://%s/%s at byte %d: %w", *b.input.Bucket, *b.input.Key, b.offset, b.failure)
			}
			if err := b.clock.Pause(b.ctx, rand.N(100*time.Millisecond<<b.resumes)); err != nil {
				return 0, errors.Join(err, b.failure)
			}
			output, err := b.get()
			if err != nil {
				return 0, fmt.Errorf("reading s3://%s/%s at byte %d: %w", *b.input.Bucket, *b.input.Key, b.offset, errors.Join(err, b.failure))
			}
			b.content = output.Body
		}
		n, err := b.content.Read(p)
		if b.offset += int64(n); n > 0 {
			b.resumes = 0
		}
		if err == nil || err == io.EOF {
			return n, err
		}
		b.failure = errors.Join(err, b.Close())
		if n > 0 {
			return n, nil
		}
	}
}

// Close ends the reading.
func (b *body) Close() error {
	if b.content == nil {
		return nil
	}
	err := b.content.Close()
	b.content = nil
	return err
}

// unzipped is the content, unzipped when it is compressed, which its first bytes tell: neither name nor headers do for sure.
func unzipped(content io.Reader) (_ io.Reader, compressed bool, err error) {
	plain := bufio.NewReaderSize(content, 64<<10)
	magic, err := plain.Peek(2)
	if err != nil && err != io.EOF {
		return nil, false, err
	}
	if !bytes.Equal(magic, []byte{0x1f, 0x8b}) {
		return plain, false, nil
	}
	unzip, err := gzip.NewReader(plain)
	return unzip, true, err
}

// missing reports whether an object or its version is gone.
func missing(err error) bool {
	var answer interface{ ErrorCode() string } // smithy.APIError
	return errors.As(err, &answer) && (answer.ErrorCode() == "NoSuchKey" || answer.ErrorCode() == "NoSuchVersion")
}

// documents calls do with each failed record in a range of an error object; end 0 is the object's. Data is valid during the call. What
// cannot be read is passed over, and counted.
func (r *Replay) documents(ctx context.Context, source deadletter.Source, encoding string, from, end int64, do func(*Record) error) (unreadable int64, err error) {
	p := Place{Bucket: source.Bucket, Key: source.Key, VersionID: source.VersionID}
	start := from
	if encoding == "gzip" {
		start = 0 // offsets are of the unzipped content
	}
	content, err := r.open(ctx, p, start)
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, content.Close()) }()
	p.VersionID = aws.ToString(content.input.VersionId) // which letters name
	reader := deadletter.NewReader(content)
	for {
		failure, err := reader.Next()
		var broken *deadletter.UnreadableError
		switch {
		case err == io.EOF:
			return unreadable, nil
		case errors.As(err, &broken):
			if end > 0 && start+broken.Offset >= end {
				return unreadable, nil
			}
			unreadable++
			continue
		case err != nil:
			return unreadable, err
		}
		if at := start + failure.Offset; end > 0 && at >= end {
			return unreadable, nil
		} else if at < from {
			continue
		}
		letter := source.Record(failure)
		record := &Record{Place: p, Stream: letter.Stream, Stage: letter.Stage, Reason: letter.Reason, Arrival: failure.ArrivalTime,
			EventID: letter.EventID, Code: letter.ErrorCode, Text: letter.ErrorMessage, Data: failure.RawData}
		record.Offset, record.End = start+failure.Offset, start+failure.Offset+failure.Length
		if record.Arrival.IsZero() {
			record.Arrival = failure.FailedTime
		}
		if err := do(record); err != nil {
			return unreadable, err
		}
	}
}
