package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/url"
	"time"
	"unicode/utf8"

	"github.com/spf13/cobra"

	"firehose-pipeline/event"
	"firehose-pipeline/schema"
	"firehose-pipeline/trace"
)

const traceHelp = `Finds one event by its id, in a deployed stack or in the results of a local run, and changes nothing.

It looks at
  - the lake: a query in the stack's Athena workgroup, over the partitions of the time range. Without a workgroup, or
    with --read-objects, it reads the objects of the lake one by one (Parquet and JSON, not ORC)
  - search: one signed request (es) with the id as a term. The caller's role must be in openSearchReaderRoleArns or
    openSearchAdminRoleArns; a domain in a VPC answers from inside only
  - the dead-letter queue. Its messages are received and made visible again at once (within 1 minute when the command
    is killed), and never deleted. SQS counts each look as a receive: a message received three times no longer counts
    for the age of the oldest message, so that the alarm dead-letters-expiring does not see it; dead-letters-waiting
    does
  - the error objects under error-data/
  - the copies of records as received: source-data/, and search-backup/ with openSearchBackup all
and says for each place whether the event is there, where and since when, or why it was not looked at. For a failed
event it names the reason and the next command. The last line is the verdict.

It is bounded: --since (in a deployed stack by default 24 hours ago) and --until limit the time of arrival,
--max-objects the objects read at each place, the newest first, and --max-messages the messages received. A place that
was not looked at completely never counts as proof that the event is missing.

The id may be any text; on a command line, quote it. The event schema says which field it is.

Rights, each only for its own place: athena:StartQueryExecution, GetQueryExecution, GetQueryResults and
StopQueryExecution, glue:GetTable, GetDatabase and GetPartitions; es:ESHttpPost; sqs:ReceiveMessage,
ChangeMessageVisibility and GetQueueAttributes; s3:ListBucket and GetObject; kms:Decrypt on the stack's key;
firehose:DescribeDeliveryStream (the buffer intervals); cloudformation:DescribeStacks, unless --outputs is given.

Exit status:
    0  the event is in every store of the stack
    1  an error, and no verdict because of it
    2  a usage error
    3  the event is not in every store: it failed, was dropped, is in a buffer perhaps, or was never seen
    4  no verdict: a place that decides was not looked at, or not completely
  130  interrupted`

var (
	errNotEverywhere = errors.New("not in every store")
	errUndecided     = errors.New("no verdict")
)

type traceCommand struct {
	account account
	target  target

	eventID, results, schema string
	since, until             moment
	maxObjects, maxMessages  number
	readObjects, json        bool
	format                   choice

	stdout, stderr io.Writer
	screen         *screen
}

func newTrace() *cobra.Command {
	t := &traceCommand{
		format:      choice{value: "text", from: []string{"text", "json"}},
		maxObjects:  number{value: 500, min: 1, integral: true},
		maxMessages: number{value: 1000, min: 1, integral: true},
	}
	c := &cobra.Command{
		Use:   "trace --event-id ID (--stack NAME | --outputs FILE | --results DIR) [flags]",
		Short: "Find one event: lake, search, dead letters, error objects, copies",
		Long:  traceHelp,
		Example: `  pipeline trace --event-id e-4711 --stack kinesis-firehose-pipeline-dev
  pipeline trace --event-id e-4711 --outputs outputs.json --since 2026-01-31 --until 2026-02-01 --json
  pipeline trace --event-id e-4711 --results .build/local`,
		Args: noArguments,
	}
	f := c.Flags()
	f.SortFlags = false
	f.StringVar(&t.eventID, "event-id", "", "`ID` of the event")
	f.StringVar(&t.results, "results", "", "look into the results of a local run: the `DIR` of pipeline local --out")
	t.target.addFlags(f)
	t.target.queueFlags(f)
	t.target.traceFlags(f)
	f.Var(&t.since, "since", "only events received from then on: a day, a time, or how long ago (36h)")
	f.Var(&t.until, "until", "only events received before then")
	f.Var(&t.maxObjects, "max-objects", "objects to read at each place at most")
	f.Var(&t.maxMessages, "max-messages", "messages to receive from the dead-letter queue at most")
	f.BoolVar(&t.readObjects, "read-objects", false, "read the lake's objects instead of a query in Athena")
	f.StringVar(&t.schema, "schema", "", "event schema `FILE`, which names the field of the id (default: the one that "+
		"cdk.json selects)")
	f.Var(&t.format, "format", "format of the report")
	f.BoolVar(&t.json, "json", false, "the same as --format json")
	t.account.addFlags(f)
	c.RunE = func(c *cobra.Command, _ []string) error {
		t.stdout, t.stderr = c.OutOrStdout(), c.ErrOrStderr()
		if err := t.validate(c.Flags().Changed); err != nil {
			return err
		}
		return t.run(c.Context())
	}
	return c
}

func (t *traceCommand) validate(given func(flag string) bool) error {
	if t.json {
		t.format.value = "json"
	}
	switch {
	case t.eventID == "":
		return usage("--event-id: must be the id of an event")
	case len(t.eventID) > trace.MaxIDBytes:
		return usage("--event-id: must have at most %d bytes (got %d)", trace.MaxIDBytes, len(t.eventID))
	case !utf8.ValidString(t.eventID):
		return usage("--event-id: must be UTF-8")
	case !t.since.IsZero() && !t.until.IsZero() && !t.since.Before(t.until.Time):
		return usage("--until: must be after --since (got %v, which is not after %v)", &t.until, &t.since)
	case t.results == "" && t.target.stack == "" && t.target.outputs == "":
		return usage("--stack: must be the stack's name (or use --outputs, or --results for a local run)")
	}
	if t.results == "" {
		return t.validateEndpoint()
	}
	for _, flag := range []string{"stack", "outputs", "lake-stream", "search-stream", "queue-url", "bucket", "table",
		"work-group", "search-endpoint", "index-pattern", "read-objects", "profile", "region"} {
		if given(flag) {
			return usage("--%s: must not be used with --results", flag)
		}
	}
	return nil
}

// validateEndpoint accepts a search domain on https, and on http one of this machine: the request is signed, and its
// answer is data of events.
func (t *traceCommand) validateEndpoint() error {
	if t.target.endpoint == "" {
		return nil
	}
	u, err := url.Parse(t.target.endpoint)
	if err == nil && u.Host != "" && u.RawQuery == "" && u.User == nil {
		ip := net.ParseIP(u.Hostname())
		if u.Scheme == "https" || u.Scheme == "http" && (u.Hostname() == "localhost" || ip != nil && ip.IsLoopback()) {
			return nil
		}
	}
	return usage("--search-endpoint: must be https://HOST, or http:// on this machine (got %q)", t.target.endpoint)
}

func (t *traceCommand) run(ctx context.Context) error {
	soft, hard, stop := watchInterrupts(ctx)
	defer stop()
	t.screen = newScreen(t.stderr)
	defer t.screen.endStep()
	id, err := t.readID()
	if err != nil {
		return err
	}
	work := &trace.Trace{Query: trace.Query{ID: id, Window: trace.Window{Since: t.since.Time, Until: t.until.Time}},
		Lookers: map[trace.PlaceName]trace.Looker{}, Missing: map[trace.PlaceName]string{},
		Buffers: map[event.Stream]time.Duration{},
		Begin:   func(p trace.PlaceName) { t.screen.beginStep("looking at "+p.Title(), -1) }}
	if t.results != "" {
		err = t.prepareResults(work)
	} else {
		err = t.prepareStack(soft, work)
	}
	if err != nil {
		return orInterrupted(hard, err)
	}
	report, err := work.Run(soft)
	t.screen.endStep()
	if err != nil {
		if soft.Err() != nil {
			return errInterrupted
		}
		return err
	}
	t.addNext(report)
	if err := t.writeReport(report); err != nil {
		return err
	}
	switch {
	case report.Verdict == trace.Delivered:
		return nil
	case report.Verdict != trace.Undecided:
		return errNotEverywhere
	case report.FailedPlaces():
		return errReported
	}
	return errUndecided
}

// readID reads the event schema.
func (t *traceCommand) readID() (trace.ID, error) {
	path, err := findSchema(t.schema)
	if err != nil {
		return trace.ID{}, fmt.Errorf("--schema: %w", err)
	}
	if path == "" {
		return trace.ID{}, usage("--schema: must be set outside of the project's folder")
	}
	s, err := schema.Load(path)
	if err != nil {
		return trace.ID{}, fmt.Errorf("--schema: %w", err)
	}
	id, err := trace.NewID(s, t.eventID)
	if err != nil {
		return id, fmt.Errorf("--schema: %s: %w", path, err)
	}
	return id, nil
}
