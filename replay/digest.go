package replay

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"sync"
	"time"

	"firehose-pipeline/deadletter"
	"firehose-pipeline/errorobject"
	"firehose-pipeline/event"
)

// identity says which record it is: where it begins, the stream that it goes to, and its bytes. The place alone does
// not: a dead letter that has its record in it may name any place.
type identity [16]byte

// computeIdentity returns the identity of a record whose data is known.
func (r *Record) computeIdentity() identity {
	if !r.identified {
		h := sha256.New()
		for _, field := range [][]byte{[]byte(r.Bucket), []byte(r.Key), []byte(r.VersionID), []byte(r.Stream), r.Data} {
			h.Write(binary.BigEndian.AppendUint64(nil, uint64(len(field)))) // so that no two records are spelled alike
			h.Write(field)
		}
		h.Write(binary.BigEndian.AppendUint64(nil, uint64(r.Offset)))
		r.identified, r.id = true, identity(h.Sum(nil))
	}
	return r.id
}

// letterKey identifies a dead letter: its id and its subject. The id alone does not: any sender may use the id of
// another dead letter. Text about a record (the error message) may change with the error handler's version, and is left
// out.
func letterKey(m *deadletter.Message) (string, error) {
	key := struct {
		ID     string
		Kind   deadletter.Kind
		Stream event.Stream
		Place  *deadletter.Pointer
		// Of a record; Data is nil when the dead letter has none.
		Truncated bool
		Data      *[]byte
		// Of an object or an invocation, whose outcome depends on them.
		Stage   errorobject.Stage
		Reason  deadletter.Reason
		Counts  map[deadletter.Reason]int64
		Objects []deadletter.Pointer
	}{ID: m.ID, Kind: m.Kind, Stream: m.Stream, Place: m.Pointer}
	if m.Kind == deadletter.Record {
		key.Truncated = m.Truncated
		if data := inlineData(m); data != nil {
			key.Data = &data
		}
	} else {
		key.Stage, key.Reason, key.Counts, key.Objects = m.Stage, m.Reason, m.Counts, m.Objects
	}
	text, err := json.Marshal(key)
	if err != nil {
		return "", fmt.Errorf("encoding dead letter %s: %w", m.ID, err)
	}
	sum := sha256.Sum256(text)
	return string(sum[:]), nil
}

// inlineData is the record that a dead letter has in it; nil when it has none.
func inlineData(m *deadletter.Message) []byte {
	switch {
	case m.Kind != deadletter.Record || m.Truncated:
		return nil
	case m.RawData != nil:
		return m.RawData
	case m.Reason == deadletter.RawDataUnreadable || m.Reason == deadletter.UnknownLayout:
		return nil
	}
	return []byte{} // a record of no bytes: JSON leaves it out
}

// digester computes digests of pieces. A digest identifies a piece by content, before or after the transform: with a
// fixed clock, and a constant in place of hashes, the transform gives the same output for an event and for its own
// earlier output, so that a record that was replayed raw is recognised when it fails after the transform. Records that
// the transform rejects are identified by their bytes; without an event schema all are.
type digester struct {
	processors map[event.Stream]*sync.Pool // nil without a schema
}

// newDigester returns a digester for events of the layout, which may be nil.
func newDigester(layout *event.Layout) *digester {
	d := &digester{}
	if layout == nil {
		return d
	}
	d.processors = map[event.Stream]*sync.Pool{}
	for _, stream := range []event.Stream{event.Lake, event.Search} {
		d.processors[stream] = &sync.Pool{New: func() any {
			p, err := event.NewProcessor(layout, stream, event.Options{MaskHashes: true})
			if err != nil {
				panic(err) // it wants no key
			}
			p.SetTime(time.Unix(0, 0))
			return &processing{processor: p}
		}}
	}
	return d
}

type processing struct {
	processor *event.Processor
	out       []byte
}

// contentDigest returns the digest of a piece of the stream.
func (d *digester) contentDigest(stream event.Stream, p piece) uint64 {
	h := sha256.New()
	h.Write([]byte(stream)) // the streams have different output for the same event
	if pool := d.processors[stream]; pool != nil {
		made := pool.Get().(*processing)
		defer pool.Put(made)
		if out, result := made.processor.Append(made.out[:0], p.data, 1<<30); result.Refused.Reason == "" {
			made.out = out
			h.Write(out)
			return binary.BigEndian.Uint64(h.Sum(nil))
		}
	}
	h.Write(p.data)
	return binary.BigEndian.Uint64(h.Sum(nil))
}
