package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"firehose-pipeline/event"
	"firehose-pipeline/internal/printable"
	"firehose-pipeline/producer"
)

const sendHelp = `Puts events to both streams, the lake stream and the search stream, and resends the records that Firehose did not
accept. A stack with ingestion kinesis has a data stream that feeds both: each event goes to that one, once.

A FILE has one event (one JSON object) a line. A line goes unchanged to the search stream, and with a newline
appended to the lake stream; to a data stream it goes unchanged. Blank lines are not sent. A line that is not an event
is sent all the same, with a warning: the pipeline turns it into a dead letter with the reason, so that nothing is lost
on the way; --invalid reject does not send it. A line of more than 1,000 KiB is over Firehose's limit, and is always rejected. --rejected
FILE keeps rejected lines.

gzip is decompressed, and a byte order mark at the start left out. Other formats, such as a JSON array, JSON over
several lines, CSV, UTF-16 or Parquet, are rejected before anything is sent, with the command that converts them.

Records go in batches of at most 500 and 4 MiB. Firehose answers for each record: only records that it did not
accept are resent, after a pause that grows up to 10 seconds, independently for each stream. A stream that accepts
nothing for as long as --give-up ends the run.

--pack puts several events into one record of the lake stream, which Firehose bills rounded up to 5 KB. An event
that the transform would reject gets a record of its own. The search stream accepts exactly one event a record, and so
does a data stream.

To a data stream each record goes with a hash of its content as partition key. The billed bytes in the report are
those of the data stream (rounded up to 1 KB); the two delivery streams that read it are billed besides.

--state FILE keeps how far each stream has confirmed the input. The same command then continues where the last one
stopped, and sends the new part of an input that has grown since. Nothing is left out, however the run stopped:
  - after the first Ctrl-C records in flight are finished, and no event is sent twice
  - after a second Ctrl-C, a crash or a failure, at most 4 batches of each stream are sent a second time
A record whose response was lost is resent as well, and may be stored twice; the report counts it (possiblyTwice).
The two copies of an event have the same event_id: give every event one.

The report counts the fields of the event schema in the events, and names frequent undeclared keys.

Credentials, region and endpoints come from the same places as for the AWS CLI; ` + "`pipeline local --serve`" + ` prints the variables
that send to this machine.

Exit status: 0, 1 when something was not accepted or no line was an event, 2 for a usage error, 130 after an
interruption.`

type sendCommand struct {
	account account
	target  target

	events, rejected, state, schema string
	format, invalid                 choice
	rate                            number
	pack                            bool
	giveUp                          time.Duration

	stdin          io.Reader
	stdout, stderr io.Writer
	screen         *screen
	survey         *survey
}

func newSend() *cobra.Command {
	s := &sendCommand{
		format:  choice{value: "text", from: []string{"text", "json"}},
		invalid: choice{value: "send", from: []string{"send", "reject"}},
	}
	c := &cobra.Command{
		Use: "send --events FILE|- (--stack NAME | --outputs FILE | --lake-stream NAME --search-stream NAME | " +
			"--data-stream NAME) [flags]",
		Short: "Put events to both streams",
		Long:  sendHelp,
		Example: `  pipeline send --events events.ndjson --stack kinesis-firehose-pipeline-dev
  pipeline send --events events.ndjson --outputs outputs.json --pack --state events.state --rejected rejected.ndjson
  gzip -dc events.gz | pipeline send --events - --stack kinesis-firehose-pipeline-dev --rate 500 --format json`,
		Args: noArguments,
	}
	f := c.Flags()
	f.SortFlags = false
	f.StringVar(&s.events, "events", "", "`FILE` with one event a line; - is the standard input")
	s.target.addFlags(f)
	f.BoolVar(&s.pack, "pack", false, "put several events into one record of the lake stream")
	f.Var(&s.rate, "rate", "events a second at most; 0 is as fast as the streams accept them")
	f.Var(&s.invalid, "invalid", "how to treat a line that is not an event")
	f.StringVar(&s.rejected, "rejected", "", "append rejected lines to this `FILE`; lines that only one stream "+
		"rejected, to FILE.lake or FILE.search")
	f.StringVar(&s.state, "state", "", "keep the confirmed position in this `FILE`, and continue from it")
	f.DurationVar(&s.giveUp, "give-up", producer.Patience,
		"end the run when a stream accepts nothing for this `DURATION`")
	f.StringVar(&s.schema, "schema", "",
		"event schema `FILE`, whose fields the report counts (default: the one that cdk.json selects)")
	f.Var(&s.format, "format", "format of the report")
	s.account.addFlags(f)
	c.RunE = func(c *cobra.Command, _ []string) error {
		s.stdin, s.stdout, s.stderr = c.InOrStdin(), c.OutOrStdout(), c.ErrOrStderr()
		return s.run(c.Context())
	}
	return c
}

func (s *sendCommand) validate() error {
	switch {
	case s.events == "":
		return usage("--events: must be a file with one event a line, or - for the standard input")
	case s.target.stack == "" && s.target.outputs == "" && s.target.data+s.target.lake+s.target.search == "":
		return usage("--stack: must be the stack's name (or use --outputs, or --lake-stream and --search-stream, or " +
			"--data-stream)")
	case s.target.data != "" && s.target.lake+s.target.search != "":
		return usage("--data-stream: must not be used with --lake-stream and --search-stream: it feeds both")
	case s.giveUp <= 0:
		return usage("--give-up: must be above 0 (got %v)", s.giveUp)
	}
	return nil
}

func (s *sendCommand) run(ctx context.Context) error {
	if err := s.validate(); err != nil {
		return err
	}
	soft, hard, stop := watchInterrupts(ctx)
	defer stop()
	s.screen = newScreen(s.stderr)
	defer s.screen.endStep()

	input, err := openEvents(s.events, "pipeline send", s.stdin, s.screen)
	if err != nil {
		return err
	}
	defer input.Close()
	if s.survey, err = loadSurvey(s.schema, s.screen); err != nil {
		return usage("--schema: %w", err)
	}
	options, err := s.buildOptions(soft)
	if err != nil {
		return err
	}
	input.search = options.Search != nil || options.DataStream != nil && !options.LakeOnly
	s.screen.beginStep("sending events", input.size)
	report, err := producer.Send(soft, hard, input, options)
	err = errors.Join(err, options.Rejects.Close(), options.State.Close())
	s.screen.endStep()
	if reporting := s.writeReport(report, err); reporting != nil {
		return errors.Join(err, reporting)
	}
	var other *unsuitable
	switch {
	case errors.As(err, &other):
		return other
	case hard.Err() != nil:
		return fmt.Errorf("%w at once: records in flight may have been accepted", errInterrupted)
	case err != nil:
		return fmt.Errorf("%w\n%s", err, s.goOn(report))
	case report.Interrupted:
		fmt.Fprintln(s.stderr, "interrupted:", s.goOn(report))
		return errInterrupted
	}
	for _, stream := range report.Streams {
		report.Rejected += stream.NotAccepted
	}
	switch sent := report.Lines - report.Blank; {
	case report.ResumedAfter > 0: // the lines before it have been sent
	case sent == 0:
		sayEmpty(s.stderr, s.events)
	case report.Invalid > 0 && sent == report.Invalid:
		sayNoEvent(s.stderr, s.events)
		return errReported
	}
	if report.Rejected > 0 {
		return errReported
	}
	return nil
}

func (s *sendCommand) buildOptions(ctx context.Context) (o producer.Options, err error) {
	config, err := s.target.connectToStack(ctx, &s.account)
	if err != nil {
		return o, err
	}
	client := firehoseClient(config)
	names := map[event.Stream]string{}
	lake, search := s.target.lake, s.target.search
	if s.target.data != "" {
		// The stack's outputs name both delivery streams too; puts to those would be rejected.
		o.LakeOnly = search == "" && s.target.fromOutputs()
		lake, search = "", ""
	}
	for _, to := range []struct {
		kind   event.Stream
		name   string
		stream **producer.Stream
	}{{event.Lake, lake, &o.Lake}, {event.Search, search, &o.Search}, {producer.DataStream, s.target.data, &o.DataStream}} {
		if to.name == "" {
			continue
		}
		names[to.kind] = to.name
		*to.stream = &producer.Stream{Name: to.name, Client: client, Patience: s.giveUp, OnStall: func(err error) {
			s.screen.printLine("%s stream: no records accepted, retrying: %v", to.kind, err)
		}}
	}
	switch {
	case len(names) == 0:
		return o, usage("--stack: the stack has no stream among its outputs")
	case o.DataStream != nil && s.pack:
		return o, usage("--pack: must not be used with a data stream: search accepts one event a record")
	case o.DataStream != nil:
		o.DataStream.Client, o.DataStream.Kinesis = nil, kinesisClient(config)
	case o.Lake == nil:
		fmt.Fprintln(s.screen, "note: there is no lake stream: the lake will not have these events")
	}
	if o.LakeOnly || o.DataStream == nil && o.Search == nil {
		fmt.Fprintln(s.screen, "note: there is no search stream: search will not find these events")
	}
	o.Pack, o.Rate, o.RejectInvalid = s.pack, s.rate.value, s.invalid.value == "reject"
	o.Progress = s.screen.advanceBar
	o.Event = func(line []byte) { s.survey.add(event.Lake, line) }
	o.Invalid = (&warnings{screen: s.screen, name: s.events}).warnInvalid
	o.Rejects = &producer.Rejects{Path: s.rejected}
	if s.state != "" {
		if o.State, err = producer.OpenState(s.state, names); err != nil {
			return o, fmt.Errorf("--state: %w", err)
		}
	}
	return o, nil
}

// mostWarnings is how many lines are named; the report counts them all.
const mostWarnings = 10

// warnings name lines that are not events.
type warnings struct {
	screen *screen
	name   string // of the events
	warned int
}

func (w *warnings) warnInvalid(i producer.Invalid) {
	w.warned++
	if w.warned > mostWarnings {
		if w.warned == mostWarnings+1 {
			fmt.Fprintln(w.screen, "further such lines are not listed")
		}
		return
	}
	var refused *event.Error
	switch errors.As(i.Err, &refused); {
	case refused == nil:
		fmt.Fprintf(w.screen, "%s:%d: rejected: %v\n", w.name, i.Line, i.Err)
	case i.Rejected:
		fmt.Fprintf(w.screen, "%s:%d: rejected: not an event: %s at byte %d\n", w.name, i.Line, refused.Reason,
			refused.Offset)
	case i.LakeAccepts:
		fmt.Fprintf(w.screen, "%s:%d: several objects on a line: sent unchanged, the lake accepts them and search "+
			"does not (%s at byte %d)\n",
			w.name, i.Line, refused.Reason, refused.Offset)
	default:
		fmt.Fprintf(w.screen, "%s:%d: not an event: %s at byte %d: sent unchanged, to become a dead letter\n", w.name,
			i.Line, refused.Reason, refused.Offset)
	}
}

// goOn says how to send the rest.
func (s *sendCommand) goOn(r producer.Report) string {
	if s.state != "" {
		return "the same command sends the rest"
	}
	line := r.Streams[0].Confirmed
	for _, stream := range r.Streams {
		line = min(line, stream.Confirmed)
	}
	return fmt.Sprintf("every stream has all lines up to %d, and perhaps some later ones; with --state the same "+
		"command would send only the rest", line)
}

// sendReport is the report for programs.
type sendReport struct {
	producer.Report
	Survey *surveyReport `json:"survey,omitempty"`
}

// writeReport prints the report.
func (s *sendCommand) writeReport(r producer.Report, failed error) error {
	var text []byte
	surveyed := s.survey.report(s.events)
	if s.format.value == "json" {
		encoded, err := json.Marshal(sendReport{r, surveyed})
		if err != nil {
			return fmt.Errorf("encoding the report: %w", err)
		}
		text = []byte(printable.Lines(string(encoded)) + "\n")
		fmt.Fprint(s.stderr, strings.TrimSuffix(surveyed.warning(), "\n"))
	} else if len(r.Streams) > 0 && (failed == nil || r.Streams[0].Calls > 0) {
		text = []byte(sendText(r, surveyed))
	}
	if _, err := s.stdout.Write(text); err != nil {
		return fmt.Errorf("writing the report: %w", err)
	}
	return nil
}

// notEventsText counts lines that are not events, in the form of [plural.Of].
const notEventsText = "{not an event|not events}, sent unchanged"

func sendText(r producer.Report, surveyed *surveyReport) string {
	w := &strings.Builder{}
	fmt.Fprint(w, surveyed.warning())
	fmt.Fprintf(w, "%s in %s", count(r.Lines, "line"), seconds(r.ElapsedSeconds))
	for _, n := range []struct {
		n    int64
		what string
	}{{r.Blank, "blank, not sent"}, {r.Invalid, notEventsText}, {r.Rejected, "rejected"}} {
		if n.n > 0 {
			fmt.Fprintf(w, "; %s", counted(n.n, n.what))
		}
	}
	if r.ResumedAfter > 0 {
		fmt.Fprintf(w, "; continued after line %s", thousands(r.ResumedAfter))
	}
	fmt.Fprint(w, "\n\n")
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprint(table, "stream\tevents\trecords\tMB\tMB billed\tcalls\tthrottled\tresent\tpossibly twice\tnot "+
		"accepted\t\n")
	for _, s := range r.Streams {
		fmt.Fprintf(table, "%-6s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t\n", s.Kind, thousands(s.Events),
			thousands(s.Records), formatMegabytes(s.Bytes), formatMegabytes(s.Billed),
			thousands(s.Calls), thousands(s.Throttled), thousands(s.Resent), thousands(s.Unanswered),
			thousands(s.NotAccepted))
	}
	flushTable(table)
	for _, s := range r.Streams {
		switch {
		case s.Kind != event.Lake:
		case s.Unpacked > s.Billed:
			fmt.Fprintf(w, "\npacked, the lake stream is billed %s MB instead of %s, %.0f %% less\n",
				formatMegabytes(s.Billed), formatMegabytes(s.Unpacked),
				100*float64(s.Unpacked-s.Billed)/float64(s.Unpacked))
		case s.Unpacked == 0 && s.Billed > 2*producer.Billed(int(s.Bytes)):
			fmt.Fprintf(w, "\nwith --pack the lake stream would be billed about %s MB instead of %s\n",
				formatMegabytes(producer.Billed(int(s.Bytes))), formatMegabytes(s.Billed))
		}
	}
	surveyed.writeTo(w)
	return w.String()
}
