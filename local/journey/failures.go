package journey

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"time"

	"firehose-pipeline/contract"
	"firehose-pipeline/deadletter"
	"firehose-pipeline/errorobject"
	"firehose-pipeline/event"
	"firehose-pipeline/internal/plural"
	"firehose-pipeline/local"
	"firehose-pipeline/local/sqs"
)

// findErrors finds the record in the error objects, which have every failed record, with a dead letter of its own or
// without.
func (f *follower) findErrors(ctx context.Context) error {
	return f.forEachObject(ctx, local.AreaErrors, func(key string, file *os.File) error {
		source, ok := errorobject.NewSource(contract.ErrorPrefix, "", key, "")
		if !ok {
			return nil
		}
		n := 0
		for failure, err := range errorobject.NewReader(file).Readable() {
			if err != nil {
				return err
			}
			if n++; n%1024 == 0 && ctx.Err() != nil {
				return ctx.Err()
			}
			if at := f.match(failure.RawData); at >= 0 {
				f.addFailure(at, source, failure)
			}
		}
		return nil
	})
}

func (f *follower) addFailure(number int, source errorobject.Source, failure *errorobject.Failure) {
	reason, _ := deadletter.ReasonFor(source, failure)
	f.add(number, Step{Stage: ErrorObject, Stream: source.Stream, State: Failed, Time: formatTime(failure.FailedTime),
		Place: fmt.Sprintf("%s, byte %d", source.Key, failure.Offset), Text: string(failure.RawData),
		Fields: []Field{{"reason", string(reason)}, {"error code", failure.ErrorCode},
			{"error message", failure.ErrorMessage}, {"attempts", fmt.Sprint(failure.Attempts)}}})
}

// findLetters finds the event's dead letters, in the queue and among those that a consumer has deleted.
func (f *follower) findLetters(ctx context.Context) error {
	var wanted [][]byte
	for _, id := range f.ids {
		text, err := encodeID(id)
		if err != nil {
			return err
		}
		wanted = append(wanted, text)
	}
	look := func(body []byte, state State) bool {
		if slices.ContainsFunc(wanted, func(text []byte) bool { return bytes.Contains(body, text) }) {
			if letter, err := deadletter.Parse(body); err == nil && f.indexOf(letter.EventID) >= 0 {
				f.addLetter(f.indexOf(letter.EventID), letter, state)
			}
		}
		return ctx.Err() == nil
	}
	err := f.p.DeletedLetters(func(body []byte) bool { return look(body, Replayed) })
	if err == nil {
		err = f.p.Letters(0, func(m sqs.Message) bool { return look([]byte(m.Body), Failed) })
	}
	return cmp.Or(err, ctx.Err())
}

// encodeID returns an id as a dead letter has it: both are written by the same encoder.
func encodeID(id string) ([]byte, error) {
	var b bytes.Buffer
	encoder := json.NewEncoder(&b)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(id); err != nil {
		return nil, err
	}
	return append([]byte(`"eventId":`), bytes.TrimSuffix(b.Bytes(), []byte("\n"))...), nil
}

func (f *follower) addLetter(number int, m *deadletter.Message, state State) {
	fields := []Field{{"id", m.ID}, {"stage", string(m.Stage)}, {"reason", string(m.Reason)}}
	for _, field := range []Field{{"error code", m.ErrorCode}, {"error message", m.ErrorMessage}, {"index", m.Index}} {
		if field.Value != "" {
			fields = append(fields, field)
		}
	}
	place := ""
	if m.Pointer != nil {
		place = fmt.Sprintf("%s, byte %d", m.Pointer.Key, m.Pointer.Offset)
	}
	f.add(number, Step{Stage: DeadLetter, Stream: m.Stream, State: state, Time: m.FailedTime, Place: place,
		Fields: fields})
}

// addSightings adds to the only journey the puts seen since the id is watched, and where the records are now.
func (f *follower) addSightings(sightings []local.Sighting) {
	if len(sightings) == 0 {
		return
	}
	progress := f.p.Progress()
	for _, s := range sightings {
		f.add(0, Step{Stage: Put, Stream: s.Stream, State: Done, Time: formatTime(s.At),
			Place: fmt.Sprintf("record %d of the %s stream", s.Number+1, s.Stream)})
		for _, stream := range progress.Streams {
			if stream.Kind == s.Stream {
				f.addPosition(s, stream)
			}
		}
	}
}

// addPosition says how far a record has come, as far as the counters of its stream show.
func (f *follower) addPosition(s local.Sighting, stream local.StreamProgress) {
	for _, b := range stream.Buffers {
		left := (b.Interval - b.Age).Round(time.Second)
		switch {
		case b.Name == "transform" && s.Number >= stream.Received-b.Records:
			f.add(0, Step{Stage: Processing, Stream: s.Stream, State: Waiting, Note: plural.Of(b.Records, fmt.Sprintf(
				"Waits in the buffer of the transform among %d {record|records}, for at most %s of the model.",
				b.Records, left))})
			return
		case b.Name == "transform" && s.Number >= stream.Transformed:
			f.add(0, Step{Stage: Processing, Stream: s.Stream, State: Waiting, Note: "The transform is at work on it."})
			return
		case b.Name == "delivery" && b.Records > 0:
			f.add(0, Step{Stage: Delivery, Stream: s.Stream, State: Waiting, Note: plural.Of(b.Records, fmt.Sprintf(
				"Has left the transform. The buffer of the destination has %d {record|records} and is delivered within "+
					"%s of the model.", b.Records, left))})
			return
		}
	}
}

func formatTime(at time.Time) string {
	if at.IsZero() {
		return ""
	}
	return at.UTC().Format("2006-01-02T15:04:05.000Z07:00")
}

// stages are in the order of the way of an event.
var stages = []Stage{Put, Source, Processing, Delivery, Lake, Index, ErrorObject, DeadLetter}

// sortSteps orders the steps by stream and stage, and drops the buffers of an event that has arrived.
func (j *Journey) sortSteps() {
	arrived := map[event.Stream]int{}
	puts := map[event.Stream]int{}
	for _, s := range j.Steps {
		switch s.Stage {
		case Lake, Index, ErrorObject:
			arrived[s.Stream]++
		case Put:
			puts[s.Stream]++
		}
	}
	j.Steps = slices.DeleteFunc(j.Steps, func(s Step) bool {
		return s.Stage == Delivery && arrived[s.Stream] >= puts[s.Stream]
	})
	slices.SortStableFunc(j.Steps, func(a, b Step) int {
		return cmp.Or(cmp.Compare(a.Stream, b.Stream), cmp.Compare(slices.Index(stages, a.Stage),
			slices.Index(stages, b.Stage)))
	})
}
