package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"firehose-pipeline/contract"
	"firehose-pipeline/deadletter"
	"firehose-pipeline/errorobject"
	"firehose-pipeline/event"
	"firehose-pipeline/internal/eventid"
	"firehose-pipeline/internal/awsclient"
	"firehose-pipeline/producer"
	"firehose-pipeline/replay"
)

const replayHelp = `Puts failed records back into the stream whose store misses them. Without --yes it only shows what is there and what it would do.

Mend the cause first: what is put back too early fails again. Records come from
  - the dead-letter queue, unless told otherwise. A letter is deleted after the stream took its record. A letter that stands for
    many records (an error object with more than 1,000, or an object that the error handler failed on) is followed to the object,
    when that is in the stack's own bucket (of the stack's outputs, or --bucket) below --error-prefix. A letter that leads elsewhere
    stays, whatever the flags; without a known bucket, all that lead anywhere do.
  - --prefix: error objects in S3, such as error-data/lake/processing-failed/. Objects stay, and so do letters about them; with the
    same --state a later run over the queue deletes those letters without putting their records back twice.
  - --source: the lake's records as they were received, such as source-data/, to process a time range anew after a schema
    change; --from must be given. What is in the store already stays there: delete it first, or have every event twice. Objects
    do not say when each record came: some events around the range come with it.

A record of several objects is split, so that its good ones go through; a bad one alone fails again and gets a letter of its own.
Left alone, and kept in the queue, are:
  - records that the transform's own check still refuses: they would fail again (--refused puts them back all the same)
  - records that were put back before and came back (failedAgain): the cause looks unfixed (--again puts them back all the same).
    They are known by what they say, in this run and, with --state, in later ones: the same event went to the stream,
    and this one arrived there no earlier than 5 seconds before that was put last (by Firehose's clock). An equal event
    that somebody sent since then counts, too.
--canary 10 puts ten back first, watches the error output for --watch, and stops when one of them is there. A record that fails
shows up there after the stream's buffers: 5 minutes and more for the lake with the default settings.

Nothing is lost: a letter is deleted only after Firehose took the record, and what a run holds when it is interrupted or dies comes
back into sight (within 16 minutes when it is killed). Records may be there twice, with the same event_id: those whose letter could
not be deleted, that no answer came for, and, of a letter for many records that was interrupted, those put back before. With --state
FILE, which keeps the places and hashes of the records that were put back, the next run does not put them back again. A letter
counts as put back before only when the same record of the same place went to the same stream.

A letter may be in the queue twice; it is counted once. Reading takes the letters out of sight for the time of the run. When an answer
of SQS is lost on its way, the letters in it are out of sight for 2 minutes: with --yes the run waits for them, else it says so.
--from and --to take a day (2026-01-31), a time (2026-01-31T12:00:00Z) or how long ago (36h): when Firehose received the record.

Exit status: 0, 1 when something that matches was not put back, 2 for a mistake in the call, 130 after an interruption.`

// visibility is how long letters are out of sight for an answer that nobody gets, and held the longest for a run that dies. The help says both.
const (
	visibility = 2 * time.Minute
	held       = replay.KeepFactor * visibility
)

// dryLimit is how many letters a look at the queue takes out of sight at most, unless told otherwise.
const dryLimit = 10_000

type replayCommand struct {
	account account
	target  target

	prefix, source, errorPrefix, state, schema string
	into, format                               choice
	reasons, stages, streams                   []string
	from, to                                   moment
	limit, rate, byteRate, canary              number
	yes, dryRun, refused, again                bool
	watch                                      time.Duration

	stdout, stderr io.Writer
	screen         *screen
}

func newReplay() *cobra.Command {
	r := &replayCommand{
		into:     choice{value: "lake", from: []string{"lake", "search"}},
		format:   choice{value: "text", from: []string{"text", "json"}},
		limit:    number{integral: true},
		canary:   number{integral: true},
		rate:     number{value: 1000},
		byteRate: number{value: 1 << 20},
	}
	c := &cobra.Command{
		Use:   "replay (--stack NAME | --outputs FILE | --queue-url URL --bucket NAME --lake-stream NAME --search-stream NAME) [flags]",
		Short: "Put failed records back into the stream whose store misses them",
		Long:  replayHelp,
		Example: `  pipeline replay --stack kinesis-firehose-pipeline-dev
  pipeline replay --stack kinesis-firehose-pipeline-dev --reason SearchUnavailable --canary 10 --state replay.state --yes
  pipeline replay --outputs outputs.json --prefix error-data/lake/ --from 36h --format json
  pipeline replay --outputs outputs.json --source source-data/ --from 2026-01-31 --to 2026-02-01 --into lake --state again.state --yes`,
		Args: noArguments,
	}
	f := c.Flags()
	f.SortFlags = false
	r.target.flags(f)
	r.target.queueFlags(f)
	f.BoolVar(&r.yes, "yes", false, "put back; without it nothing is changed")
	f.BoolVar(&r.dryRun, "dry-run", false, "only show what would be done, which is the default")
	f.StringVar(&r.prefix, "prefix", "", "read error objects under this `PREFIX` instead of the queue")
	f.StringVar(&r.source, "source", "", "read the lake's records as received under this `PREFIX` instead of the queue")
	f.Var(&r.into, "into", "with --source, the stream to put the events to")
	f.StringSliceVar(&r.reasons, "reason", nil, "only records that failed for this `REASON`, as the summary names it; may be repeated")
	f.StringSliceVar(&r.stages, "stage", nil, "only records that failed in this `STAGE`: transform, conversion, search, unknown")
	f.StringSliceVar(&r.streams, "stream", nil, "only records of this `STREAM`: lake, search")
	f.Var(&r.from, "from", "only records received from then on")
	f.Var(&r.to, "to", "only records received before then")
	f.Var(&r.limit, "limit", "letters (of objects: records) to put back at most; 0 is all. Without --yes, letters to look at, by default 10,000")
	f.Var(&r.rate, "rate", "records a second at most, to each stream; 0 is no limit")
	f.Var(&r.byteRate, "byte-rate", "bytes a second at most, to each stream; 0 is no limit. The default is Firehose's quota in most regions")
	f.BoolVar(&r.refused, "refused", false, "put back what the transform's check refuses, too")
	f.BoolVar(&r.again, "again", false, "put back what was put back before and failed again, too")
	f.Var(&r.canary, "canary", "put so many letters (of objects: records) back first, and stop when one of them fails again within --watch")
	f.DurationVar(&r.watch, "watch", 7*time.Minute, "watch the error output for so long (`DURATION`) after --canary, and, when given, after the last record")
	f.StringVar(&r.state, "state", "", "keep in this `FILE` what was put back, for later runs")
	f.StringVar(&r.schema, "schema", "", "event schema `FILE`, which recognises a record before and after the transform (default: the one that cdk.json selects)")
	f.StringVar(&r.errorPrefix, "error-prefix", contract.ErrorPrefix, "where the streams write what failed (`PREFIX`)")
	f.Var(&r.format, "format", "how to report")
	r.account.flags(f)
	c.RunE = func(c *cobra.Command, _ []string) error {
		r.stdout, r.stderr = c.OutOrStdout(), c.ErrOrStderr()
		if err := r.validate(c.Flags().Changed); err != nil {
			return err
		}
		return r.run(c.Context(), c.Flags().Changed)
	}
	return c
}

func joinReasons(all []deadletter.Reason) string {
	names := make([]string, len(all))
	for i, reason := range all {
		names[i] = string(reason)
	}
	return strings.Join(names, ", ")
}

func (r *replayCommand) validate(given func(flag string) bool) error {
	for _, reason := range r.reasons {
		if !slices.Contains(deadletter.Reasons, deadletter.Reason(reason)) {
			return usage("--reason: must be one of %s (got %q)", joinReasons(deadletter.Reasons), reason)
		}
	}
	for _, list := range []struct {
		flag     string
		got      []string
		accepted []string
	}{{"--stage", r.stages, []string{"transform", "conversion", "search", "unknown"}}, {"--stream", r.streams, []string{"lake", "search"}}} {
		for _, v := range list.got {
			if !slices.Contains(list.accepted, v) {
				return usage("%s: must be %s (got %q)", list.flag, strings.Join(list.accepted, " or "), v)
			}
		}
	}
	switch {
	case r.yes && r.dryRun:
		return usage("--dry-run: must not be used with --yes")
	case r.prefix != "" && r.source != "":
		return usage("--source: must not be used with --prefix")
	case given("into") && r.source == "":
		return usage("--into: only with --source: failed records go back to the stream in which they failed")
	case r.source != "" && len(r.reasons)+len(r.stages)+len(r.streams) > 0:
		return usage("--source: must not be used with --reason, --stage or --stream: its records have not failed")
	case r.source != "" && r.from.IsZero():
		return usage("--from: must be set with --source")
	case !r.to.IsZero() && !r.from.Before(r.to.Time):
		return usage("--to: must be after --from (got %v, which is not after %v)", &r.to, &r.from)
	case r.canary.value > 0 && !r.yes:
		return usage("--canary: only with --yes")
	case given("watch") && r.watch <= 0:
		return usage("--watch: must be above 0 (got %v)", r.watch)
	case !strings.HasSuffix(r.errorPrefix, "/"):
		return usage("--error-prefix: must end in a slash (got %q)", r.errorPrefix)
	case r.target.stack == "" && r.target.outputs == "" && r.prefix == "" && r.source == "" && r.target.queue == "":
		return usage("--stack: must be the stack's name (or use --outputs, or --queue-url, --lake-stream and --search-stream)")
	case r.target.stack == "" && r.target.outputs == "" && r.prefix+r.source != "" && r.target.bucket == "":
		return usage("--stack: must be the stack's name (or use --outputs, or --bucket, --lake-stream and --search-stream)")
	}
	return nil
}

func (r *replayCommand) run(ctx context.Context, given func(flag string) bool) (err error) {
	soft, hard, stop := interrupts(ctx)
	defer stop()
	r.screen = newScreen(r.stderr)
	defer r.screen.end()
	work, err := r.prepare(soft)
	if err != nil {
		return err
	}
	work.WatchEnd = given("watch")
	defer func() {
		if closing := work.Journal.Close(); closing != nil {
			err = errors.Join(err, closing)
		}
	}()

	r.screen.begin(r.step(), -1)
	var report replay.Report
	switch {
	case r.source != "":
		report, err = work.FromSource(soft, hard, r.source, event.Stream(r.into.value))
	case r.prefix != "":
		report, err = work.FromErrors(soft, hard, r.prefix)
	default:
		report, err = work.FromQueue(soft, hard)
	}
	r.screen.end()
	if reporting := r.report(&report); reporting != nil {
		return errors.Join(err, reporting)
	}
	if report.From != replay.FromQueue && report.Objects == 0 && err == nil && !report.Interrupted {
		r.screen.say("%s", r.whereObjectsAre())
	}
	switch {
	case hard.Err() != nil:
		return fmt.Errorf("%w at once: letters that were held come back into sight within %.0f minutes", errInterrupted, held.Minutes())
	case err != nil:
		return err
	case report.Interrupted:
		fmt.Fprintln(r.stderr, "interrupted: the same command does the rest")
		return errInterrupted
	case r.yes && report.Left()+report.CameBack > 0:
		return errReported
	}
	return nil
}

// whereObjectsAre is the advice for a prefix that no object matches.
func (r *replayCommand) whereObjectsAre() string {
	if r.source != "" {
		return fmt.Sprintf("%s: no object matches. Records as received are under %s", r.source, contract.SourcePrefix)
	}
	return fmt.Sprintf("%s: no object matches. Error objects are under %s%s/ and %[2]s%[4]s/", r.prefix, r.errorPrefix, event.Lake, event.Search)
}

func (r *replayCommand) step() string {
	if r.yes {
		return "putting records back"
	}
	return "looking at the records"
}

// prepare connects, and sets up what is to be done.
func (r *replayCommand) prepare(ctx context.Context) (*replay.Replay, error) {
	config, err := r.target.connect(ctx, &r.account)
	if err != nil {
		return nil, err
	}
	switch {
	case r.prefix+r.source == "" && r.target.queue == "":
		return nil, usage("--stack: the stack has no dead-letter queue among its outputs")
	case r.prefix+r.source != "" && r.target.bucket == "":
		return nil, usage("--stack: the stack has no bucket among its outputs")
	}
	w := &replay.Replay{
		Streams: map[event.Stream]*producer.Stream{}, Queue: awsclient.NewSQS(config), QueueURL: r.target.queue, Objects: awsclient.NewS3(config), Bucket: r.target.bucket,
		ErrorPrefix: r.errorPrefix, Act: r.yes, Limit: int64(r.limit.value), ReplayRejected: r.refused, Again: r.again, Canary: int64(r.canary.value), Watch: r.watch,
		Wait: 2, Visibility: visibility, Progress: r.screen.advance, Total: func(n int64) { r.screen.beginCount(r.step(), n) },
		Logf: r.screen.say,
	}
	if !r.yes && r.limit.value == 0 && r.prefix+r.source == "" {
		w.Limit = dryLimit
	}
	w.Filter = replay.Filter{From: r.from.Time, To: r.to.Time, Streams: words[event.Stream](r.streams), Stages: words[errorobject.Stage](r.stages), Reasons: words[deadletter.Reason](r.reasons)}
	client := firehoseClient(config)
	// A look that nobody has told of the streams supposes that they are there.
	if r.yes || r.target != (target{queue: r.target.queue, bucket: r.target.bucket}) {
		for kind, name := range map[event.Stream]string{event.Lake: r.target.lake, event.Search: r.target.search} {
			if name == "" {
				continue
			}
			w.Streams[kind] = &producer.Stream{Name: name, Client: client, Pace: producer.NewPace(r.rate.value, r.byteRate.value), OnStall: func(err error) {
				r.screen.say("the %s stream takes nothing, trying again: %v", kind, err)
			}}
		}
	} else {
		w.Streams = nil
	}
	if r.yes {
		if len(w.Streams) == 0 {
			return nil, usage("--lake-stream: must be set, or --search-stream, or --stack")
		}
		if (r.canary.value > 0 || w.WatchEnd) && w.Bucket == "" {
			return nil, usage("--bucket: must be set with --canary and --watch")
		}
	}
	layout, err := loadLayout(r.schema)
	if err != nil {
		return nil, fmt.Errorf("--schema: %w", err)
	}
	if layout != nil && layout.Schema().EventID != nil {
		w.EventID = eventid.ParsePath(layout.Schema().EventID.Pointer)
	}
	if w.Journal = replay.NewJournal(layout); r.state != "" {
		if w.Journal, err = replay.OpenJournal(r.state, layout); err != nil {
			return nil, fmt.Errorf("--state: %w", err)
		}
	}
	return w, nil
}

func words[T ~string](texts []string) []T {
	var all []T
	for _, text := range texts {
		all = append(all, T(text))
	}
	return all
}
