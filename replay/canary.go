package replay

import (
	"context"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"firehose-pipeline/contract"
	"firehose-pipeline/errorobject"
	"firehose-pipeline/event"
	"firehose-pipeline/internal/plural"
	"firehose-pipeline/internal/s3read"
)

// looks is how often error output is looked at while it is watched.
const looks = 15 * time.Second

// canary waits for what was put back first, and returns a [*CauseError] as soon as some of it has failed again.
func (r *Replay) canary(soft context.Context, w *watching) error {
	put := r.putSoFar()
	if put == 0 || soft.Err() != nil {
		return nil
	}
	r.say(plural.Of(put, "%d record{ was|s were} replayed first; watching the error output for %v before the rest"),
		put, r.Watch)
	back, err := w.watch(soft, true)
	if err != nil {
		return err
	}
	if back > 0 {
		return &CauseError{put, back}
	}
	return nil
}

// watchEnd watches after the last record, if wanted.
func (r *Replay) watchEnd(soft context.Context, w *watching) error {
	if !r.Act || !r.WatchEnd || r.putSoFar() == 0 || soft.Err() != nil {
		return nil
	}
	r.say("watching the error output for %v", r.Watch)
	_, err := w.watch(soft, false)
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

// watch looks for error output, until it has watched long enough or, if wanted, something came back.
func (w *watching) watch(soft context.Context, first bool) (back int64, err error) {
	w.back = 0
	end := w.time().Now().Add(w.Watch)
	for {
		if err := w.look(soft); err != nil && soft.Err() == nil {
			return w.back, fmt.Errorf("watching the error output: %w", err)
		}
		left := end.Sub(w.time().Now())
		if left <= 0 || first && w.back > 0 || w.time().Pause(soft, min(looks, left)) != nil {
			break
		}
	}
	w.tally.change(func(t *Report) { t.Watched, t.CameBack = true, t.CameBack+w.back })
	return w.back, nil
}

// watching knows which error objects need no look: those that were there before anything was put back, whatever the clocks say, and
// those that it has read.
type watching struct {
	*Replay
	since time.Time
	known map[string]bool
	back  int64
}

// beginWatch notes the error objects that are there; nil when nothing is to be watched for.
func (r *Replay) beginWatch(soft context.Context) (*watching, error) {
	if !r.Act || r.Canary == 0 && !r.WatchEnd {
		return nil, nil
	}
	w := &watching{Replay: r, since: r.time().Now(), known: map[string]bool{}}
	err := w.each(soft, func(_ event.Stream, o types.Object) error {
		w.known[aws.ToString(o.Key)] = true
		return nil
	})
	if err != nil && soft.Err() == nil {
		return nil, fmt.Errorf("watching the error output: %w", err)
	}
	return w, nil
}

// look reads the error objects that are new.
func (w *watching) look(ctx context.Context) error {
	return w.each(ctx, func(stream event.Stream, o types.Object) error {
		key := aws.ToString(o.Key)
		if w.known[key] {
			return nil
		}
		w.known[key] = true
		source, ours := errorobject.NewSource(w.ErrorPrefix, w.Bucket, key, "")
		if !ours {
			return fmt.Errorf("%s: the key must begin with %slake/ or %[2]ssearch/", uri(w.Bucket, key), w.ErrorPrefix)
		}
		_, err := w.documents(ctx, source, "", 0, 0, func(record *Record) error {
			for _, p := range split(record.Data) {
				if back, now := w.Journal.cameBack(digest(stream, p), record.Arrival); back && now {
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

// each calls do with the error objects of the streams since the watch began.
func (w *watching) each(ctx context.Context, do func(event.Stream, types.Object) error) error {
	for stream := range w.Streams {
		for _, folder := range errorFolders[stream] {
			prefix := w.ErrorPrefix + string(stream) + "/" + folder + "/"
			// Objects lie in the hour in which their first record came, which may have come long before those that were put back.
			after := prefix + w.since.Add(-time.Hour).UTC().Format("year=2006/month=01/day=02/hour=15/")
			err := w.list(ctx, prefix, after, func(o types.Object) error { return do(stream, o) })
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

// trial makes the first records of objects a canary.
type trial struct {
	r     *Replay
	soft  context.Context
	watch *watching
	over  bool
}

func newTrial(r *Replay, soft context.Context, w *watching) *trial {
	return &trial{r: r, soft: soft, watch: w}
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
	return t.r.canary(t.soft, t.watch)
}

// end waits when there were fewer records than the canary has: all of them are it.
func (t *trial) end() error {
	if t != nil {
		t.over = true
	}
	return nil
}
