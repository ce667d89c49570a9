package errorobject

import (
	"strings"

	"firehose-pipeline/contract"
	"firehose-pipeline/event"
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
	Stage     Stage // from the error-output-type folder, for documents without a stage
}

// StageOf returns the stage in which a record of the object failed: the document's own, else the object's.
func (s Source) StageOf(f *Failure) Stage {
	if f.Stage == UnknownStage {
		return s.Stage
	}
	return f.Stage
}

// NewSource reads the key of an object: <prefix><lake|search>/<error-output-type>/…, prefix ending in a slash. It
// reports whether the key has that form; when not, Firehose did not write the object and its stream is unknown.
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
