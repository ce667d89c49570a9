// Package deadletter is the format of the dead-letter queue and the reading of what it is made from: the error objects
// that Firehose writes to S3 (reader.go, errorobject.go), the reason why a record failed (reason.go) and the message that
// says so (message.go, parse.go). The error handler writes these messages, replay reads them, and the local model writes
// error objects in Firehose's own layout.
//
// The package knows no AWS client: objects come as an [io.Reader], messages leave as text.
package deadletter

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"strings"

	"firehose-pipeline/contract"
	"firehose-pipeline/event"
)

// Kind says what a message stands for.
type Kind string

// The kinds of message in the queue.
const (
	// Record is one failed record.
	Record Kind = "record"
	// Object is (a part of) an error object that is not itemised: too many records, unreadable, missing or foreign.
	Object Kind = "object"
	// Invocation is the record that Lambda writes itself when the error handler failed for good (see [Parse]).
	Invocation Kind = "invocation"
)

// Stage is the part of the stream in which a record failed.
type Stage string

// The stages of a stream.
const (
	Transform    Stage = "transform"
	Conversion   Stage = "conversion"
	Search       Stage = "search"
	UnknownStage Stage = "unknown"
)

// UnknownStream is the stream of an object whose key names none.
const UnknownStream event.Stream = "unknown"

// Source is an error object: where it is and what its key says about it.
type Source struct {
	Bucket    string
	Key       string // decoded
	VersionID string // empty in a bucket without versions
	Stream    event.Stream
	Stage     Stage // from the error-output-type folder, for documents that do not tell
}

// NewSource reads the key of an object: <prefix><lake|search>/<error-output-type>/…, prefix ending in a slash. It reports
// whether the key has that form; when not, the object is none of Firehose's and its stream is unknown.
func NewSource(prefix, bucket, key, versionID string) (Source, bool) {
	s := Source{Bucket: bucket, Key: key, VersionID: versionID, Stream: UnknownStream, Stage: UnknownStage}
	rest, ok := strings.CutPrefix(key, prefix)
	if !ok {
		return s, false
	}
	stream, rest, ok := strings.Cut(rest, "/")
	if !ok || !event.Stream(stream).Valid() {
		return s, false
	}
	s.Stream = event.Stream(stream)
	// Documentation spells the search folder with a hyphen and with an underscore; older domains say elasticsearch.
	switch folder := strings.ToLower(rest[:strings.IndexByte(rest+"/", '/')]); {
	case folder == contract.ProcessingFailed:
		s.Stage = Transform
	case folder == contract.ConversionFailed:
		s.Stage = Conversion
	case strings.Contains(folder, "opensearch"), strings.Contains(folder, "elasticsearch"):
		s.Stage = Search
	}
	return s, true
}

// id is 128 bits of SHA-256 in hexadecimal: the same part of the same object always gives the same id, and each field is
// written with its length so that no two places are spelled alike.
func (s Source) id(kind Kind, reason Reason, offset int64) string {
	h := sha256.New()
	for _, field := range []string{string(kind), string(reason), s.Bucket, s.Key, s.VersionID} {
		h.Write(binary.BigEndian.AppendUint64(nil, uint64(len(field))))
		h.Write([]byte(field))
	}
	h.Write(binary.BigEndian.AppendUint64(nil, uint64(offset)))
	return hex.EncodeToString(h.Sum(nil)[:16])
}
