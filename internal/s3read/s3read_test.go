package s3read

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/aws/smithy-go"
)

const content = "0123456789"

var errReset = errors.New("connection reset")

// answer is what a request gets: breaks is the byte of the object at which the connection breaks, -1 for none.
type answer struct {
	breaks   int
	err      error  // of the request
	rangeHas string // the range in the answer instead of the one that was asked for
	unsized  bool   // without Content-Length
}

// objects is a bucket with one object.
type objects struct {
	answers  []answer // to each request, the last one again and again
	requests []s3.GetObjectInput
	open     int // answers that are not closed
}

func (o *objects) GetObject(_ context.Context, in *s3.GetObjectInput, _ ...func(*s3.Options)) (*s3.GetObjectOutput, error) {
	a := o.answers[min(len(o.requests), len(o.answers)-1)]
	o.requests = append(o.requests, *in)
	if a.err != nil {
		return nil, a.err
	}
	from := 0
	out := &s3.GetObjectOutput{ETag: aws.String(`"tag"`), VersionId: aws.String("v1")}
	if in.Range != nil {
		if _, err := fmt.Sscanf(*in.Range, "bytes=%d-", &from); err != nil {
			return nil, err
		}
		out.ContentRange = aws.String(fmt.Sprintf("bytes %d-%d/%d", from, len(content)-1, len(content)))
	}
	if a.rangeHas != "" {
		out.ContentRange = &a.rangeHas
	}
	if !a.unsized {
		out.ContentLength = aws.Int64(int64(len(content) - from))
	}
	var reader io.Reader = strings.NewReader(content[from:])
	if a.breaks >= 0 {
		reader = io.MultiReader(strings.NewReader(content[from:max(from, a.breaks)]), broken{})
	}
	o.open++
	out.Body = &closer{reader, o}
	return out, nil
}

type broken struct{}

func (broken) Read([]byte) (int, error) { return 0, errReset }

type closer struct {
	io.Reader
	of *objects
}

func (c *closer) Close() error {
	c.of.open--
	return nil
}

func noPause(context.Context, time.Duration) error { return nil }

func TestReadOverBreaks(t *testing.T) {
	for _, c := range []struct {
		name     string
		place    Place
		answers  []answer
		content  string
		requests int
	}{
		{"whole", Place{}, []answer{{breaks: -1}}, content, 1},
		{"from an offset", Place{Offset: 4}, []answer{{breaks: -1}}, content[4:], 1},
		{"of a version", Place{VersionID: "v0"}, []answer{{breaks: 3}, {breaks: -1}}, content, 2},
		{"one break", Place{}, []answer{{breaks: 3}, {breaks: -1}}, content, 2},
		{"a break before the first byte", Place{}, []answer{{breaks: 0}, {breaks: -1}}, content, 2},
		{"a break at each byte", Place{}, []answer{{breaks: 1}, {breaks: 2}, {breaks: 3}, {breaks: 4}, {breaks: 5}, {breaks: 6}, {breaks: 7}, {breaks: 8},
			{breaks: 9}, {breaks: -1}}, content, 10},
		{"as many breaks without a byte as are allowed", Place{}, []answer{{breaks: 2}, {breaks: 2}, {breaks: 2}, {breaks: 2}, {breaks: -1}}, content, 5},
		{"a break behind the last byte", Place{}, []answer{{breaks: 10}}, content, 1},
		{"without a length", Place{}, []answer{{breaks: -1, unsized: true}}, content, 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			o := &objects{answers: c.answers}
			c.place.Bucket, c.place.Key = "lake", "a/b"
			b, err := Open(t.Context(), o, c.place, noPause)
			if err != nil {
				t.Fatal(err)
			}
			got, err := io.ReadAll(b)
			if err != nil || string(got) != c.content || len(o.requests) != c.requests {
				t.Errorf("got %q, %v in %d requests; want %q in %d", got, err, len(o.requests), c.content, c.requests)
			}
			if err := b.Close(); err != nil || o.open != 0 {
				t.Errorf("%v, %d answers are open", err, o.open)
			}
			wantVersion := c.place.VersionID
			if wantVersion == "" {
				wantVersion = "v1"
			}
			if b.VersionID() != wantVersion {
				t.Errorf("version %q", b.VersionID())
			}
			for i, in := range o.requests {
				if *in.Bucket != "lake" || *in.Key != "a/b" {
					t.Errorf("request %d: %s/%s", i, *in.Bucket, *in.Key)
				}
				if i > 0 && (aws.ToString(in.IfMatch) != `"tag"` || aws.ToString(in.VersionId) != wantVersion) {
					t.Errorf("request %d is of any content: %q, version %q", i, aws.ToString(in.IfMatch), aws.ToString(in.VersionId))
				}
			}
		})
	}
}

func TestReadFails(t *testing.T) {
	changed := &smithy.GenericAPIError{Code: "PreconditionFailed", Message: "changed"}
	for _, c := range []struct {
		name    string
		answers []answer
		read    string
		cause   error
		text    string
	}{
		{"too many breaks", []answer{{breaks: 3}}, content[:3], errReset, "reading object at byte 3, 5 times"},
		{"the object has changed", []answer{{breaks: 3}, {err: changed}}, content[:3], changed, "resuming object at byte 3"},
		{"another range than asked for", []answer{{breaks: 3}, {breaks: -1, rangeHas: "bytes 0-9/10"}}, content[:3], errReset,
			`requested byte 3, got range "bytes 0-9/10"`},
	} {
		t.Run(c.name, func(t *testing.T) {
			o := &objects{answers: c.answers}
			b, err := Open(t.Context(), o, Place{Bucket: "lake", Key: "k"}, noPause)
			if err != nil {
				t.Fatal(err)
			}
			got, err := io.ReadAll(b)
			if string(got) != c.read || !errors.Is(err, c.cause) || !strings.Contains(err.Error(), c.text) {
				t.Errorf("got %q, %v", got, err)
			}
			if err := b.Close(); err != nil || o.open != 0 {
				t.Errorf("%v, %d answers are open", err, o.open)
			}
		})
	}
}

// A connection that ends early, without an error, is a broken one.
func TestReadOfAShortAnswer(t *testing.T) {
	o := &objects{answers: []answer{{breaks: -1}}}
	b, err := Open(t.Context(), o, Place{Bucket: "lake", Key: "k"}, noPause)
	if err != nil {
		t.Fatal(err)
	}
	b.content = &closer{strings.NewReader(content[:4]), o}
	if got, err := io.ReadAll(b); err != nil || string(got) != content || len(o.requests) != 2 {
		t.Errorf("got %q, %v in %d requests", got, err, len(o.requests))
	}
}

func TestPauseEndsTheReading(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	o := &objects{answers: []answer{{breaks: 3}}}
	b, err := Open(ctx, o, Place{Bucket: "lake", Key: "k"}, func(ctx context.Context, d time.Duration) error {
		if d < 0 || d > time.Second {
			t.Errorf("a pause of %v", d)
		}
		cancel()
		return ctx.Err()
	})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.ReadAll(b); !errors.Is(err, context.Canceled) || !errors.Is(err, errReset) || len(o.requests) != 1 {
		t.Errorf("%v in %d requests", err, len(o.requests))
	}
}

func TestOpenFails(t *testing.T) {
	missing := &types.NoSuchKey{}
	o := &objects{answers: []answer{{err: missing}}}
	if _, err := Open(t.Context(), o, Place{Bucket: "lake", Key: "k"}, noPause); !Missing(err) || len(o.requests) != 1 {
		t.Errorf("%v in %d requests", err, len(o.requests))
	}
	o = &objects{answers: []answer{{breaks: -1, rangeHas: "bytes 0-9/10"}}}
	if _, err := Open(t.Context(), o, Place{Bucket: "lake", Key: "k", Offset: 5}, noPause); err == nil || o.open != 0 {
		t.Errorf("another range than asked for: %v, %d answers are open", err, o.open)
	}
}

func TestMissing(t *testing.T) {
	for code, want := range map[string]bool{"NoSuchKey": true, "NoSuchVersion": true, "AccessDenied": false, "NoSuchBucket": false} {
		err := fmt.Errorf("getting object: %w", &smithy.GenericAPIError{Code: code})
		if Missing(err) != want || ErrorCode(err) != code {
			t.Errorf("%s: %v, code %q", code, Missing(err), ErrorCode(err))
		}
	}
	if Missing(errReset) || ErrorCode(errReset) != "" || Missing(nil) {
		t.Error("an error without a code is that of a missing object")
	}
}
