package s3

import (
	"cmp"
	"crypto/md5"
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/johannesboyne/gofakes3"
)

// upload is a multipart upload under way; its parts are files among the incoming ones.
type upload struct {
	id      gofakes3.UploadID
	bucket  string
	key     string
	meta    map[string]string
	started time.Time
	parts   map[int]*version
}

// CreateMultipartUpload begins an upload.
func (s *store) CreateMultipartUpload(bucketName, key string, meta map[string]string) (gofakes3.UploadID, error) {
	if err := checkKey(key); err != nil {
		return "", err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, err := s.findBucket(bucketName); err != nil {
		return "", err
	}
	u := &upload{id: gofakes3.UploadID(rand.Text()), bucket: bucketName, key: key, meta: meta, started: s.now().UTC(),
		parts: map[int]*version{}}
	s.uploads[u.id] = u
	return u.id, nil
}

func (s *store) beginUpload(bucketName, key string, id gofakes3.UploadID) (*upload, error) {
	u := s.uploads[id]
	if u == nil || u.bucket != bucketName || u.key != key {
		return nil, gofakes3.ErrNoSuchUpload
	}
	return u, nil
}

// UploadPart stores a part; a later one with the same number replaces it.
func (s *store) UploadPart(bucketName, key string, id gofakes3.UploadID, number int, size int64,
	input io.Reader) (string, error) {
	part, err := s.receiveBody(input, size)
	if err != nil {
		return "", err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	u, err := s.beginUpload(bucketName, key, id)
	if err != nil {
		s.discardFile(part.file)
		return "", err
	}
	part.modified = s.now().UTC()
	if old := u.parts[number]; old != nil {
		s.discardFile(old.file)
	}
	u.parts[number] = part
	return `"` + part.etag + `"`, nil
}

// AbortMultipartUpload ends an upload without an object.
func (s *store) AbortMultipartUpload(bucketName, key string, id gofakes3.UploadID) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	u, err := s.beginUpload(bucketName, key, id)
	if err != nil {
		return err
	}
	s.endUpload(u)
	return nil
}

func (s *store) endUpload(u *upload) {
	for _, part := range u.parts {
		s.discardFile(part.file)
	}
	delete(s.uploads, u.id)
}

// CompleteMultipartUpload makes the parts an object. Its ETag is the MD5 of the parts' MD5s and their number.
func (s *store) CompleteMultipartUpload(bucketName, key string, id gofakes3.UploadID,
	input *gofakes3.CompleteMultipartUploadRequest) (gofakes3.VersionID, string, error) {
	u, parts, err := s.takeUpload(bucketName, key, id, input)
	if err != nil {
		return "", "", err
	}
	created, err := s.assembleParts(u, parts)
	s.mu.Lock()
	defer s.mu.Unlock()
	if err != nil {
		s.uploads[id] = u // to be tried again
		return "", "", err
	}
	s.endUpload(u)
	return gofakes3.VersionID(created.VersionID), `"` + created.ETag + `"`, nil
}

// takeUpload takes the upload, so that it is completed once.
func (s *store) takeUpload(bucketName, key string, id gofakes3.UploadID,
	input *gofakes3.CompleteMultipartUploadRequest) (*upload, []*version, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	u, err := s.beginUpload(bucketName, key, id)
	if err != nil {
		return nil, nil, err
	}
	if len(input.Parts) == 0 {
		return nil, nil, gofakes3.ErrMalformedXML
	}
	var parts []*version
	for i, wanted := range input.Parts {
		if i > 0 && wanted.PartNumber <= input.Parts[i-1].PartNumber {
			return nil, nil, gofakes3.ErrInvalidPartOrder
		}
		part := u.parts[wanted.PartNumber]
		if part == nil || strings.Trim(wanted.ETag, `"`) != part.etag {
			return nil, nil, gofakes3.ErrInvalidPart
		}
		parts = append(parts, part)
	}
	delete(s.uploads, id)
	return u, parts, nil
}

func (s *store) assembleParts(u *upload, parts []*version) (created ObjectCreated, err error) {
	sums := md5.New()
	var readers []io.Reader
	for _, part := range parts {
		f, err := s.root.Open(part.file)
		if err != nil {
			return created, err
		}
		defer f.Close()
		readers = append(readers, f)
		sums.Write(part.md5)
	}
	v, err := s.receiveBody(io.MultiReader(readers...), -1)
	if err != nil {
		return created, err
	}
	v.meta = keptHeaders(u.meta)
	v.etag = fmt.Sprintf("%s-%d", hex.EncodeToString(sums.Sum(nil)), len(parts))
	created, err = s.commitObject(u.bucket, u.key, v, nil, eventMultipart)
	if err != nil {
		s.discardFile(v.file)
		return created, err
	}
	if s.created != nil {
		s.created(created)
	}
	return created, nil
}

// ListMultipartUploads lists the uploads under way, oldest first within a key, all on one page.
func (s *store) ListMultipartUploads(bucketName string, marker *gofakes3.UploadListMarker, prefix gofakes3.Prefix,
	limit int64) (*gofakes3.ListMultipartUploadsResult, error) {
	if marker != nil && marker.Object != "" || prefix.HasDelimiter {
		return nil, gofakes3.ErrNotImplemented
	}
	s.mu.RLock()
	defer s.mu.RUnlock()
	result := &gofakes3.ListMultipartUploadsResult{Bucket: bucketName, Prefix: prefix.Prefix, MaxUploads: limit}
	all := slices.SortedFunc(maps.Values(s.uploads), func(a, b *upload) int {
		return cmp.Or(cmp.Compare(a.key, b.key), a.started.Compare(b.started), cmp.Compare(a.id, b.id))
	})
	for _, u := range all {
		if u.bucket == bucketName && strings.HasPrefix(u.key, prefix.Prefix) {
			result.Uploads = append(result.Uploads,
				gofakes3.ListMultipartUploadItem{Key: u.key, UploadID: u.id,
					Initiated: gofakes3.NewContentTime(u.started)})
		}
	}
	if int64(len(result.Uploads)) > limit {
		return nil, gofakes3.ErrNotImplemented
	}
	return result, nil
}

// ListParts lists the parts of an upload by number.
func (s *store) ListParts(bucketName, key string, id gofakes3.UploadID, marker int,
	limit int64) (*gofakes3.ListMultipartUploadPartsResult, error) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	u, err := s.beginUpload(bucketName, key, id)
	if err != nil {
		return nil, err
	}
	result := &gofakes3.ListMultipartUploadPartsResult{Bucket: bucketName, Key: key, UploadID: id,
		PartNumberMarker: marker, MaxParts: limit}
	for _, number := range slices.Sorted(maps.Keys(u.parts)) {
		if number <= marker {
			continue
		}
		if int64(len(result.Parts)) == limit {
			result.IsTruncated = true
			break
		}
		part := u.parts[number]
		result.Parts = append(result.Parts, gofakes3.ListMultipartUploadPartItem{PartNumber: number,
			ETag: `"` + part.etag + `"`, Size: part.size,
			LastModified: gofakes3.NewContentTime(part.modified)})
		result.NextPartNumberMarker = number
	}
	return result, nil
}
