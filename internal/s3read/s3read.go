package s3read

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"firehose-pipeline/internal/clock"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
)

// MaxResumes is how often the reading of an object is taken up again without a byte in between before it counts as
// failed.
const MaxResumes = 4

// StallTime is how long nothing may come over a connection before it counts as broken.
const StallTime = 30 * time.Second

var errStalled = fmt.Errorf("no data for %v", StallTime)

// backoff gives the pause before resumption n (1, 2, …): up to 100 ms at first.
var backoff = clock.Backoff{First: 50 * time.Millisecond, Max: time.Second}

// Getter is the part of S3's API that this package uses.
type Getter interface {
	GetObject(context.Context, *s3.GetObjectInput, ...func(*s3.Options)) (*s3.GetObjectOutput, error)
}

// Place says what to read.
type Place struct {
	Bucket, Key string
	VersionID   string // empty: the latest
	Offset      int64  // where to begin
}

// Body is the content of an object. A connection that breaks is replaced by a ranged request from where it broke, of
// the same version and the same content (ETag).
type Body struct {
	ctx     context.Context
	objects Getter
	input   s3.GetObjectInput
	pause   func(context.Context, time.Duration) error
	content io.ReadCloser // nil after a failure
	cancel  context.CancelFunc
	failure error // the last one
	offset  int64
	size    int64 // of the object, 0 when it is not known
	resumes int
}

// Open requests the object; pause waits before reading is resumed. [Missing] recognises the error of a missing object.
func Open(ctx context.Context, objects Getter, place Place, pause func(context.Context, time.Duration) error) (*Body,
	error) {
	b := &Body{ctx: ctx, objects: objects, pause: pause, offset: place.Offset}
	b.input.Bucket, b.input.Key = &place.Bucket, &place.Key
	if place.VersionID != "" {
		b.input.VersionId = &place.VersionID
	}
	output, err := b.requestObject()
	if err != nil {
		return nil, fmt.Errorf("getting object: %w", err)
	}
	b.content, b.input.IfMatch = output.Body, output.ETag
	if output.ContentLength != nil {
		b.size = b.offset + *output.ContentLength
	}
	if b.input.VersionId == nil { // the rest is to be read of the same
		b.input.VersionId = output.VersionId
	}
	return b, nil
}

// VersionID is the version that is read, empty in a bucket without versions.
func (b *Body) VersionID() string { return aws.ToString(b.input.VersionId) }

// requestObject asks for the object from the offset on; cancel ends the reading of the answer.
func (b *Body) requestObject() (output *s3.GetObjectOutput, err error) {
	if b.offset > 0 {
		b.input.Range = aws.String(fmt.Sprintf("bytes=%d-", b.offset))
	}
	var ctx context.Context
	ctx, b.cancel = context.WithCancel(b.ctx)
	if output, err = b.objects.GetObject(ctx, &b.input); err != nil {
		b.cancel()
		return nil, err
	}
	if got := aws.ToString(output.ContentRange); b.offset > 0 &&
		!strings.HasPrefix(got, fmt.Sprintf("bytes %d-", b.offset)) {
		err := errors.Join(fmt.Errorf("requested byte %d, got range %q", b.offset, got), output.Body.Close())
		b.cancel()
		return nil, err
	}
	return output, nil
}

// Read reads on, over broken connections.
func (b *Body) Read(p []byte) (int, error) {
	for {
		if b.content == nil {
			if b.size > 0 && b.offset == b.size { // what broke was only the end of the answer
				return 0, io.EOF
			}
			if err := b.resumeReading(); err != nil {
				return 0, err
			}
		}
		watch := time.AfterFunc(StallTime, b.cancel)
		n, err := b.content.Read(p)
		if !watch.Stop() && err != nil && err != io.EOF {
			err = errStalled
		}
		if b.offset += int64(n); n > 0 {
			b.resumes = 0
		}
		if err == io.EOF && b.offset < b.size {
			err = io.ErrUnexpectedEOF
		}
		if err == nil || err == io.EOF {
			return n, err
		}
		b.failure = err
		if err := b.Close(); err != nil {
			b.failure = errors.Join(b.failure, err)
		}
		if n > 0 {
			return n, nil
		}
	}
}

// resumeReading asks for the rest of the object.
func (b *Body) resumeReading() error {
	if b.resumes++; b.resumes > MaxResumes {
		return fmt.Errorf("reading object at byte %d, %d times: %w", b.offset, b.resumes, b.failure)
	}
	if err := b.pause(b.ctx, backoff.Pause(b.resumes)); err != nil {
		return errors.Join(b.failure, err)
	}
	output, err := b.requestObject()
	if err != nil {
		return fmt.Errorf("resuming object at byte %d: %w", b.offset, errors.Join(err, b.failure))
	}
	b.content = output.Body
	return nil
}

// Close ends the reading.
func (b *Body) Close() error {
	if b.content == nil {
		return nil
	}
	err := b.content.Close()
	b.cancel()
	b.content = nil
	return err
}

// Missing reports whether the object or its version is gone for good. A caller without s3:ListBucket gets AccessDenied
// for a missing key instead, which may as well be a missing right.
func Missing(err error) bool {
	code := ErrorCode(err)
	return code == "NoSuchKey" || code == "NoSuchVersion"
}

// ErrorCode is the code of an error that AWS answered, or empty.
func ErrorCode(err error) string {
	var answer interface{ ErrorCode() string } // smithy.APIError
	if errors.As(err, &answer) {
		return answer.ErrorCode()
	}
	return ""
}
