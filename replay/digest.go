package replay

import (
	"crypto/sha256"
	"encoding/binary"
	"sync"
	"time"

	"firehose-pipeline/event"
)

// digest says what a piece says, whether it has been through the transform or not: the transform's output, for a time that is always
// the same, is the same for an event and for what the transform has made of it before. So a record that was put back as it was
// received is known again when it fails after the transform. What the transform refuses is known by its bytes.
func digest(stream event.Stream, p piece) uint64 {
	made := processors[stream].Get().(*processing)
	defer processors[stream].Put(made)
	text := p.data
	if out, result := made.processor.Append(made.out[:0], p.data, 1<<30); result.Refused.Reason == "" {
		made.out, text = out, out
	}
	h := sha256.New()
	h.Write([]byte(stream)) // which differ in what they make of it
	h.Write(text)
	return binary.BigEndian.Uint64(h.Sum(nil))
}

type processing struct {
	processor *event.Processor
	out       []byte
}

var processors = map[event.Stream]*sync.Pool{event.Lake: pool(event.Lake), event.Search: pool(event.Search)}

func pool(stream event.Stream) *sync.Pool {
	return &sync.Pool{New: func() any {
		p := event.NewProcessor(stream, nil)
		p.SetTime(time.Unix(0, 0))
		return &processing{processor: p}
	}}
}
