package simulation

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"firehose-pipeline/simulation/judge"
)

// bucketName is the bucket of the stack.
const bucketName = "lake"

// bucket is a versioned bucket in memory. local/s3 keeps objects as files, behind HTTP.
type bucket struct {
	w       *world
	objects []*judge.Object // sorted by key
}

// put stores an object, and tells Lambda of an error object.
func (b *bucket) put(key string, content []byte) {
	o := &judge.Object{Bucket: bucketName, Key: key, Version: fmt.Sprintf("v%d", len(b.objects)+1), Content: content,
		At: time.Now()}
	i, _ := b.search(key)
	b.objects = slices.Insert(b.objects, i, o)
	b.w.facts.Objects = append(b.w.facts.Objects, o)
	if strings.HasPrefix(key, errorPrefix) {
		b.w.lambda.notify(o)
	}
}

func (b *bucket) search(key string) (int, bool) {
	return slices.BinarySearchFunc(b.objects, key, func(o *judge.Object, key string) int {
		return strings.Compare(o.Key, key)
	})
}

// atBucket is a process's client of the bucket.
type atBucket struct {
	*process
	get Site
}

// GetObject implements s3read.Getter.
func (p atBucket) GetObject(ctx context.Context, in *s3.GetObjectInput, _ ...func(*s3.Options)) (*s3.GetObjectOutput,
	error) {
	var out *s3.GetObjectOutput
	err := p.retrying(ctx, p.retryer, func() error {
		return p.call(ctx, p.get, *in.Key+" "+aws.ToString(in.Range), func(c *call) (time.Time, error) {
			if p.get == replayGet && p.w.chaotic && within(p.w.plan.ObjectsDown, time.Since(p.w.start)) {
				return time.Time{}, refusal(c)
			}
			i, found := p.w.bucket.search(*in.Key)
			if !found || in.VersionId != nil && *in.VersionId != p.w.bucket.objects[i].Version {
				return time.Time{}, &types.NoSuchKey{}
			}
			o := p.w.bucket.objects[i]
			content, from := o.Content, 0
			out = &s3.GetObjectOutput{ETag: aws.String(o.Version), VersionId: &o.Version}
			if in.Range != nil {
				if _, err := fmt.Sscanf(*in.Range, "bytes=%d-", &from); err != nil || from >= len(content) {
					return time.Time{}, answered(416, "InvalidRange", "The requested range is not satisfiable")
				}
				out.ContentRange = aws.String(fmt.Sprintf("bytes %d-%d/%d", from, len(content)-1, len(content)))
			}
			content = content[from:]
			out.ContentLength = aws.Int64(int64(len(content)))
			var body io.Reader = bytes.NewReader(content)
			if c.fault == broken && len(content) > 0 {
				body = io.MultiReader(bytes.NewReader(content[:c.chance.number(len(content))]), brokenReader{})
			}
			out.Body = io.NopCloser(body)
			return time.Time{}, nil
		})
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

type brokenReader struct{}

func (brokenReader) Read([]byte) (int, error) { return 0, errBroken }

// pageOfObjects is how many objects a page of a list has: few, so that lists have several.
const pageOfObjects = 3

// ListObjectsV2 implements replay.ObjectLister.
func (p atBucket) ListObjectsV2(ctx context.Context, in *s3.ListObjectsV2Input,
	_ ...func(*s3.Options)) (*s3.ListObjectsV2Output, error) {
	var out *s3.ListObjectsV2Output
	after := max(aws.ToString(in.StartAfter), aws.ToString(in.ContinuationToken))
	err := p.retrying(ctx, p.retryer, func() error {
		return p.call(ctx, replayList, *in.Prefix+" after "+after, func(c *call) (time.Time, error) {
			out = &s3.ListObjectsV2Output{IsTruncated: aws.Bool(false), ResultMetadata: dated(p.w.now())}
			most := min(pageOfObjects, int(aws.ToInt32(in.MaxKeys)))
			if most == 0 {
				most = pageOfObjects
			}
			for _, o := range p.w.bucket.objects {
				if !strings.HasPrefix(o.Key, *in.Prefix) || o.Key <= after {
					continue
				}
				if len(out.Contents) == most {
					out.IsTruncated, out.NextContinuationToken = aws.Bool(true), out.Contents[most-1].Key
					break
				}
				out.Contents = append(out.Contents, types.Object{Key: &o.Key, Size: aws.Int64(int64(len(o.Content))),
					LastModified: aws.Time(o.At.Add(p.w.skew))})
			}
			c.note = fmt.Sprintf("%d objects", len(out.Contents))
			return time.Time{}, nil
		})
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}
