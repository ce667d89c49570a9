package replay

import (
	"context"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"firehose-pipeline/deadletter"
	"firehose-pipeline/event"
	"firehose-pipeline/internal/objectread"
)

// looks is how often error output is looked at while it is watched.
const looks = 15 * time.Second

// canary waits for what was put back first, and returns a [*CauseError] as soon as some of it has failed again.
func (r *Replay) canary(soft context.Context, since time.Time) error {
	put := r.putSoFar()
	if put == 0 || soft.Err() != nil {
		return nil
	}
	r.say("%d records were put back first; watching the error output for %v before the rest", put, r.Watch)
	back, err := r.watch(soft, since, true)
	if err != nil {
		return err
	}
	if back > 0 {
		return &CauseError{put, back}
	}
	return nil
}

// watchEnd watches after the last record, if wanted.
func (r *Replay) watchEnd(soft context.Context, since time.Time) error {
	if !r.Act || !r.WatchEnd || r.putSoFar() == 0 || soft.Err() != nil {
		return nil
	}
	r.say("watching the error output for %v", r.Watch)
	_, err := r.watch(soft, since, false)
	return err
}

func (r *Replay) putSoFar() (n int64) {
	r.tally.change(func(t *Report) {
		for _, p := range t.Put {
			n += p.Records
		}
	})
	return n
}

// watch looks for error output since a time, until it has watched long enough or, if wanted, something came back.
func (r *Replay) watch(soft context.Context, since time.Time, first bool) (back int64, err error) {
	w := watching{Replay: r, since: since, known: map[string]bool{}}
	end := r.time().Now().Add(r.Watch)
	for {
		if err := w.look(soft); err != nil && soft.Err() == nil {
			return w.back, fmt.Errorf("watching the error output: %w", err)
		}
		left := end.Sub(r.time().Now())
		if left <= 0 || first && w.back > 0 || r.time().Pause(soft, min(looks, left)) != nil {
			break
		}
	}
	r.tally.change(func(t *Report) { t.Watched, t.CameBack = true, t.CameBack+w.back })
	return w.back, nil
}

// watching knows which error objects it has read.
type watching struct {
	*Replay
	since time.Time
	known map[string]bool
	back  int64
}

// look reads the error objects that are new.
func (w *watching) look(ctx context.Context) error {
	for stream := range w.Streams {
		for _, folder := range errorFolders[stream] {
			prefix := w.ErrorPrefix + string(stream) + "/" + folder + "/"
			// Objects lie in the hour in which their first record came, which may have come long before those that were put back.
			after := prefix + w.since.Add(-time.Hour).UTC().Format("year=2006/month=01/day=02/hour=15/")
			err := w.list(ctx, prefix, after, func(o types.Object) error {
				key := aws.ToString(o.Key)
				if w.known[key] || aws.ToTime(o.LastModified).Add(skew).Before(w.since) {
					return nil
				}
				w.known[key] = true
				source, _ := deadletter.NewSource(w.ErrorPrefix, w.Bucket, key, "")
				_, err := w.documents(ctx, source, "", 0, 0, func(record *Record) error {
					for _, p := range split(record.Data) {
						if back, now := w.Journal.cameBack(digest(stream, p), record.Arrival); back && now {
							w.back++
							break
						}
					}
					return nil
				})
				if objectread.Missing(err) {
					err = nil
				}
				return err
			})
			if err != nil {
				return err
			}
		}
	}
	return nil
}

// errorFolders are the values of error-output-type (Developer Guide, custom prefixes).
var errorFolders = map[event.Stream][]string{
	event.Lake:   {"processing-failed", "format-conversion-failed"},
	event.Search: {"processing-failed", "AmazonOpenSearchService-failed"},
}

// trial makes the first records of objects a canary.
type trial struct {
	r     *Replay
	soft  context.Context
	since time.Time
	over  bool
}

func newTrial(r *Replay, soft context.Context, since time.Time) *trial {
	return &trial{r: r, soft: soft, since: since}
}

// full reports whether a batch is to be put now, because the canary is complete with it.
func (t *trial) full(records int) bool {
	return t != nil && !t.over && t.r.putSoFar()+int64(records) >= t.r.Canary
}

// after waits when the canary is complete.
func (t *trial) after() error {
	if t == nil || t.over || t.r.putSoFar() < t.r.Canary {
		return nil
	}
	t.over = true
	return t.r.canary(t.soft, t.since)
}

// end waits when there were fewer records than the canary has: all of them are it.
func (t *trial) end() error {
	if t != nil {
		t.over = true
	}
	return nil
}
