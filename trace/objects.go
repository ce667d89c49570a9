package trace

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"firehose-pipeline/internal/clock"
	"firehose-pipeline/internal/s3read"
)

// Bucket is the lake's bucket.
type Bucket interface {
	// List calls do with the key and size in bytes of each object under a prefix, in the order of the keys, beginning
	// after one. An error of do ends it.
	List(ctx context.Context, prefix, after string, do func(key string, size int64) error) error
	Open(ctx context.Context, key string) (io.ReadCloser, error)
	// Address is how people name an object.
	Address(key string) string
}

// S3API is the part of S3's API that [S3Bucket] uses.
type S3API interface {
	s3read.Getter
	ListObjectsV2(context.Context, *s3.ListObjectsV2Input, ...func(*s3.Options)) (*s3.ListObjectsV2Output, error)
}

// S3Bucket is a bucket in S3.
type S3Bucket struct {
	Client S3API
	Name   string
}

// List implements [Bucket].
func (b S3Bucket) List(ctx context.Context, prefix, after string, do func(string, int64) error) error {
	input := &s3.ListObjectsV2Input{Bucket: &b.Name, Prefix: &prefix}
	if after != "" {
		input.StartAfter = &after
	}
	for {
		out, err := b.Client.ListObjectsV2(ctx, input)
		if err != nil {
			return fmt.Errorf("listing %s: %w", b.Address(prefix), err)
		}
		for _, o := range out.Contents {
			if err := do(aws.ToString(o.Key), aws.ToInt64(o.Size)); err != nil {
				return err
			}
		}
		if !aws.ToBool(out.IsTruncated) {
			return nil
		}
		input.ContinuationToken = out.NextContinuationToken
	}
}

// Open implements [Bucket].
func (b S3Bucket) Open(ctx context.Context, key string) (io.ReadCloser, error) {
	body, err := s3read.Open(ctx, b.Client, s3read.Place{Bucket: b.Name, Key: key}, clock.Pause)
	if err != nil {
		return nil, fmt.Errorf("reading %s: %w", b.Address(key), err)
	}
	return body, nil
}

// Address implements [Bucket].
func (b S3Bucket) Address(key string) string { return "s3://" + b.Name + "/" + key }

// Folder is a bucket whose objects are the files below a folder.
type Folder string

// List implements [Bucket].
func (f Folder) List(ctx context.Context, prefix, after string, do func(string, int64) error) error {
	type object struct {
		key  string
		size int64
	}
	var all []object
	err := filepath.WalkDir(f.path(prefix), func(path string, entry fs.DirEntry, err error) error {
		if err != nil || !entry.Type().IsRegular() {
			return errors.Join(err, ctx.Err())
		}
		relative, err := filepath.Rel(string(f), path)
		if err != nil {
			return err
		}
		info, err := entry.Info()
		if err != nil {
			return err
		}
		if key := filepath.ToSlash(relative); key > after {
			all = append(all, object{key, info.Size()})
		}
		return nil
	})
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	slices.SortFunc(all, func(a, b object) int { return strings.Compare(a.key, b.key) })
	for _, o := range all {
		if err := do(o.key, o.size); err != nil {
			return err
		}
	}
	return nil
}

func (f Folder) path(key string) string { return filepath.Join(string(f), filepath.FromSlash(key)) }

// Open implements [Bucket].
func (f Folder) Open(_ context.Context, key string) (io.ReadCloser, error) {
	return os.Open(f.path(key))
}

// Address implements [Bucket].
func (f Folder) Address(key string) string { return f.path(key) }

// isMissing reports whether an object was deleted since it was listed.
func isMissing(err error) bool { return s3read.Missing(err) || errors.Is(err, fs.ErrNotExist) }
