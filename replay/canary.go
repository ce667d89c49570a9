package replay

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/middleware"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"firehose-pipeline/contract"
	"firehose-pipeline/errorobject"
	"firehose-pipeline/event"
	"firehose-pipeline/internal/plural"
	"firehose-pipeline/internal/s3read"
)

// watchInterval is how often error output is looked at while it is watched.
const watchInterval = 15 * time.Second

// awaitCanary waits after the first replayed records, and returns a [*CauseError] as soon as one of them fails again.
func (r *Replay) awaitCanary(soft context.Context, w *errorWatch) error {
	put := r.countReplayed()
	if put == 0 || soft.Err() != nil {
		return nil
	}
	r.logf(plural.Of(put, "%d record{ was|s were} replayed first; watching the error output for %v before the rest"),
		put, r.Watch)
	back, err := w.awaitFailures(soft, true)
	if err != nil {
		return err
	}
	if back > 0 {
		return &CauseError{put, back}
	}
	return nil
}

// awaitEnd watches after the last record, if wanted.
func (r *Replay) awaitEnd(soft context.Context, w *errorWatch) error {
	if !r.Act || !r.WatchEnd || r.countReplayed() == 0 || soft.Err() != nil {
		return nil
	}
	r.logf("watching the error output for %v", r.Watch)
	_, err := w.awaitFailures(soft, false)
	return err
}

func (r *Replay) countReplayed() (n int64) {
	r.tally.changeReport(func(t *Report) {
		for _, p := range t.Put {
			n += p.Records
		}
	})
	return n
}

// awaitFailures looks for error output, until it has watched long enough or, if wanted, something came back. The last
// look begins when the time is over: one that began before may not have what came while its listings were under way.
func (w *errorWatch) awaitFailures(soft context.Context, first bool) (back int64, err error) {
	w.back = 0
	end := w.currentClock().Now().Add(w.Watch)
	for {
		last := !w.currentClock().Now().Before(end)
		if err := w.readNewObjects(soft); err != nil && soft.Err() == nil {
			return w.back, fmt.Errorf("watching the error output: %w", err)
		}
		pause := min(watchInterval, max(0, end.Sub(w.currentClock().Now())))
		if last || first && w.back > 0 || w.currentClock().Pause(soft, pause) != nil {
			break
		}
	}
	w.tally.changeReport(func(t *Report) { t.Watched, t.CameBack = true, t.CameBack+w.back })
	return w.back, nil
}

// errorWatch knows which error objects need no look: those that were there before anything was replayed, whatever the
// clocks say, and those that it has read.
type errorWatch struct {
	*Replay
	since time.Time
	known map[string]bool
	back  int64
}

// beginWatch notes the error objects that are there; nil when nothing is to be watched for.
func (r *Replay) beginWatch(soft context.Context) (*errorWatch, error) {
	if !r.Act || r.Canary == 0 && !r.WatchEnd {
		return nil, nil
	}
	w := &errorWatch{Replay: r, known: map[string]bool{}}
	var err error
	if w.since, err = r.findTime(soft); err == nil {
		err = w.eachErrorObject(soft, func(_ event.Stream, o types.Object) error {
			w.known[aws.ToString(o.Key)] = true
			return nil
		})
	}
	if err != nil && soft.Err() == nil {
		return nil, fmt.Errorf("watching the error output: %w", err)
	}
	return w, nil
}

// findTime returns the time by this machine's clock or by S3's, whichever is earlier: names of objects have AWS's time,
// and this machine's clock may be hours ahead of it.
func (r *Replay) findTime(ctx context.Context) (time.Time, error) {
	now := r.currentClock().Now()
	out, err := r.Objects.ListObjectsV2(ctx, &s3.ListObjectsV2Input{Bucket: &r.Bucket, Prefix: &r.ErrorPrefix,
		MaxKeys: aws.Int32(1)})
	if err != nil {
		return now, fmt.Errorf("listing %s: %w", objectURI(r.Bucket, r.ErrorPrefix), err)
	}
	if at, ok := middleware.GetServerTime(out.ResultMetadata); ok && at.Before(now) {
		now = at
	}
	return now, nil
}

// readNewObjects reads the error objects that are new.
func (w *errorWatch) readNewObjects(ctx context.Context) error {
	return w.eachErrorObject(ctx, func(stream event.Stream, o types.Object) error {
		key := aws.ToString(o.Key)
		if w.known[key] {
			return nil
		}
		w.known[key] = true
		source, ours := errorobject.NewSource(w.ErrorPrefix, w.Bucket, key, "")
		if !ours {
			return fmt.Errorf("%s: the key must begin with %slake/ or %[2]ssearch/", objectURI(w.Bucket, key),
				w.ErrorPrefix)
		}
		_, err := w.eachDocument(ctx, source, "", 0, 0, func(record *Record) error {
			for _, p := range splitRecord(record.Data) {
				if back, now := w.Journal.cameBack(w.Journal.contentDigest(stream, p), record.Arrival); back && now {
					w.back++
					break
				}
			}
			return nil
		})
		if s3read.Missing(err) {
			err = nil
		}
		return err
	})
}

// eachErrorObject calls do with the error objects of the streams since the watch began.
func (w *errorWatch) eachErrorObject(ctx context.Context, do func(event.Stream, types.Object) error) error {
	for _, stream := range slices.Sorted(maps.Keys(w.Streams)) {
		for _, folder := range errorFolders[stream] {
			prefix := w.ErrorPrefix + string(stream) + "/" + folder + "/"
			// Objects lie in the hour in which their first record came, which may have come long before those that were
			// replayed.
			after := prefix + w.since.Add(-time.Hour).UTC().Format("year=2006/month=01/day=02/hour=15/")
			err := w.listObjects(ctx, prefix, after, func(o types.Object) error { return do(stream, o) })
			if err != nil {
				return err
			}
		}
	}
	return nil
}

// errorFolders are the values of error-output-type (Developer Guide, custom prefixes).
var errorFolders = map[event.Stream][]string{
	event.Lake:   {contract.ProcessingFailed, contract.ConversionFailed},
	event.Search: {contract.ProcessingFailed, contract.SearchFailed},
}

// canary makes the first records of objects a canary.
type canary struct {
	r     *Replay
	soft  context.Context
	watch *errorWatch
	over  bool
}

func newCanary(r *Replay, soft context.Context, w *errorWatch) *canary {
	return &canary{r: r, soft: soft, watch: w}
}

// isCompletedBy reports whether a batch is to be put now, because the canary is complete with it.
func (t *canary) isCompletedBy(records int) bool {
	return t != nil && !t.over && t.r.countReplayed()+int64(records) >= t.r.Canary
}

// awaitIfComplete waits when the canary is complete.
func (t *canary) awaitIfComplete() error {
	if t == nil || t.over || t.r.countReplayed() < t.r.Canary {
		return nil
	}
	t.over = true
	return t.r.awaitCanary(t.soft, t.watch)
}

// endReading waits when there were fewer records than the canary has: all of them are it.
func (t *canary) endReading() error {
	if t != nil {
		t.over = true
	}
	return nil
}
