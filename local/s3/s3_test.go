package s3_test

import (
	"bytes"
	"context"
	"crypto/md5"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/aws/smithy-go"

	"firehose-pipeline/local/s3"
)

const lake, plain = "lake-bucket", "plain-bucket"

// world is an endpoint with a client, and the notifications that came.
type world struct {
	*sdk.Client
	server *s3.Server
	dir    string
	mu     sync.Mutex
	events []s3.ObjectCreated
}

func (w *world) created() []s3.ObjectCreated {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.Clone(w.events)
}

func serve(t *testing.T, dir string) *world {
	t.Helper()
	w := &world{dir: dir}
	server, err := s3.Serve(t.Context(), s3.Options{
		Dir:     dir,
		Buckets: []s3.Bucket{{Name: lake, Versioned: true}, {Name: plain}},
		Now:     func() time.Time { return time.Date(2026, 1, 2, 3, 4, 5, 678e6, time.UTC) },
		Created: func(o s3.ObjectCreated) {
			w.mu.Lock()
			defer w.mu.Unlock()
			w.events = append(w.events, o)
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := server.Close(); err != nil {
			t.Error(err)
		}
	})
	w.server = server
	w.Client = client(server.URL)
	return w
}

func client(url string) *sdk.Client {
	return sdk.New(sdk.Options{
		BaseEndpoint: aws.String(url), Region: "us-east-1", UsePathStyle: true,
		Credentials: aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
			return aws.Credentials{AccessKeyID: "local", SecretAccessKey: "local"}, nil
		}),
	})
}

func (w *world) put(t *testing.T, bucket, key, body string) *sdk.PutObjectOutput {
	t.Helper()
	out, err := w.PutObject(t.Context(), &sdk.PutObjectInput{Bucket: &bucket, Key: &key, Body: strings.NewReader(body)})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func (w *world) get(t *testing.T, bucket, key string, version *string) string {
	t.Helper()
	out, err := w.GetObject(t.Context(), &sdk.GetObjectInput{Bucket: &bucket, Key: &key, VersionId: version})
	if err != nil {
		t.Fatal(err)
	}
	defer out.Body.Close()
	body, err := io.ReadAll(out.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(body)
}

func code(err error) string {
	var api smithy.APIError
	if errors.As(err, &api) {
		return api.ErrorCode()
	}
	return fmt.Sprint(err)
}

func wantCode(t *testing.T, err error, want string) {
	t.Helper()
	if got := code(err); got != want {
		t.Errorf("got %s (%v), want %s", got, err, want)
	}
}

// files lists all that is in the folder, hidden folders included.
func files(t *testing.T, dir string) []string {
	t.Helper()
	var list []string
	err := filepath.WalkDir(dir, func(path string, entry os.DirEntry, err error) error {
		if err == nil && !entry.IsDir() {
			rel, relErr := filepath.Rel(dir, path)
			list, err = append(list, filepath.ToSlash(rel)), relErr
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return list
}

func sum(body string) string {
	s := md5.Sum([]byte(body))
	return hex.EncodeToString(s[:])
}

func TestObjects(t *testing.T) {
	t.Run("an object is a file of its bucket's folder", func(t *testing.T) {
		w := serve(t, t.TempDir())
		key := "transformed-data/year=2026/month=01/a b+c.parquet"
		out := w.put(t, lake, key, "content")
		if got := w.get(t, lake, key, nil); got != "content" || *out.ETag != `"`+sum("content")+`"` {
			t.Errorf("got %q, ETag %s", got, *out.ETag)
		}
		if got, want := files(t, w.dir), []string{lake + "/" + key}; !slices.Equal(got, want) {
			t.Errorf("got files %q, want %q", got, want)
		}
	})
	t.Run("content type, content encoding and metadata are kept", func(t *testing.T) {
		w := serve(t, t.TempDir())
		_, err := w.PutObject(t.Context(), &sdk.PutObjectInput{Bucket: aws.String(lake), Key: aws.String("k"),
			Body:            strings.NewReader("x"),
			ContentEncoding: aws.String("hadoop-snappy"), ContentType: aws.String("application/octet-stream"),
			Metadata: map[string]string{"a": "b"}})
		if err != nil {
			t.Fatal(err)
		}
		out, err := w.HeadObject(t.Context(), &sdk.HeadObjectInput{Bucket: aws.String(lake), Key: aws.String("k")})
		if err != nil {
			t.Fatal(err)
		}
		if *out.ContentEncoding != "hadoop-snappy" || *out.ContentType != "application/octet-stream" ||
			out.Metadata["a"] != "b" ||
			*out.ContentLength != 1 || *out.ETag != `"`+sum("x")+`"` ||
			!out.LastModified.Equal(time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)) {
			t.Errorf("got %+v", out)
		}
	})
	t.Run("a part of an object", func(t *testing.T) {
		w := serve(t, t.TempDir())
		w.put(t, lake, "k", "0123456789")
		out, err := w.GetObject(t.Context(), &sdk.GetObjectInput{Bucket: aws.String(lake), Key: aws.String("k"),
			Range: aws.String("bytes=2-4")})
		if err != nil {
			t.Fatal(err)
		}
		defer out.Body.Close()
		if body, err := io.ReadAll(out.Body); err != nil || string(body) != "234" ||
			*out.ContentRange != "bytes 2-4/10" {
			t.Errorf("got %q, %v, %s", body, err, *out.ContentRange)
		}
	})
	t.Run("aws-chunked uploads with trailers are stored plain", func(t *testing.T) {
		w := serve(t, t.TempDir())
		request, err := http.NewRequestWithContext(t.Context(), http.MethodPut, w.server.URL+"/"+lake+"/k",
			strings.NewReader("5;chunk-signature=0\r\nhello\r\n7\r\n, "+
				"world\r\n0\r\nx-amz-checksum-crc32:AAAAAA==\r\n\r\n"))
		if err != nil {
			t.Fatal(err)
		}
		request.Header.Set("Content-Encoding", "gzip,aws-chunked")
		request.Header.Set("X-Amz-Content-Sha256", "STREAMING-UNSIGNED-PAYLOAD-TRAILER")
		request.Header.Set("X-Amz-Decoded-Content-Length", "12")
		response, err := http.DefaultClient.Do(request)
		if err != nil {
			t.Fatal(err)
		}
		response.Body.Close()
		out, err := w.HeadObject(t.Context(), &sdk.HeadObjectInput{Bucket: aws.String(lake), Key: aws.String("k")})
		if err != nil {
			t.Fatal(err)
		}
		content, err := os.ReadFile(filepath.Join(w.dir, lake, "k"))
		if err != nil || string(content) != "hello, world" || *out.ContentEncoding != "gzip" {
			t.Errorf("got %q, %v, encoding %q", content, err, *out.ContentEncoding)
		}
	})
	t.Run("broken chunks leave no object", func(t *testing.T) {
		for _, body := range []string{"5\r\nhel", "zz\r\n", "5\r\nhelloXX", "fffffffffffffffff\r\n",
			"3\r\nabc\r\n0\r\n\r\n"} {
			w := serve(t, t.TempDir())
			request, err := http.NewRequestWithContext(t.Context(), http.MethodPut, w.server.URL+"/"+lake+"/k",
				strings.NewReader(body))
			if err != nil {
				t.Fatal(err)
			}
			request.Header.Set("X-Amz-Content-Sha256", "STREAMING-UNSIGNED-PAYLOAD-TRAILER")
			request.Header.Set("X-Amz-Decoded-Content-Length", "5")
			response, err := http.DefaultClient.Do(request)
			if err != nil {
				t.Fatal(err)
			}
			response.Body.Close()
			if got := files(t, w.dir); response.StatusCode < 400 || len(got) > 0 {
				t.Errorf("%q: got status %d and files %q", body, response.StatusCode, got)
			}
		}
	})
	t.Run("an upload that breaks off is never visible and leaves nothing", func(t *testing.T) {
		w := serve(t, t.TempDir())
		reader, writer := io.Pipe()
		request, err := http.NewRequestWithContext(t.Context(), http.MethodPut, w.server.URL+"/"+lake+"/half", reader)
		if err != nil {
			t.Fatal(err)
		}
		request.ContentLength = 1 << 20
		result := make(chan error, 1)
		go func() {
			response, err := http.DefaultClient.Do(request)
			if err == nil {
				response.Body.Close()
				err = errors.New(response.Status)
			}
			result <- err
		}()
		if _, err := writer.Write(make([]byte, 1<<19)); err != nil { // the server reads: the write is under way
			t.Fatal(err)
		}
		_, err = w.GetObject(t.Context(), &sdk.GetObjectInput{Bucket: aws.String(lake), Key: aws.String("half")})
		wantCode(t, err, "NoSuchKey")
		writer.CloseWithError(errors.New("cut"))
		if err := <-result; err == nil {
			t.Error("got no error")
		}
		if err := w.server.Close(); err != nil {
			t.Fatal(err)
		}
		if got := files(t, w.dir); len(got) > 0 || len(w.created()) > 0 {
			t.Errorf("got files %q, events %v", got, w.created())
		}
	})
	t.Run("keys that cannot be files are refused", func(t *testing.T) {
		w := serve(t, t.TempDir())
		w.put(t, lake, "a/b", "x")
		for _, key := range []string{"a", "a/b/c", "a/", "/a", "x//y", "../up", "x/./y", "..",
			strings.Repeat("x", 256)} {
			_, err := w.PutObject(t.Context(),
				&sdk.PutObjectInput{Bucket: aws.String(lake), Key: aws.String(key), Body: strings.NewReader("x")})
			if got := code(err); got != "InvalidArgument" {
				t.Errorf("%q: got %v", key, err)
			}
		}
		if got := files(t, w.dir); !slices.Equal(got, []string{lake + "/a/b"}) {
			t.Errorf("got files %q", got)
		}
	})
	t.Run("what is not there has its error", func(t *testing.T) {
		w := serve(t, t.TempDir())
		_, err := w.GetObject(t.Context(), &sdk.GetObjectInput{Bucket: aws.String(lake), Key: aws.String("k")})
		wantCode(t, err, "NoSuchKey")
		_, err = w.GetObject(t.Context(), &sdk.GetObjectInput{Bucket: aws.String("no-bucket"), Key: aws.String("k")})
		wantCode(t, err, "NoSuchBucket")
		_, err = w.PutObject(t.Context(), &sdk.PutObjectInput{Bucket: aws.String("no-bucket"), Key: aws.String("k"),
			Body: strings.NewReader("x")})
		wantCode(t, err, "NoSuchBucket")
		w.put(t, lake, "k", "x")
		_, err = w.GetObject(t.Context(), &sdk.GetObjectInput{Bucket: aws.String(lake), Key: aws.String("k"),
			VersionId: aws.String("none")})
		wantCode(t, err, "NoSuchVersion")
	})
	t.Run("web pages are refused", func(t *testing.T) {
		w := serve(t, t.TempDir())
		request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, w.server.URL, nil)
		if err != nil {
			t.Fatal(err)
		}
		request.Header.Set("Origin", "https://example.com")
		response, err := http.DefaultClient.Do(request)
		if err != nil {
			t.Fatal(err)
		}
		response.Body.Close()
		if response.StatusCode != http.StatusForbidden {
			t.Errorf("got %s", response.Status)
		}
	})
	t.Run("only loopback is listened on", func(t *testing.T) {
		for _, address := range []string{"0.0.0.0:0", ":0", "example.com:80", "127.0.0.1"} {
			if _, err := s3.Serve(t.Context(), s3.Options{Dir: t.TempDir(), Listen: address}); err == nil {
				t.Errorf("%s: got no error", address)
			}
		}
	})
	t.Run("another server over the folder finds the contents and forgets what was half-written", func(t *testing.T) {
		dir := t.TempDir()
		for name, content := range map[string]string{lake + "/a/b": "kept", ".incoming/x": "half",
			".versions/" + lake + "/y": "old"} {
			if err := os.MkdirAll(filepath.Dir(filepath.Join(dir, name)), 0o755); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		w := serve(t, dir)
		if got := w.get(t, lake, "a/b", nil); got != "kept" {
			t.Errorf("got %q", got)
		}
		if got := files(t, dir); !slices.Equal(got, []string{lake + "/a/b"}) {
			t.Errorf("got files %q", got)
		}
	})
}

func TestVersions(t *testing.T) {
	t.Run("each version can be read", func(t *testing.T) {
		w := serve(t, t.TempDir())
		first, second := w.put(t, lake, "k", "first"), w.put(t, lake, "k", "second")
		if first.VersionId == nil || second.VersionId == nil || *first.VersionId == *second.VersionId {
			t.Fatalf("got versions %v and %v", first.VersionId, second.VersionId)
		}
		for version, want := range map[*string]string{nil: "second", first.VersionId: "first",
			second.VersionId: "second"} {
			if got := w.get(t, lake, "k", version); got != want {
				t.Errorf("got %q, want %q", got, want)
			}
		}
		out, err := w.HeadObject(t.Context(),
			&sdk.HeadObjectInput{Bucket: aws.String(lake), Key: aws.String("k"), VersionId: first.VersionId})
		if err != nil || *out.ContentLength != 5 || *out.VersionId != *first.VersionId {
			t.Errorf("HEAD got %+v, %v", out, err)
		}
	})
	t.Run("a delete marks, and a deleted version comes back", func(t *testing.T) {
		w := serve(t, t.TempDir())
		first := w.put(t, lake, "a/k", "first")
		gone, err := w.DeleteObject(t.Context(),
			&sdk.DeleteObjectInput{Bucket: aws.String(lake), Key: aws.String("a/k")})
		if err != nil || !*gone.DeleteMarker {
			t.Fatalf("got %+v, %v", gone, err)
		}
		_, err = w.GetObject(t.Context(), &sdk.GetObjectInput{Bucket: aws.String(lake), Key: aws.String("a/k")})
		wantCode(t, err, "NoSuchKey")
		if got := w.get(t, lake, "a/k", first.VersionId); got != "first" {
			t.Errorf("got %q", got)
		}
		list, err := w.ListObjectVersions(t.Context(), &sdk.ListObjectVersionsInput{Bucket: aws.String(lake)})
		if err != nil || len(list.Versions) != 1 || len(list.DeleteMarkers) != 1 || !*list.DeleteMarkers[0].IsLatest {
			t.Errorf("got %+v, %v", list, err)
		}
		if _, err := w.DeleteObject(t.Context(),
			&sdk.DeleteObjectInput{Bucket: aws.String(lake), Key: aws.String("a/k"),
				VersionId: gone.VersionId}); err != nil {
			t.Fatal(err)
		}
		if got := w.get(t, lake, "a/k", nil); got != "first" {
			t.Errorf("then got %q", got)
		}
		if _, err := w.DeleteObject(t.Context(),
			&sdk.DeleteObjectInput{Bucket: aws.String(lake), Key: aws.String("a/k"),
				VersionId: first.VersionId}); err != nil {
			t.Fatal(err)
		}
		if got := files(t, w.dir); len(got) > 0 {
			t.Errorf("got files %q", got)
		}
	})
	t.Run("suspended versions replace the null version only", func(t *testing.T) {
		w := serve(t, t.TempDir())
		kept := w.put(t, lake, "k", "kept")
		if _, err := w.PutBucketVersioning(t.Context(), &sdk.PutBucketVersioningInput{Bucket: aws.String(lake),
			VersioningConfiguration: &types.VersioningConfiguration{Status: types.BucketVersioningStatusSuspended}}); err != nil {
			t.Fatal(err)
		}
		w.put(t, lake, "k", "null 1")
		w.put(t, lake, "k", "null 2")
		if got := w.get(t, lake, "k", nil) + ", " + w.get(t, lake, "k", kept.VersionId); got != "null 2, kept" {
			t.Errorf("got %q", got)
		}
		if got := files(t, w.dir); len(got) != 2 {
			t.Errorf("got files %q", got)
		}
	})
	t.Run("a bucket without versions overwrites and deletes", func(t *testing.T) {
		w := serve(t, t.TempDir())
		w.put(t, plain, "a/k", "first")
		if out := w.put(t, plain, "a/k", "second"); out.VersionId != nil {
			t.Errorf("got version %s", *out.VersionId)
		}
		if got := w.get(t, plain, "a/k", nil); got != "second" {
			t.Errorf("got %q", got)
		}
		out, err := w.DeleteObjects(t.Context(), &sdk.DeleteObjectsInput{Bucket: aws.String(plain),
			Delete: &types.Delete{Objects: []types.ObjectIdentifier{{Key: aws.String("a/k")},
				{Key: aws.String("never")}}}})
		if err != nil || len(out.Deleted) != 2 {
			t.Errorf("got %+v, %v", out, err)
		}
		if _, err := os.Stat(filepath.Join(w.dir, plain, "a")); !errors.Is(err, os.ErrNotExist) {
			t.Errorf("the folder is left: %v", err)
		}
	})
	t.Run("a conditional write loses against an existing object", func(t *testing.T) {
		w := serve(t, t.TempDir())
		w.put(t, plain, "k", "x")
		_, err := w.PutObject(t.Context(), &sdk.PutObjectInput{Bucket: aws.String(plain), Key: aws.String("k"),
			Body: strings.NewReader("y"), IfNoneMatch: aws.String("*")})
		wantCode(t, err, "PreconditionFailed")
		if got := w.get(t, plain, "k", nil); got != "x" {
			t.Errorf("got %q", got)
		}
	})
}

func TestMultipart(t *testing.T) {
	begin := func(t *testing.T, w *world, parts ...string) (*sdk.CreateMultipartUploadOutput, []types.CompletedPart) {
		out, err := w.CreateMultipartUpload(t.Context(),
			&sdk.CreateMultipartUploadInput{Bucket: aws.String(lake), Key: aws.String("k"),
				ContentEncoding: aws.String("gzip")})
		if err != nil {
			t.Fatal(err)
		}
		var completed []types.CompletedPart
		for i, body := range parts {
			number := aws.Int32(int32(i + 1))
			part, err := w.UploadPart(t.Context(),
				&sdk.UploadPartInput{Bucket: out.Bucket, Key: out.Key, UploadId: out.UploadId, PartNumber: number,
					Body: strings.NewReader(body)})
			if err != nil {
				t.Fatal(err)
			}
			completed = append(completed, types.CompletedPart{PartNumber: number, ETag: part.ETag})
		}
		return out, completed
	}
	complete := func(t *testing.T, w *world, out *sdk.CreateMultipartUploadOutput,
		parts []types.CompletedPart) (*sdk.CompleteMultipartUploadOutput, error) {
		return w.CompleteMultipartUpload(t.Context(),
			&sdk.CompleteMultipartUploadInput{Bucket: out.Bucket, Key: out.Key, UploadId: out.UploadId,
				MultipartUpload: &types.CompletedMultipartUpload{Parts: parts}})
	}
	t.Run("the object appears once it is complete", func(t *testing.T) {
		w := serve(t, t.TempDir())
		out, parts := begin(t, w, "first ", "second")
		_, err := w.GetObject(t.Context(), &sdk.GetObjectInput{Bucket: aws.String(lake), Key: aws.String("k")})
		wantCode(t, err, "NoSuchKey")
		listed, err := w.ListParts(t.Context(),
			&sdk.ListPartsInput{Bucket: out.Bucket, Key: out.Key, UploadId: out.UploadId})
		if err != nil || len(listed.Parts) != 2 {
			t.Errorf("got %+v, %v", listed, err)
		}
		done, err := complete(t, w, out, parts)
		if err != nil {
			t.Fatal(err)
		}
		a, b := md5.Sum([]byte("first ")), md5.Sum([]byte("second"))
		etag := sum(string(append(a[:], b[:]...))) + "-2"
		head, err := w.HeadObject(t.Context(), &sdk.HeadObjectInput{Bucket: out.Bucket, Key: out.Key})
		if err != nil {
			t.Fatal(err)
		}
		if got := w.get(t, lake, "k", done.VersionId); got != "first second" || *done.ETag != `"`+etag+`"` ||
			*head.ETag != *done.ETag || *head.ContentEncoding != "gzip" {
			t.Errorf("got %q, ETags %s and %s, want %s", got, *done.ETag, *head.ETag, etag)
		}
		events := w.created()
		if len(events) != 1 || events[0].Event != "ObjectCreated:CompleteMultipartUpload" || events[0].ETag != etag ||
			events[0].Size != 12 {
			t.Errorf("got events %+v", events)
		}
		if got := files(t, w.dir); !slices.Equal(got, []string{lake + "/k"}) {
			t.Errorf("got files %q", got)
		}
		_, err = complete(t, w, out, parts)
		wantCode(t, err, "NoSuchUpload")
	})
	t.Run("wrong parts are refused", func(t *testing.T) {
		w := serve(t, t.TempDir())
		out, parts := begin(t, w, "a", "b")
		_, err := complete(t, w, out, []types.CompletedPart{parts[1], parts[0]})
		wantCode(t, err, "InvalidPartOrder")
		_, err = complete(t, w, out, []types.CompletedPart{{PartNumber: aws.Int32(1), ETag: parts[1].ETag}})
		wantCode(t, err, "InvalidPart")
		if _, err := w.AbortMultipartUpload(t.Context(),
			&sdk.AbortMultipartUploadInput{Bucket: out.Bucket, Key: out.Key, UploadId: out.UploadId}); err != nil {
			t.Fatal(err)
		}
		if got := files(t, w.dir); len(got) > 0 || len(w.created()) > 0 {
			t.Errorf("got files %q, events %v", got, w.created())
		}
	})
}

func TestList(t *testing.T) {
	w := serve(t, t.TempDir())
	keys := []string{"a/1", "a/2", "a/b/3", "b", "c/4", "ä"}
	for _, key := range []string{"c/4", "b", "a/2", "ä", "a/b/3", "a/1"} {
		w.put(t, lake, key, key)
	}
	list := func(t *testing.T, prefix, delimiter string, page int32) (got []string) {
		pages := sdk.NewListObjectsV2Paginator(w.Client,
			&sdk.ListObjectsV2Input{Bucket: aws.String(lake), Prefix: &prefix, Delimiter: &delimiter, MaxKeys: &page})
		for pages.HasMorePages() {
			out, err := pages.NextPage(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			if n := len(out.Contents) + len(out.CommonPrefixes); n > int(page) {
				t.Errorf("got a page of %d, want at most %d", n, page)
			}
			for _, o := range out.Contents {
				got = append(got, *o.Key)
			}
			for _, p := range out.CommonPrefixes {
				got = append(got, *p.Prefix)
			}
		}
		slices.Sort(got)
		return got
	}
	for _, c := range []struct {
		prefix, delimiter string
		want              []string
	}{
		{"", "", keys},
		{"a/", "", []string{"a/1", "a/2", "a/b/3"}},
		{"a", "/", []string{"a/"}},
		{"a/", "/", []string{"a/1", "a/2", "a/b/"}},
		{"", "/", []string{"a/", "b", "c/", "ä"}},
		{"none", "", nil},
	} {
		for _, page := range []int32{1, 2, 1000} {
			t.Run(fmt.Sprintf("prefix %q delimiter %q in pages of %d", c.prefix, c.delimiter, page),
				func(t *testing.T) {
					if got := list(t, c.prefix, c.delimiter, page); !slices.Equal(got, c.want) {
						t.Errorf("got %q, want %q", got, c.want)
					}
				})
		}
	}
}

func TestNotifications(t *testing.T) {
	t.Run("each object created is told once, after it is visible", func(t *testing.T) {
		dir := t.TempDir()
		var told []string
		server, err := s3.Serve(t.Context(), s3.Options{Dir: dir, Buckets: []s3.Bucket{{Name: lake}},
			Created: func(o s3.ObjectCreated) {
				content, err := os.ReadFile(filepath.Join(dir, o.Bucket, o.Key))
				if err != nil {
					t.Error(err)
				}
				told = append(told, o.Key+"="+string(content))
			}})
		if err != nil {
			t.Fatal(err)
		}
		defer server.Close()
		w := &world{Client: client(server.URL)}
		w.put(t, lake, "first", "1")
		if _, err := server.Put(lake, "second", nil, strings.NewReader("2")); err != nil {
			t.Fatal(err)
		}
		if _, err := w.CopyObject(t.Context(),
			&sdk.CopyObjectInput{Bucket: aws.String(lake), Key: aws.String("third"),
				CopySource: aws.String(lake + "/first")}); err != nil {
			t.Fatal(err)
		}
		if want := []string{"first=1", "second=2", "third=1"}; !slices.Equal(told, want) {
			t.Errorf("got %q, want %q", told, want)
		}
	})
	t.Run("the event is S3's", func(t *testing.T) {
		w := serve(t, t.TempDir())
		key := "error-data/lake/processing-failed/year=2026/a b+ü.gz"
		out := w.put(t, lake, key, "content")
		created := w.created()
		raw := s3.Notification("eu-west-1", "errors", created...)
		var event events.S3Event
		if err := json.Unmarshal(raw, &event); err != nil || len(event.Records) != 1 {
			t.Fatalf("got %v for %s", err, raw)
		}
		r := event.Records[0]
		if r.EventName != "ObjectCreated:Put" || r.EventSource != "aws:s3" || r.AWSRegion != "eu-west-1" ||
			r.S3.ConfigurationID != "errors" ||
			r.S3.Bucket.Name != lake || r.S3.Bucket.Arn != "arn:aws:s3:::"+lake || r.S3.Object.Size != 7 ||
			r.S3.Object.ETag != sum("content") ||
			r.S3.Object.VersionID != *out.VersionId || r.S3.Object.URLDecodedKey != key ||
			r.S3.Object.Key != "error-data/lake/processing-failed/year%3D2026/a+b%2B%C3%BC.gz" ||
			!r.EventTime.Equal(time.Date(2026, 1, 2, 3, 4, 5, 678e6, time.UTC)) {
			t.Errorf("got %s", raw)
		}
	})
	t.Run("sequencers of one key grow", func(t *testing.T) {
		w := serve(t, t.TempDir())
		for range 20 {
			w.put(t, lake, "k", "x")
		}
		var sequencers []string
		for _, o := range w.created() {
			sequencers = append(sequencers, o.Sequencer)
		}
		if !slices.IsSorted(sequencers) || len(slices.Compact(sequencers)) != 20 {
			t.Errorf("got %q", sequencers)
		}
	})
}

func TestConcurrentWrites(t *testing.T) {
	w := serve(t, t.TempDir())
	var group sync.WaitGroup
	for i := range 8 {
		group.Go(func() {
			for j := range 10 {
				body := bytes.Repeat([]byte{byte('a' + i)}, 100_000)
				if _, err := w.server.Put(lake, "same", nil, bytes.NewReader(body)); err != nil {
					t.Error(err)
				}
				got := w.get(t, lake, "same", nil)
				if len(got) != 100_000 || strings.Count(got, got[:1]) != len(got) {
					t.Errorf("write %d of %d: got %d bytes of several writes", j, i, len(got))
				}
			}
		})
	}
	group.Wait()
	if got := len(w.created()); got != 80 {
		t.Errorf("got %d events, want 80", got)
	}
}

func TestForeignHostsAreRefused(t *testing.T) {
	s, err := s3.Serve(t.Context(), s3.Options{Dir: t.TempDir(), Buckets: []s3.Bucket{{Name: lake}}})
	if err != nil {
		t.Fatal(err)
	}
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, s.URL, nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Host = "evil.example"
	response, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	response.Body.Close()
	if response.StatusCode != http.StatusForbidden {
		t.Errorf("got %d", response.StatusCode)
	}
}
