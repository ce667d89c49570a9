package s3

import (
	"slices"
	"strings"

	"github.com/johannesboyne/gofakes3"
)

// commonPrefix returns the common prefix that replaces a key in a list with a delimiter, "" for a key that is listed
// itself.
func commonPrefix(key string, prefix gofakes3.Prefix) string {
	if !prefix.HasDelimiter {
		return ""
	}
	i := strings.Index(key[len(prefix.Prefix):], prefix.Delimiter)
	if i < 0 {
		return ""
	}
	return key[:len(prefix.Prefix)+i+len(prefix.Delimiter)]
}

// indexAfter returns the index of the first key behind a marker; a marker that is a common prefix covers all its keys.
func (b *bucket) indexAfter(marker string, prefix gofakes3.Prefix) int {
	i, found := slices.BinarySearch(b.keys, marker)
	if found {
		i++
	}
	if prefix.HasDelimiter && strings.HasPrefix(marker, prefix.Prefix) && strings.HasSuffix(marker, prefix.Delimiter) {
		for i < len(b.keys) && strings.HasPrefix(b.keys[i], marker) {
			i++
		}
	}
	return i
}

// ListBucket lists the latest versions in order of their keys, at most as many as the page says.
func (s *store) ListBucket(name string, p *gofakes3.Prefix, page gofakes3.ListBucketPage) (*gofakes3.ObjectList,
	error) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	b, err := s.findBucket(name)
	if err != nil {
		return nil, err
	}
	var prefix gofakes3.Prefix
	if p != nil {
		prefix = *p
	}
	list := gofakes3.NewObjectList()
	i, _ := slices.BinarySearch(b.keys, prefix.Prefix)
	if page.HasMarker {
		i = max(i, b.indexAfter(page.Marker, prefix))
	}
	count, last := int64(0), ""
	for ; i < len(b.keys) && strings.HasPrefix(b.keys[i], prefix.Prefix); i++ {
		key := b.keys[i]
		v := b.latestOf(key)
		if v == nil {
			continue
		}
		entry := commonPrefix(key, prefix)
		if entry != "" && entry == last {
			continue
		}
		if page.MaxKeys > 0 && count == page.MaxKeys {
			list.IsTruncated, list.NextMarker = true, last
			break
		}
		count++
		if entry != "" {
			list.AddPrefix(entry)
			last = entry
			continue
		}
		list.Add(&gofakes3.Content{Key: key, LastModified: gofakes3.NewContentTime(v.modified),
			ETag: `"` + v.etag + `"`, Size: v.size})
		last = key
	}
	return list, nil
}

// ListBucketVersions lists all versions in order of their keys, the latest of each first. A page ends between keys: it
// may hold a few versions more than it should.
func (s *store) ListBucketVersions(name string, p *gofakes3.Prefix,
	page *gofakes3.ListBucketVersionsPage) (*gofakes3.ListBucketVersionsResult, error) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	b, err := s.findBucket(name)
	if err != nil {
		return nil, err
	}
	var prefix gofakes3.Prefix
	if p != nil {
		prefix = *p
	}
	result := gofakes3.NewListBucketVersionsResult(name, p, page)
	i, _ := slices.BinarySearch(b.keys, prefix.Prefix)
	if page != nil && page.HasKeyMarker {
		i = max(i, b.indexAfter(page.KeyMarker, prefix))
	}
	last := ""
	for ; i < len(b.keys) && strings.HasPrefix(b.keys[i], prefix.Prefix); i++ {
		key := b.keys[i]
		if page != nil && page.MaxKeys > 0 && int64(len(result.Versions)) >= page.MaxKeys {
			result.IsTruncated, result.NextKeyMarker = true, last
			break
		}
		last = key
		if entry := commonPrefix(key, prefix); entry != "" {
			result.AddPrefix(entry)
			last = entry
			continue
		}
		all := b.objects[key]
		for j, v := range slices.Backward(all) {
			latest := j == len(all)-1
			if v.marker {
				result.Versions = append(result.Versions,
					&gofakes3.DeleteMarker{Key: key, VersionID: v.id, IsLatest: latest,
						LastModified: gofakes3.NewContentTime(v.modified)})
				continue
			}
			result.Versions = append(result.Versions, &gofakes3.Version{Key: key, VersionID: v.id, IsLatest: latest,
				LastModified: gofakes3.NewContentTime(v.modified), Size: v.size, ETag: `"` + v.etag + `"`,
				StorageClass: gofakes3.StorageStandard})
		}
	}
	return result, nil
}
