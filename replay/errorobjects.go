package replay

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"firehose-pipeline/errorobject"
	"firehose-pipeline/internal/s3read"
)

// listObjects calls do with each object under a prefix, in the order of their keys, beginning after one.
func (r *Replay) listObjects(ctx context.Context, prefix, after string, do func(types.Object) error) error {
	input := &s3.ListObjectsV2Input{Bucket: &r.Bucket, Prefix: &prefix}
	if after != "" {
		input.StartAfter = &after
	}
	for {
		out, err := r.Objects.ListObjectsV2(ctx, input)
		if err != nil {
			return fmt.Errorf("listing %s: %w", objectURI(r.Bucket, prefix), err)
		}
		for _, o := range out.Contents {
			if err := do(o); err != nil {
				return err
			}
		}
		if !aws.ToBool(out.IsTruncated) {
			return nil
		}
		input.ContinuationToken = out.NextContinuationToken
	}
}

// FromErrors reads the error objects under a prefix. They stay where they are, and their dead letters in the queue:
// with the same state, FromQueue deletes those dead letters without putting their records back a second time.
func (r *Replay) FromErrors(soft, hard context.Context, prefix string) (Report, error) {
	return r.fromObjects(soft, hard, FromErrors, prefix, func(o types.Object, b *recordBatch) error {
		source, ours := errorobject.NewSource(r.ErrorPrefix, r.Bucket, aws.ToString(o.Key), "")
		if !ours {
			r.logf("%s: not an error object: its key must begin with %slake/ or %[2]ssearch/", aws.ToString(o.Key),
				r.ErrorPrefix)
			return nil
		}
		if !selects(r.Filter.Streams, source.Stream) {
			return nil
		}
		_, err := r.eachDocument(hard, source, "", 0, 0, func(record *Record) error {
			if err := r.goOn(soft); err != nil {
				return err
			}
			return b.classifyAndAdd(record)
		})
		return err
	})
}

// goOn returns errStopped when the run was interrupted or has reached its limit.
func (r *Replay) goOn(soft context.Context) error {
	if soft.Err() != nil {
		return errStopped
	}
	return nil
}

// fromObjects reads objects under a prefix, first as many records as the canary has.
func (r *Replay) fromObjects(soft, hard context.Context, from, prefix string,
	read func(types.Object, *recordBatch) error) (Report, error) {
	began := r.currentClock().Now()
	r.tally.resetReport(from, r.Act)
	err := r.objectsUnder(soft, hard, prefix, read)
	if errors.Is(err, errStopped) {
		err = nil
	}
	return r.endReport(began, soft.Err() != nil), err
}

func (r *Replay) objectsUnder(soft, hard context.Context, prefix string,
	read func(types.Object, *recordBatch) error) error {
	watching, err := r.beginWatch(soft)
	if err != nil {
		return err
	}
	var trial *canary
	if r.Act && r.Canary > 0 {
		trial = newCanary(r, soft, watching)
	}
	b := &recordBatch{Replay: r, ctx: hard, counts: map[Outcome]int64{}, canary: trial, filter: &r.Filter}
	err = r.listObjects(hard, prefix, "", func(o types.Object) error {
		// An object is written after its records came.
		if !r.Filter.From.IsZero() && aws.ToTime(o.LastModified).Before(r.Filter.From) {
			return nil
		}
		if err := r.goOn(soft); err != nil {
			return err
		}
		r.tally.changeReport(func(t *Report) { t.Objects++ })
		err := read(o, b)
		if s3read.Missing(err) { // deleted since it was listed
			err = nil
		}
		if failed := b.replayBatch(); failed != nil && err == nil {
			err = failed
		}
		r.reportProgress(aws.ToInt64(o.Size))
		return err
	})
	if err == nil {
		err = trial.endReading()
	}
	if err != nil {
		return err
	}
	return r.awaitEnd(soft, watching)
}

// timeFormat is how Firehose writes times into names of objects (Developer Guide, custom prefixes).
const timeFormat = "2006-01-02-15-04-05"

// times is when the oldest record of an object came, by its name: <stream>-<version>-<time>-<uuid><extension>.
func oldestArrival(key string) (time.Time, bool) {
	at := objectTime.FindStringSubmatch(key)
	if at == nil {
		return time.Time{}, false
	}
	t, err := time.Parse(timeFormat, at[1])
	return t, err == nil
}
