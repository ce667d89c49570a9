package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/spf13/cobra"

	"firehose-pipeline/contract"
	"firehose-pipeline/deadletter"
	"firehose-pipeline/errorobject"
	"firehose-pipeline/event"
	"firehose-pipeline/internal/awsclient"
	"firehose-pipeline/internal/eventid"
	"firehose-pipeline/producer"
	"firehose-pipeline/replay"
)

const replayHelp = `Replays failed records into the stream whose destination lacks them. Fix the cause first: records that are replayed
too early fail again. Without --yes it only shows the records and what it would do.

Records come from
  - the dead-letter queue, by default. A dead letter is deleted after the stream accepted its record. A dead letter
    for many records (an error object with more than 1,000, or an object that the error handler failed on) is
    followed to the object, when that is in the stack's own bucket (of the stack's outputs, or --bucket) below
    --error-prefix. A dead letter that points elsewhere stays, whatever the flags; without a known bucket, every one
    that points to an object stays.
  - --prefix: error objects in S3, such as error-data/lake/processing-failed/. Objects stay, and so do dead letters
    about them; with the same --state a later run over the queue deletes these dead letters without replaying their
    records twice.
  - --source: the lake's records as received, such as source-data/, to process a time range again after a schema
    change; --from must be given. Records already stored stay there: delete them first, or have every event twice.
    Objects do not record each arrival time: some events around the range come along.

A record of several objects is split, so that its good ones go through; a bad one alone fails again and gets a dead
letter of its own. Not replayed, and kept in the queue, are:
  - records that the transform's own check still rejects: they would fail again (--refused replays them all the
    same)
  - records that were replayed before and failed again (failedAgain): the cause looks unfixed (--again replays them
    all the same). They are recognised by content, in this run and, with --state, in later ones: the same event went
    to the stream, and this one arrived there no earlier than 5 seconds before that was put last (by Firehose's
    clock). An equal event sent by a producer since then counts, too.
--canary 10 replays ten first, watches the error output for --watch, and stops when one of them fails again. A
failed record appears there after the stream's buffers: 5 minutes and more for the lake with the default settings.

Nothing is lost: a dead letter is deleted only after Firehose accepted the record, and dead letters in flight when a
run is interrupted or dies become visible again (within 16 minutes when it is killed). Records may be stored twice,
with the same event_id: records whose dead letter could not be deleted, records whose response was lost, and, of a
dead letter for many records that was interrupted, the records already replayed. With --state FILE, which keeps the
places and hashes of replayed records, the next run does not replay them again. A dead letter counts as replayed
before only when the same record of the same place went to the same stream.

A dead letter may be in the queue twice; it is counted once. Reading hides dead letters from other consumers for the
time of the run. When a response of SQS is lost, its dead letters are hidden for 2 minutes: with --yes the run waits
for them, else it says so.
--from and --to accept a day (2026-01-31), a time (2026-01-31T12:00:00Z) or an age (36h): when Firehose received the
record.

Exit status: 0, 1 when something that matches was not replayed, 2 for a usage error, 130 after an interruption.`

// visibility is the first visibility timeout: so long dead letters of a lost response are hidden. held is the longest
// that dead dead letters of a killed run are hidden. The help states both.
const (
	visibility = 2 * time.Minute
	held       = replay.KeepFactor * visibility
)

// dryLimit is how many dead letters a run without --yes reads by default, and so hides from other consumers.
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
		Use: "replay (--stack NAME | --outputs FILE | --queue-url URL --bucket NAME (--lake-stream NAME " +
			"--search-stream NAME | --data-stream NAME)) [flags]",
		Short: "Replay failed records into the stream whose destination lacks them",
		Long:  replayHelp,
		Example: `  pipeline replay --stack kinesis-firehose-pipeline-dev
  pipeline replay --stack kinesis-firehose-pipeline-dev --reason SearchUnavailable --canary 10 --state replay.state --yes
  pipeline replay --outputs outputs.json --prefix error-data/lake/ --from 36h --format json
  pipeline replay --outputs outputs.json --source source-data/ --from 2026-01-31 --to 2026-02-01 --into lake --state again.state --yes`,
		Args: noArguments,
	}
	f := c.Flags()
	f.SortFlags = false
	r.target.addFlags(f)
	r.target.queueFlags(f)
	f.BoolVar(&r.yes, "yes", false, "replay; without it nothing is changed")
	f.BoolVar(&r.dryRun, "dry-run", false, "only show the records and the plan, which is the default")
	f.StringVar(&r.prefix, "prefix", "", "read error objects under this `PREFIX` instead of the queue")
	f.StringVar(&r.source, "source", "", "read the lake's records as received under this `PREFIX` instead of the queue")
	f.Var(&r.into, "into", "with --source, the stream to replay into")
	f.StringSliceVar(&r.reasons, "reason", nil,
		"only records that failed for this `REASON`, as in the summary; may be repeated")
	f.StringSliceVar(&r.stages, "stage", nil,
		"only records that failed in this `STAGE`: transform, conversion, search, unknown")
	f.StringSliceVar(&r.streams, "stream", nil, "only records of this `STREAM`: lake, search")
	f.Var(&r.from, "from", "only records received from then on")
	f.Var(&r.to, "to", "only records received before then")
	f.Var(&r.limit, "limit", "dead letters (of objects: records) to replay at most; 0 is all. "+
		"Without --yes, dead letters to read, by default 10,000")
	f.Var(&r.rate, "rate", "records a second at most, to each stream; 0 is no limit")
	f.Var(&r.byteRate, "byte-rate", "bytes a second at most, to each stream; 0 is no limit. The default is "+
		"Firehose's quota in most regions")
	f.BoolVar(&r.refused, "refused", false, "also replay records that the transform's check rejects")
	f.BoolVar(&r.again, "again", false, "also replay records that were replayed before and failed again")
	f.Var(&r.canary, "canary", "replay so many dead letters (of objects: records) first, and stop when one fails "+
		"again within --watch")
	f.DurationVar(&r.watch, "watch", 7*time.Minute,
		"watch the error output for this `DURATION` after --canary, and, when given, after the last record")
	f.StringVar(&r.state, "state", "", "keep the replayed records' places and hashes in this `FILE`, for later runs")
	f.StringVar(&r.schema, "schema", "", "event schema `FILE`, by which a record is recognised before and after the "+
		"transform (default: the one that cdk.json selects)")
	f.StringVar(&r.errorPrefix, "error-prefix", contract.ErrorPrefix, "`PREFIX` of the streams' error objects")
	f.Var(&r.format, "format", "format of the report")
	r.account.addFlags(f)
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
	}{{"--stage", r.stages, []string{"transform", "conversion", "search", "unknown"}},
		{"--stream", r.streams, []string{"lake", "search"}}} {
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
		return usage("--into: only with --source: failed records are replayed into the stream in which they failed")
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
		return usage("--stack: must be the stack's name (or use --outputs, or --queue-url, --lake-stream and " +
			"--search-stream)")
	case r.target.stack == "" && r.target.outputs == "" && r.prefix+r.source != "" && r.target.bucket == "":
		return usage("--stack: must be the stack's name (or use --outputs, or --bucket, --lake-stream and " +
			"--search-stream)")
	}
	return nil
}

func (r *replayCommand) run(ctx context.Context, given func(flag string) bool) (err error) {
	soft, hard, stop := watchInterrupts(ctx)
	defer stop()
	r.screen = newScreen(r.stderr)
	defer r.screen.endStep()
	work, err := r.prepareReplay(soft)
	if err != nil {
		return err
	}
	work.WatchEnd = given("watch")
	defer func() {
		if closing := work.Journal.Close(); closing != nil {
			err = errors.Join(err, closing)
		}
	}()

	r.screen.beginStep(r.stepName(), -1)
	var report replay.Report
	switch {
	case r.source != "":
		report, err = work.FromSource(soft, hard, r.source, event.Stream(r.into.value))
	case r.prefix != "":
		report, err = work.FromErrors(soft, hard, r.prefix)
	default:
		report, err = work.FromQueue(soft, hard)
	}
	r.screen.endStep()
	if reporting := r.writeReport(&report); reporting != nil {
		return errors.Join(err, reporting)
	}
	if report.From != replay.FromQueue && report.Objects == 0 && err == nil && !report.Interrupted {
		r.screen.printLine("%s", r.whereObjectsAre())
	}
	switch {
	case hard.Err() != nil:
		return fmt.Errorf("%w at once: dead letters in flight become visible again within %.0f minutes", errInterrupted,
			held.Minutes())
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
	return fmt.Sprintf("%s: no object matches. Error objects are under %s%s/ and %[2]s%[4]s/", r.prefix, r.errorPrefix,
		event.Lake, event.Search)
}

func (r *replayCommand) stepName() string {
	if r.yes {
		return "replaying records"
	}
	return "reading records"
}

// prepareReplay connects, and sets up the replay.
func (r *replayCommand) prepareReplay(ctx context.Context) (*replay.Replay, error) {
	config, err := r.target.connectToStack(ctx, &r.account)
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
		Streams: map[event.Stream]*producer.Stream{}, Queue: awsclient.NewSQS(config), QueueURL: r.target.queue,
		Objects: awsclient.NewS3(config), Bucket: r.target.bucket,
		ErrorPrefix: r.errorPrefix, Act: r.yes, Limit: int64(r.limit.value), ReplayRejected: r.refused, Again: r.again,
		Canary: int64(r.canary.value), Watch: r.watch,
		Wait: 2, Visibility: visibility, Progress: r.screen.advanceBar,
		Total: func(n int64) { r.screen.beginCount(r.stepName(), n) },
		Logf:  r.screen.printLine,
	}
	if !r.yes && r.limit.value == 0 && r.prefix+r.source == "" {
		w.Limit = dryLimit
	}
	w.Filter = replay.Filter{From: r.from.Time, To: r.to.Time, Streams: words[event.Stream](r.streams),
		Stages: words[errorobject.Stage](r.stages), Reasons: words[deadletter.Reason](r.reasons)}
	// A look without names of streams supposes that they exist.
	if r.yes || r.target != (target{queue: r.target.queue, bucket: r.target.bucket}) {
		for kind, stream := range r.target.replayStreams(config) {
			stream.Pace = producer.NewPace(r.rate.value, r.byteRate.value)
			stream.OnStall = func(err error) {
				r.screen.printLine("%s stream: no records accepted, retrying: %v", kind, err)
			}
			w.Streams[kind] = stream
		}
	} else {
		w.Streams = nil
	}
	if r.yes {
		if len(w.Streams) == 0 {
			return nil, usage("--lake-stream: must be set, or --search-stream, --data-stream, or --stack")
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

// replayStreams returns the stream of each store. With a data stream it is that one for both: the partition key says
// which store lacks a record, and the transform of the other one drops it.
func (t *target) replayStreams(config aws.Config) map[event.Stream]*producer.Stream {
	streams := map[event.Stream]*producer.Stream{}
	for kind, name := range map[event.Stream]string{event.Lake: t.lake, event.Search: t.search} {
		switch {
		case t.data != "" && (name != "" || !t.fromOutputs()):
			streams[kind] = &producer.Stream{Name: t.data, Kinesis: kinesisClient(config), Key: producer.ReplayKey(kind)}
		case t.data == "" && name != "":
			streams[kind] = &producer.Stream{Name: name, Client: firehoseClient(config)}
		}
	}
	return streams
}

func words[T ~string](texts []string) []T {
	var all []T
	for _, text := range texts {
		all = append(all, T(text))
	}
	return all
}
