package s3

import (
	"cmp"
	"crypto/md5"
	"crypto/rand"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/johannesboyne/gofakes3"
)

// Folders beside the buckets, whose names cannot begin with a dot. Both are emptied at the start.
const (
	incoming = ".incoming" // writes under way
	versions = ".versions" // earlier versions
)

// store keeps objects in a folder. It implements gofakes3's Backend, VersionedBackend and MultipartBackend.
type store struct {
	root    *os.Root
	created func(ObjectCreated)
	now     func() time.Time

	mu       sync.RWMutex
	buckets  map[string]*bucket
	uploads  map[gofakes3.UploadID]*upload
	sequence uint64
}

type bucket struct {
	name       string
	made       time.Time
	versioning gofakes3.VersioningStatus // empty: never enabled
	objects    map[string][]*version     // by key; the latest version is the last
	keys       []string                  // of objects, sorted
}

// version is one version of an object.
type version struct {
	id       gofakes3.VersionID // empty: the null version
	marker   bool               // a delete marker
	file     string             // in the root; the latest version's is <bucket>/<key>
	size     int64
	md5      []byte
	etag     string // without quotes
	meta     map[string]string
	modified time.Time
}

var (
	_ gofakes3.Backend          = (*store)(nil)
	_ gofakes3.VersionedBackend = (*store)(nil)
	_ gofakes3.MultipartBackend = (*store)(nil)
)

func openStore(o Options) (*store, error) {
	if err := os.MkdirAll(o.Dir, 0o700); err != nil {
		return nil, err
	}
	root, err := os.OpenRoot(o.Dir)
	if err != nil {
		return nil, err
	}
	s := &store{
		root: root, created: o.Created, now: o.Now,
		buckets: map[string]*bucket{}, uploads: map[gofakes3.UploadID]*upload{},
	}
	if err := s.loadBucket(o.Buckets); err != nil {
		return nil, errors.Join(err, root.Close())
	}
	return s, nil
}

func (s *store) loadBucket(wanted []Bucket) error {
	if err := removeAll(s.root, incoming, versions); err != nil {
		return err
	}
	if err := s.root.Mkdir(incoming, 0o700); err != nil {
		return err
	}
	entries, err := fs.ReadDir(s.root.FS(), ".")
	if err != nil {
		return err
	}
	for _, entry := range entries {
		if entry.IsDir() && gofakes3.ValidateBucketName(entry.Name()) == nil {
			if err := s.adoptFile(entry.Name()); err != nil {
				return err
			}
		}
	}
	for _, b := range wanted {
		if s.buckets[b.Name] == nil {
			if err := s.CreateBucket(b.Name); err != nil {
				return fmt.Errorf("bucket %s: %w", b.Name, err)
			}
		}
		if b.Versioned {
			s.buckets[b.Name].versioning = gofakes3.VersioningEnabled
		}
	}
	return nil
}

// adoptFile makes the files of a bucket's folder its objects.
func (s *store) adoptFile(name string) error {
	b := &bucket{name: name, made: s.now(), objects: map[string][]*version{}}
	s.buckets[name] = b
	return fs.WalkDir(s.root.FS(), name, func(file string, entry fs.DirEntry, err error) error {
		if err != nil || !entry.Type().IsRegular() {
			return err
		}
		info, err := entry.Info()
		if err != nil {
			return err
		}
		f, err := s.root.Open(file)
		if err != nil {
			return err
		}
		defer f.Close()
		hash := md5.New()
		if _, err := io.Copy(hash, f); err != nil {
			return err
		}
		sum := hash.Sum(nil)
		v := &version{file: file, size: info.Size(), md5: sum, etag: hex.EncodeToString(sum), modified: info.ModTime(),
			meta: map[string]string{"Last-Modified": httpTime(info.ModTime())}}
		b.addVersion(strings.TrimPrefix(file, name+"/"), v)
		return nil
	})
}

func (s *store) close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return errors.Join(removeAll(s.root, incoming, versions), s.root.Close())
}

func removeAll(root *os.Root, names ...string) error {
	var errs []error
	for _, name := range names {
		errs = append(errs, root.RemoveAll(name))
	}
	return errors.Join(errs...)
}

func httpTime(at time.Time) string { return at.UTC().Format("Mon, 02 Jan 2006 15:04:05") + " GMT" }

func (b *bucket) addVersion(key string, v *version) {
	if _, exists := b.objects[key]; !exists {
		i, _ := slices.BinarySearch(b.keys, key)
		b.keys = slices.Insert(b.keys, i, key)
	}
	b.objects[key] = append(b.objects[key], v)
}

// setLatest replaces the versions of a key; with none left the key is gone.
func (b *bucket) setLatest(key string, all []*version) {
	if len(all) > 0 {
		b.objects[key] = all
		return
	}
	delete(b.objects, key)
	if i, found := slices.BinarySearch(b.keys, key); found {
		b.keys = slices.Delete(b.keys, i, i+1)
	}
}

// latestOf returns the latest version, nil when there is none or it is a delete marker.
func (b *bucket) latestOf(key string) *version {
	all := b.objects[key]
	if len(all) == 0 || all[len(all)-1].marker {
		return nil
	}
	return all[len(all)-1]
}

func (s *store) findBucket(name string) (*bucket, error) {
	if b := s.buckets[name]; b != nil {
		return b, nil
	}
	return nil, gofakes3.BucketNotFound(name)
}

// checkKey rejects keys that cannot be files.
func checkKey(key string) error {
	if len(key) > gofakes3.KeySizeLimit {
		return gofakes3.ResourceError(gofakes3.ErrKeyTooLong, key)
	}
	for segment := range strings.SplitSeq(key, "/") {
		if segment == "" || segment == "." || segment == ".." || len(segment) > 255 ||
			strings.ContainsAny(segment, "\x00\\") {
			return invalidKey(key)
		}
	}
	return nil
}

func invalidKey(key string) error {
	return gofakes3.ErrorMessagef(gofakes3.ErrInvalidArgument,
		"the local store keeps objects as files, which this key cannot be: %q", key)
}

// receiveBody writes a body to a new file among the incoming ones.
func (s *store) receiveBody(body io.Reader, size int64) (*version, error) {
	name := path.Join(incoming, rand.Text())
	f, err := s.root.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return nil, err
	}
	hash := md5.New()
	n, err := io.Copy(io.MultiWriter(f, hash), body)
	err = errors.Join(err, f.Close())
	if err == nil && size >= 0 && n != size {
		err = gofakes3.ErrIncompleteBody
	}
	if err != nil {
		s.discardFile(name)
		return nil, unwrapSingle(err)
	}
	sum := hash.Sum(nil)
	return &version{file: name, size: n, md5: sum, etag: hex.EncodeToString(sum)}, nil
}

// unwrapSingle unwraps a joined error of one part: gofakes3 looks at types.
func unwrapSingle(err error) error {
	if joined, ok := err.(interface{ Unwrap() []error }); ok && len(joined.Unwrap()) == 1 {
		return joined.Unwrap()[0]
	}
	return err
}

// discardFile removes an unreferenced file; one that cannot be removed now is removed at the next start.
func (s *store) discardFile(name string) { _ = s.root.Remove(name) }

// keptHeaders are the metadata that S3 gives back. The checksums are those of the whole object, as SDKs send them.
func keptHeaders(meta map[string]string) map[string]string {
	kept := make(map[string]string, len(meta))
	for name, value := range meta {
		if !isHeader(name, "x-amz-") || isHeader(name, "x-amz-meta-") || isHeader(name, checksumPrefix) &&
			!isHeader(name, checksumPrefix+"a") {
			kept[name] = value
		}
	}
	return kept
}

func isHeader(name, prefix string) bool { return strings.HasPrefix(strings.ToLower(name), prefix) }

// checksumPrefix is of x-amz-checksum-crc32 and its like; x-amz-checksum-algorithm is a parameter of the request.
const checksumPrefix = "x-amz-checksum-"

func (s *store) putObject(bucketName, key string, meta map[string]string, body io.Reader, size int64,
	conditions *gofakes3.PutConditions, event string) (ObjectCreated, error) {
	if err := checkKey(key); err != nil {
		return ObjectCreated{}, err
	}
	v, err := s.receiveBody(body, size)
	if err != nil {
		return ObjectCreated{}, err
	}
	v.meta = keptHeaders(meta)
	created, err := s.commitObject(bucketName, key, v, conditions, event)
	if err != nil {
		s.discardFile(v.file)
		return ObjectCreated{}, err
	}
	if s.created != nil {
		s.created(created)
	}
	return created, nil
}

// commitObject moves a received file into its place.
func (s *store) commitObject(bucketName, key string, v *version, conditions *gofakes3.PutConditions,
	event string) (ObjectCreated, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	b, err := s.findBucket(bucketName)
	if err != nil {
		return ObjectCreated{}, err
	}
	old := b.latestOf(key)
	if conditions != nil {
		info := &gofakes3.ConditionalObjectInfo{Exists: old != nil}
		if old != nil {
			info.Hash = old.md5
		}
		if err := gofakes3.CheckPutConditions(conditions, info); err != nil {
			return ObjectCreated{}, err
		}
	}
	place := path.Join(bucketName, key)
	if err := s.root.MkdirAll(path.Dir(place), 0o700); err != nil {
		return ObjectCreated{}, placeError(key, err)
	}
	v.modified = s.now().UTC()
	if v.meta["Last-Modified"] == "" {
		v.meta["Last-Modified"] = httpTime(v.modified)
	}
	if b.versioning == gofakes3.VersioningEnabled {
		v.id = newVersionID()
	}
	archived := ""
	if old != nil && (v.id != "" || old.id != "") {
		if archived, err = s.archiveLatest(b, old); err != nil {
			return ObjectCreated{}, err
		}
	}
	if err := s.root.Rename(v.file, place); err != nil {
		if archived != "" {
			s.discardFile(archived)
		}
		return ObjectCreated{}, placeError(key, err)
	}
	v.file = place
	if archived != "" {
		old.file = archived
	}
	if v.id == "" {
		s.dropNull(b, key)
	}
	b.addVersion(key, v)
	s.sequence++
	return ObjectCreated{
		Event: event, Bucket: bucketName, Key: key, Size: v.size, ETag: v.etag, VersionID: string(v.id),
		Sequencer: fmt.Sprintf("%018X", s.sequence), Time: v.modified,
	}, nil
}

// placeError returns a separate error for a key that cannot be a file, because a folder has its name or a file its
// folder's.
func placeError(key string, err error) error {
	for _, shape := range []error{syscall.ENOTDIR, syscall.EISDIR, syscall.EEXIST, syscall.ENOTEMPTY} {
		if errors.Is(err, shape) {
			return invalidKey(key)
		}
	}
	return fmt.Errorf("placing %s: %w", key, err)
}

// archiveLatest gives the file of the latest version a second name, which it keeps when a new one takes its place.
func (s *store) archiveLatest(b *bucket, v *version) (string, error) {
	name := path.Join(versions, b.name, rand.Text())
	if err := s.root.MkdirAll(path.Dir(name), 0o700); err != nil {
		return "", err
	}
	return name, s.root.Link(v.file, name)
}

// dropNull removes the null version, which a new one replaces.
func (s *store) dropNull(b *bucket, key string) {
	all := slices.DeleteFunc(b.objects[key], func(v *version) bool {
		if v.id == "" && !v.marker && v.file != path.Join(b.name, key) {
			s.discardFile(v.file)
		}
		return v.id == ""
	})
	b.setLatest(key, all)
}

func newVersionID() gofakes3.VersionID {
	var id [24]byte
	rand.Read(id[:]) // never fails
	return gofakes3.VersionID(base64.RawURLEncoding.EncodeToString(id[:]))
}

// openObject returns a version as gofakes3 wants it.
func (s *store) openObject(key string, v *version, request *gofakes3.ObjectRangeRequest) (*gofakes3.Object, error) {
	meta := make(map[string]string, len(v.meta)+1)
	for name, value := range v.meta {
		if request == nil || !isHeader(name, checksumPrefix) { // a part has not the whole's checksum
			meta[name] = value
		}
	}
	meta[etagHeader] = `"` + v.etag + `"`
	object := &gofakes3.Object{Name: key, Metadata: meta, Size: v.size, Hash: v.md5, VersionID: v.id}
	part, err := request.Range(v.size)
	if err != nil {
		return nil, err
	}
	f, err := s.root.Open(v.file)
	if err != nil {
		return nil, err
	}
	object.Range, object.Contents = part, f
	if part != nil {
		object.Contents = struct {
			io.Reader
			io.Closer
		}{io.NewSectionReader(f, part.Start, part.Length), f}
	}
	return object, nil
}

func deleteMarker(key string, id gofakes3.VersionID) *gofakes3.Object {
	return &gofakes3.Object{Name: key, VersionID: id, IsDeleteMarker: true,
		Contents: io.NopCloser(strings.NewReader(""))}
}

// GetObject returns the latest version.
func (s *store) GetObject(bucketName, key string, request *gofakes3.ObjectRangeRequest) (*gofakes3.Object, error) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	b, err := s.findBucket(bucketName)
	if err != nil {
		return nil, err
	}
	all := b.objects[key]
	if len(all) == 0 {
		return nil, gofakes3.KeyNotFound(key)
	}
	v := all[len(all)-1]
	if v.marker {
		return deleteMarker(key, v.id), nil
	}
	return s.openObject(key, v, request)
}

// HeadObject returns the latest version; its contents are not read.
func (s *store) HeadObject(bucketName, key string) (*gofakes3.Object, error) {
	return s.GetObject(bucketName, key, nil)
}

func (s *store) findVersion(bucketName, key string, id gofakes3.VersionID) (*bucket, int, error) {
	b, err := s.findBucket(bucketName)
	if err != nil {
		return nil, 0, err
	}
	i := slices.IndexFunc(b.objects[key], func(v *version) bool { return v.id == id })
	if i < 0 {
		return b, i, gofakes3.ErrorMessage(gofakes3.ErrNoSuchVersion, "The specified version does not exist.")
	}
	return b, i, nil
}

// GetObjectVersion returns one version.
func (s *store) GetObjectVersion(bucketName, key string, id gofakes3.VersionID,
	request *gofakes3.ObjectRangeRequest) (*gofakes3.Object, error) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	b, i, err := s.findVersion(bucketName, key, id)
	if err != nil {
		return nil, err
	}
	v := b.objects[key][i]
	if v.marker {
		return nil, gofakes3.ErrMethodNotAllowed
	}
	return s.openObject(key, v, request)
}

// HeadObjectVersion returns one version; its contents are not read.
func (s *store) HeadObjectVersion(bucketName, key string, id gofakes3.VersionID) (*gofakes3.Object, error) {
	return s.GetObjectVersion(bucketName, key, id, nil)
}

// PutObject stores an object.
func (s *store) PutObject(bucketName, key string, meta map[string]string, input io.Reader, size int64,
	conditions *gofakes3.PutConditions) (gofakes3.PutObjectResult, error) {
	created, err := s.putObject(bucketName, key, meta, input, size, conditions, eventPut)
	return gofakes3.PutObjectResult{VersionID: gofakes3.VersionID(created.VersionID)}, err
}

// CopyObject stores the latest version of one object as another.
func (s *store) CopyObject(fromBucket, fromKey, bucketName, key string,
	meta map[string]string) (gofakes3.CopyObjectResult, error) {
	source, err := s.GetObject(fromBucket, fromKey, nil)
	if err != nil {
		return gofakes3.CopyObjectResult{}, err
	}
	defer source.Contents.Close()
	if source.IsDeleteMarker {
		return gofakes3.CopyObjectResult{}, gofakes3.KeyNotFound(fromKey)
	}
	delete(meta, etagHeader)
	delete(meta, "Last-Modified")
	created, err := s.putObject(bucketName, key, meta, source.Contents, source.Size, nil, eventCopy)
	return gofakes3.CopyObjectResult{ETag: `"` + created.ETag + `"`,
		LastModified: gofakes3.NewContentTime(created.Time)}, err
}

// DeleteObject removes an object, or marks it deleted in a bucket with versions.
func (s *store) DeleteObject(bucketName, key string) (gofakes3.ObjectDeleteResult, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.deleteObject(bucketName, key)
}

func (s *store) deleteObject(bucketName, key string) (result gofakes3.ObjectDeleteResult, err error) {
	b, err := s.findBucket(bucketName)
	if err != nil {
		return result, err
	}
	old := b.latestOf(key)
	if b.versioning == "" {
		if old != nil {
			s.removePlaced(b, key)
			b.setLatest(key, nil)
		}
		return result, nil
	}
	marker := &version{marker: true, modified: s.now().UTC()}
	if b.versioning == gofakes3.VersioningEnabled {
		marker.id = newVersionID()
	}
	if old != nil {
		if marker.id != "" || old.id != "" {
			if old.file, err = s.archiveLatest(b, old); err != nil {
				return result, err
			}
		}
		s.removePlaced(b, key)
	}
	if marker.id == "" {
		s.dropNull(b, key)
	}
	b.addVersion(key, marker)
	return gofakes3.ObjectDeleteResult{IsDeleteMarker: true, VersionID: marker.id}, nil
}

// removePlaced removes the file of the latest version, and the folders that are empty without it.
func (s *store) removePlaced(b *bucket, key string) {
	place := path.Join(b.name, key)
	s.discardFile(place)
	for folder := path.Dir(place); folder != b.name; folder = path.Dir(folder) {
		if s.root.Remove(folder) != nil { // not empty
			return
		}
	}
}

// DeleteObjectVersion removes one version for good; the one before it becomes the latest.
func (s *store) DeleteObjectVersion(bucketName, key string, id gofakes3.VersionID) (gofakes3.ObjectDeleteResult,
	error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	b, i, err := s.findVersion(bucketName, key, id)
	if err != nil {
		if b != nil { // removing a missing object is not an error
			err = nil
		}
		return gofakes3.ObjectDeleteResult{}, err
	}
	all := b.objects[key]
	gone := all[i]
	latest := i == len(all)-1
	if latest && !gone.marker {
		s.removePlaced(b, key)
	} else if !gone.marker {
		s.discardFile(gone.file)
	}
	b.setLatest(key, slices.Delete(slices.Clone(all), i, i+1))
	if v := b.latestOf(key); latest && v != nil {
		place := path.Join(b.name, key)
		if err := errors.Join(s.root.MkdirAll(path.Dir(place), 0o700), s.root.Rename(v.file, place)); err != nil {
			return gofakes3.ObjectDeleteResult{}, err
		}
		v.file = place
	}
	return gofakes3.ObjectDeleteResult{IsDeleteMarker: gone.marker, VersionID: id}, nil
}

// DeleteMulti removes several objects.
func (s *store) DeleteMulti(bucketName string, keys ...string) (gofakes3.MultiDeleteResult, error) {
	var objects []gofakes3.ObjectID
	for _, key := range keys {
		objects = append(objects, gofakes3.ObjectID{Key: key})
	}
	return s.DeleteMultiVersions(bucketName, objects...)
}

// DeleteMultiVersions removes several objects or versions.
func (s *store) DeleteMultiVersions(bucketName string, objects ...gofakes3.ObjectID) (gofakes3.MultiDeleteResult,
	error) {
	var result gofakes3.MultiDeleteResult
	for _, o := range objects {
		var err error
		switch o.VersionID {
		case "":
			_, err = s.DeleteObject(bucketName, o.Key)
		case "null":
			_, err = s.DeleteObjectVersion(bucketName, o.Key, "")
		default:
			_, err = s.DeleteObjectVersion(bucketName, o.Key, gofakes3.VersionID(o.VersionID))
		}
		if err != nil {
			failed := gofakes3.ErrorResultFromError(err)
			failed.Key = o.Key
			result.Error = append(result.Error, failed)
			continue
		}
		result.Deleted = append(result.Deleted, o)
	}
	return result, nil
}

// ListBuckets lists the buckets by name.
func (s *store) ListBuckets() ([]gofakes3.BucketInfo, error) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	list := make([]gofakes3.BucketInfo, 0, len(s.buckets))
	for _, b := range s.buckets {
		list = append(list, gofakes3.BucketInfo{Name: b.name, CreationDate: gofakes3.NewContentTime(b.made)})
	}
	slices.SortFunc(list, func(a, b gofakes3.BucketInfo) int { return cmp.Compare(a.Name, b.Name) })
	return list, nil
}

// CreateBucket makes a bucket without versions.
func (s *store) CreateBucket(name string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := gofakes3.ValidateBucketName(name); err != nil {
		return err
	}
	if s.buckets[name] != nil {
		return gofakes3.ResourceError(gofakes3.ErrBucketAlreadyExists, name)
	}
	if err := s.root.MkdirAll(name, 0o700); err != nil {
		return err
	}
	s.buckets[name] = &bucket{name: name, made: s.now(), objects: map[string][]*version{}}
	return nil
}

// BucketExists says whether there is such a bucket.
func (s *store) BucketExists(name string) (bool, error) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.buckets[name] != nil, nil
}

// DeleteBucket removes an empty bucket.
func (s *store) DeleteBucket(name string) error {
	return s.deleteBucket(name, false)
}

// ForceDeleteBucket removes a bucket and all that is in it.
func (s *store) ForceDeleteBucket(name string) error {
	return s.deleteBucket(name, true)
}

func (s *store) deleteBucket(name string, force bool) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	b, err := s.findBucket(name)
	if err != nil {
		return err
	}
	if len(b.keys) > 0 && !force {
		return gofakes3.ResourceError(gofakes3.ErrBucketNotEmpty, name)
	}
	delete(s.buckets, name)
	return removeAll(s.root, name, path.Join(versions, name))
}

// VersioningConfiguration says whether a bucket has versions.
func (s *store) VersioningConfiguration(name string) (gofakes3.VersioningConfiguration, error) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	b, err := s.findBucket(name)
	if err != nil {
		return gofakes3.VersioningConfiguration{}, err
	}
	return gofakes3.VersioningConfiguration{Status: b.versioning}, nil
}

// SetVersioningConfiguration enables or suspends a bucket's versions.
func (s *store) SetVersioningConfiguration(name string, v gofakes3.VersioningConfiguration) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	b, err := s.findBucket(name)
	if err != nil {
		return err
	}
	if v.MFADelete == gofakes3.MFADeleteEnabled {
		return gofakes3.ErrNotImplemented
	}
	if v.Status != "" {
		b.versioning = v.Status
	}
	return nil
}
