package errorhandler

import (
	"context"
	"errors"
	"fmt"
	"io"

	"firehose-pipeline/deadletter"
	"firehose-pipeline/errorobject"
	"firehose-pipeline/internal/s3read"
)

// MaxRecordLetters is how many failed records of one object get a dead letter each; one more dead letter counts the
// rest by reason. Without a bound a broken transform would make 75 million messages an hour of 5 MB/s of small events.
const MaxRecordLetters = 1000

// sendDeadLetters reads the object to its end and sends its dead letters.
func (h *Handler) sendDeadLetters(ctx context.Context, source errorobject.Source, to *sender, count *counter) error {
	place := s3read.Place{Bucket: source.Bucket, Key: source.Key, VersionID: source.VersionID}
	body, err := s3read.Open(ctx, h.objects, place, h.pause)
	if s3read.Missing(err) {
		count.unreadable++
		return to.addMessage(deadletter.ForPart(source, deadletter.ObjectMissing, 0, 0, false, nil))
	} else if err != nil {
		return err
	}
	defer body.Close()
	reader := errorobject.NewReader(body)
	var overflow, damaged part
	records := 0
	var at int64
	for {
		if ctx.Err() != nil {
			return fmt.Errorf("reading error object at offset %d: %w", at, ctx.Err())
		}
		failure, err := reader.Next()
		if err == io.EOF {
			return h.sendSummaries(source, to, count, reader.Gzip(), overflow, damaged)
		}
		if err != nil {
			var unreadable *errorobject.UnreadableError
			if !errors.As(err, &unreadable) {
				return err
			}
			damaged.addRange(deadletter.Unreadable, unreadable.Offset, unreadable.Length)
			at = unreadable.Offset + unreadable.Length
			continue
		}
		at = failure.Offset + failure.Length
		count.records++
		if records++; records > MaxRecordLetters {
			reason, _ := deadletter.ReasonFor(source, failure)
			overflow.addRange(reason, failure.Offset, failure.Length)
			continue
		}
		letter := deadletter.ForRecord(source, failure, h.eventID)
		if h.pointerOnly {
			letter.Truncate()
		}
		if err := to.addMessage(letter); err != nil {
			return err
		}
	}
}

// sendSummaries sends the dead letters for records that were not itemised, and for unreadable parts.
func (h *Handler) sendSummaries(source errorobject.Source, to *sender, count *counter, gzip bool, overflow,
	damaged part) error {
	if overflow.counts != nil {
		if err := to.addMessage(deadletter.ForPart(source, deadletter.MoreRecords, overflow.begin,
			overflow.pointerLength(), gzip, overflow.counts)); err != nil {
			return err
		}
	}
	if damaged.counts != nil {
		count.unreadable++
		return to.addMessage(deadletter.ForPart(source, deadletter.Unreadable, damaged.begin, damaged.pointerLength(),
			gzip, damaged.counts))
	}
	return nil
}

// part is a range of the object that is not itemised, with counts by reason.
type part struct {
	begin, end int64
	open       bool // it goes on to the end of the object, wherever that is
	counts     map[deadletter.Reason]int64
}

func (p *part) addRange(reason deadletter.Reason, offset, length int64) {
	if p.counts == nil {
		p.counts = map[deadletter.Reason]int64{}
		p.begin = offset
	}
	p.counts[reason]++
	p.end, p.open = offset+length, length == 0
}

// pointerLength is the length of a pointer to the part.
func (p *part) pointerLength() int64 {
	if p.open {
		return 0
	}
	return p.end - p.begin
}
