package replay

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"

	"firehose-pipeline/deadletter"
	"firehose-pipeline/errorobject"
	"firehose-pipeline/internal/printable"
)

// maxNamed is how many dead letters whose pointers are rejected are named; the report counts them all.
const maxNamed = 10

// errNoBucket rejects a pointer when nobody has said which bucket is the stack's.
var errNoBucket = errors.New(
	"objects are read only from the stack's own bucket, which is not known (--bucket, --stack or --outputs)")

// pointersOf are the pointers of a dead letter that replay follows: a dead letter that has its record in it is not
// followed anywhere.
func pointersOf(m *deadletter.Message) []deadletter.Pointer {
	switch {
	case m.Kind == deadletter.Invocation:
		return m.Objects
	case m.Kind == deadletter.Object || m.Truncated:
		return []deadletter.Pointer{*m.Pointer}
	}
	return nil
}

// errorObject is the error object that a pointer leads to. It rejects every other object, and every other bucket:
// otherwise any sender to the queue could make the operator read any object within the operator's rights, and send its
// records to a stream.
func (r *Replay) errorObject(p deadletter.Pointer) (errorobject.Source, error) {
	source, ours := errorobject.NewSource(r.ErrorPrefix, p.Bucket, p.Key, p.VersionID)
	// S3 accepts any key; proxies in between may not, and Firehose writes no such segment.
	odd := slices.ContainsFunc(strings.Split(strings.TrimPrefix(p.Key, r.ErrorPrefix), "/"), func(segment string) bool {
		return segment == "" || segment == "." || segment == ".."
	})
	switch where := objectURI(p.Bucket, p.Key); {
	case r.Bucket == "":
		return source, fmt.Errorf("pointer %s: %w", where, errNoBucket)
	case p.Bucket != r.Bucket:
		return source, fmt.Errorf("pointer %s: the bucket must be %s", where, r.Bucket)
	case !ours || odd:
		return source, fmt.Errorf(
			"pointer %s: the key must begin with %slake/ or %[2]ssearch/ and have no segment that is empty, . or ..",
			where, r.ErrorPrefix)
	case p.Offset < 0 || p.Length < 0 || p.Offset > math.MaxInt64-max(1, p.Length):
		return source, fmt.Errorf("pointer %s: offset and length must be a range of bytes (got %d and %d)",
			where, p.Offset, p.Length)
	}
	return source, nil
}

// rejectPointers gives the outcome of a dead letter whose pointers are not followed, and names the dead letter; it is
// empty of any other.
func (r *Replay) rejectPointers(m *deadletter.Message) Outcome {
	for _, p := range pointersOf(m) {
		source, err := r.errorObject(p)
		if err == nil && m.Kind == deadletter.Record && source.Stream != m.Stream {
			err = fmt.Errorf("pointer %s: must lead to an error object of the dead letter's stream (got %s)",
				objectURI(p.Bucket, p.Key), source.Stream)
		}
		if err == nil {
			continue
		}
		r.nameRejected(m, err)
		if errors.Is(err, errNoBucket) {
			return NeedsBucket
		}
		return ForeignPointer
	}
	return ""
}

// nameRejected names a dead letter whose pointer is not followed, if it is one of the first.
func (r *Replay) nameRejected(m *deadletter.Message, why error) {
	r.tally.naming.Lock()
	defer r.tally.naming.Unlock()
	r.tally.rejected++
	switch {
	case r.tally.rejected <= maxNamed:
		r.logf("dead letter %s is not replayed: %v", m.ID, why)
	case r.tally.rejected == maxNamed+1:
		r.logf("further dead letters like these are not listed")
	}
}

// objectURI is the place of an object as people write it, fit for a terminal.
func objectURI(bucket, key string) string { return printable.Text("s3://" + bucket + "/" + key) }
