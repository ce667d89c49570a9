package errorhandler

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"firehose-pipeline/deadletter"
)

// maxResumes is how often the reading of an object is taken up again without a byte in between before it counts as
// failed. The SDK retries only the request, not the reading of the answer.
const maxResumes = 4

// stallTime is how long nothing may come over a connection before it counts as broken.
const stallTime = 30 * time.Second

var errStalled = fmt.Errorf("nothing came for %v", stallTime)

// body is the content of an object. A connection that breaks is replaced by a ranged request from where it broke, of the
// same version and the same content (ETag).
type body struct {
	ctx     context.Context
	objects Objects
	input   s3.GetObjectInput
	pause   func(context.Context, time.Duration) error
	content io.ReadCloser // nil after a failure
	cancel  context.CancelFunc
	failure error // the last one
	offset  int64
	size    int64 // of the object, 0 when it is not known
	resumes int
}

// open requests the object, by its version when there is one.
func open(ctx context.Context, objects Objects, source deadletter.Source, pause func(context.Context, time.Duration) error) (*body, error) {
	b := &body{ctx: ctx, objects: objects, pause: pause}
	b.input.Bucket, b.input.Key = &source.Bucket, &source.Key
	if source.VersionID != "" {
		b.input.VersionId = &source.VersionID
	}
	output, err := b.get()
	if err != nil {
		return nil, fmt.Errorf("getting object: %w", err)
	}
	b.content, b.input.IfMatch, b.size = output.Body, output.ETag, aws.ToInt64(output.ContentLength)
	return b, nil
}

// get asks for the object; cancel ends the reading of the answer.
func (b *body) get() (output *s3.GetObjectOutput, err error) {
	var ctx context.Context
	ctx, b.cancel = context.WithCancel(b.ctx)
	if output, err = b.objects.GetObject(ctx, &b.input); err != nil {
		b.cancel()
	}
	return output, err
}

// Read reads on, over broken connections.
func (b *body) Read(p []byte) (int, error) {
	for {
		if b.content == nil {
			if b.size > 0 && b.offset == b.size { // what broke was only the end of the answer
				return 0, io.EOF
			}
			if err := b.resume(); err != nil {
				return 0, err
			}
		}
		watch := time.AfterFunc(stallTime, b.cancel)
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

// resume asks for the rest of the object.
func (b *body) resume() error {
	if b.resumes++; b.resumes > maxResumes {
		return fmt.Errorf("reading object at byte %d, %d times: %w", b.offset, b.resumes, b.failure)
	}
	if err := b.pause(b.ctx, backoff(b.resumes)); err != nil {
		return errors.Join(b.failure, err)
	}
	want := fmt.Sprintf("bytes=%d-", b.offset)
	b.input.Range = &want
	output, err := b.get()
	if err != nil {
		return fmt.Errorf("resuming object at byte %d: %w", b.offset, errors.Join(err, b.failure))
	}
	if got := aws.ToString(output.ContentRange); !strings.HasPrefix(got, fmt.Sprintf("bytes %d-", b.offset)) {
		err := errors.Join(b.failure, output.Body.Close())
		b.cancel()
		return fmt.Errorf("resuming object at byte %d: got range %q: %w", b.offset, got, err)
	}
	b.content = output.Body
	return nil
}

// Close ends the reading.
func (b *body) Close() error {
	if b.content == nil {
		return nil
	}
	err := b.content.Close()
	b.cancel()
	b.content = nil
	return err
}

// missing reports whether the object or its version is gone for good. A function without s3:ListBucket gets AccessDenied
// for a missing key instead, which fails the invocation: it may as well be a missing right.
func missing(err error) bool {
	code := errorCode(err)
	return code == "NoSuchKey" || code == "NoSuchVersion"
}

// errorCode is the code of an error that AWS answered, or empty.
func errorCode(err error) string {
	var answer interface{ ErrorCode() string } // smithy.APIError
	if errors.As(err, &answer) {
		return answer.ErrorCode()
	}
	return ""
}
