package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"runtime/debug"
	"strings"

	"github.com/spf13/cobra"

	"firehose-pipeline/event"
	"firehose-pipeline/internal/functionbuild"
	"firehose-pipeline/local"
	"firehose-pipeline/local/firehose"
	"firehose-pipeline/local/loopback"
	"firehose-pipeline/local/opensearch"
)

const localHelp = `Runs the whole pipeline on this machine, without an AWS account. The stack is built from the synthesised template.
The functions' real binaries run as processes behind Lambda's Runtime API. Firehose, S3, SQS and OpenSearch are
modelled on loopback, and so is the data stream of a stack with ingestion kinesis.

It is a model built from AWS's documentation and from published probes, not AWS itself; docs/local.md compares the
two, rule by rule. It does not model:
  - permissions, signatures and encryption: any credentials will do, and everything is stored in clear
  - OpenSearch's engine, unless --opensearch names a real one: documents go to files by index name. Documents that
    OpenSearch rejects with the stack's mapping are rejected with 400; nothing can be searched
  - throttling inside the pipeline other than by --fault, Lambda concurrency limits, KMS and Glue faults
  - Firehose's own scaling: buffers that grow when delivery lags, several objects at once for one stream
  - ORC, dynamic partitioning, VPC delivery, alarms, dashboards, Athena
  - durability: buffered records are gone when the command is killed

A FILE has one event (one JSON object) a line. As with send, a line goes unchanged to the search stream, and with a
newline appended to the lake stream. Blank lines are not sent. Lines that are not events are sent, and become dead
letters. gzip is decompressed. Other formats, such as a JSON array, CSV or UTF-16, are rejected with the command
that converts them. DIR receives
  s3/<bucket>/<key>                  the objects of the lake, the source backup and the errors
  opensearch/<index>.ndjson          one document a line
  sqs/dead-letter-queue.ndjson       one dead letter a line
  sqs/deleted.ndjson                 dead letters that a consumer deleted, as a replay does
  outputs.json                       the stack's outputs, for pipeline trace
  report.html                        the run as a page for a browser
The report counts the declared fields in the events, and names frequent undeclared keys: docs/local.md, Declared fields.
The results of an earlier run in DIR are replaced. A DIR with any other content is rejected.

Time passes as fast as possible: record i arrives i/rate seconds after the start, and buffers are delivered by that
clock. The results do not depend on --speed. Ctrl-C delivers and reports everything put so far; a second one stops
at once.

With --opensearch the search stream delivers to a real server, by bulk requests as Firehose would. The server first
gets the roles, the template and the retention that the stack's search setup gives a domain, from the same code, and
an internal user in place of Firehose's IAM role. Documents of this run are read back from it into DIR. Waiting for
a server that does not answer takes real time (a second for a second of the model, at --speed 0 too), up to
openSearchRetrySeconds for each bulk request.

The run is also a page for a browser: the flow with counts and buffers, one event from put to row, document or dead
letter, dead letters by reason, the files with their first rows. With --serve the command serves it on
--page-listen (127.0.0.1:4574; a free port when that one is taken) and prints its address; dead letters can be
replayed from it; --page=false leaves it out. With --events, --page serves it while the run is at work, and
--keep-page until Ctrl-C after it. Every run leaves it in DIR/report.html, one file with its data in it.

With --serve the command serves the Firehose (or Kinesis), S3 and SQS APIs on one address until it is interrupted. Buffers then
wait for real seconds: --speed 60 makes a minute of them one second. With --check, dead letters that a consumer
deleted count as found.

` + faultsHere + `
Exit status: 0, 1 after a failure (no line was an event, a record was rejected, the input could not be read to its
end, --check has findings, a fault never occurred), 2 for a usage error, 130 after an interruption.`

// faultsHere is where the help has the faults.
const faultsHere = "FAULTS"

// memoryLimit is the memory in bytes that the process aims at: 10,000 and 1,000,000 events then peak alike.
const memoryLimit = 42 << 20

// checkMemory is added with --check, which reads the results while the streams are still there.
const checkMemory = 6 << 20

// dataStreamMemory is added with a data stream: four shards have four buffers in each stream. With memoryLimit alone the
// garbage collector takes a third of the CPU time.
const dataStreamMemory = 32 << 20

type localCommand struct {
	events, out, template, project, listen string
	openSearch, openSearchCA               string
	serve, check, throttle, logs           bool
	page, pageListenGiven, keepPage        bool
	pageListen                             string
	format                                 choice
	faults                                 faults
	faultSeed                              number
	context                                settings
	speed, rate, sample                    number

	stdin          io.Reader
	stdout, stderr io.Writer
	screen         *screen
	put            putLines
	survey         *survey
}

// putLines counts lines of a file.
type putLines struct {
	events    int64 // taken by every stream, like the next
	notEvents int64 // which become dead letters
	blank     int64 // not sent
}

// anyPut reports whether any line was put.
func (p *putLines) anyPut() bool { return p.events+p.notEvents > 0 }

func newLocal() *cobra.Command {
	l := &localCommand{
		format:  choice{value: "text", from: []string{"text", "json"}},
		context: settings{},
		rate:    number{value: 1000, above: true},
		sample:  number{integral: true},

		faultSeed: number{value: 1, integral: true},
	}
	c := &cobra.Command{
		Use:   "local (--events FILE|- --out DIR | --serve) [flags]",
		Short: "Run the whole pipeline on this machine, without an AWS account",
		Long:  strings.Replace(localHelp, faultsHere, faultHelp(), 1),
		Example: `  pipeline local --events testdata/store-events.ndjson --out out --check --sample 3
  gzip -dc events.gz | pipeline local --events - --out out --format json
  pipeline local --events events.ndjson --out out -c openSearchIndexRotation=OneHour -c dropEventTypes='["scroll"]'
  pipeline local --serve --speed 60`,
		Args: noArguments,
	}
	f := c.Flags()
	f.SortFlags = false
	f.StringVar(&l.events, "events", "", "`FILE` with one event a line; - is the standard input")
	f.StringVar(&l.out, "out", "", "folder for the results (`DIR`); with --serve a temporary one by default")
	f.Var(&l.format, "format", "format of the report")
	f.StringVar(&l.template, "template", "", "synthesised template `FILE`; by default the project is synthesised")
	f.VarP(l.context, "context", "c", "setting for the synthesis, as with cdk; may be repeated")
	f.Var(&l.speed, "speed", "seconds of the model that pass in one second; 0 is as fast as possible, with --serve 1")
	f.Var(&l.rate, "rate", "records that arrive in each second of the model, with --events")
	f.BoolVar(&l.check, "check", false, "check that every record put ended where it had to, once")
	f.Var(&l.faults, "fault", "inject a failure, see above; may be repeated")
	f.Var(&l.faultSeed, "fault-seed", "seed that decides when faults occur")
	f.Var(&l.sample, "sample", "show this many rows of the lake, a document of each index and a dead letter")
	f.BoolVar(&l.serve, "serve", false, "serve the Firehose, Kinesis, S3 and SQS APIs until interrupted")
	f.StringVar(&l.listen, "listen", "127.0.0.1:4573", "loopback `ADDRESS` for --serve")
	f.BoolVar(&l.page, "page", false, "show the run in a browser while it is at work; with --serve the default")
	f.StringVar(&l.pageListen, "page-listen", pageAddress, "loopback `ADDRESS` of the page, with its port")
	f.BoolVar(&l.keepPage, "keep-page", false, "with --page and --events, keep the page after the run, until Ctrl-C")
	f.BoolVar(&l.throttle, "throttle", true, "with --serve, Firehose's quota for each stream: 1 MiB, 1,000 requests "+
		"and 100,000 records a second; with a data stream, 1 MiB and 1,000 records for each shard")
	f.BoolVar(&l.logs, "logs", false, "show the functions' whole logs, with metrics, not only warnings and errors")
	f.StringVar(&l.openSearch, "opensearch", "",
		"deliver to a real OpenSearch at this `URL` (https, or http on loopback); "+
			"its master user is in OPENSEARCH_USER and OPENSEARCH_PASSWORD")
	f.StringVar(&l.openSearchCA, "opensearch-ca", os.Getenv("OPENSEARCH_CA"),
		"`FILE` with the certificate of the authority that signed the server's; by default OPENSEARCH_CA")
	f.StringVar(&l.project, "project", "", "the project's folder (`DIR`); "+
		"by default the working directory or one above it")
	c.RunE = func(c *cobra.Command, _ []string) error {
		l.stdin, l.stdout, l.stderr = c.InOrStdin(), c.OutOrStdout(), c.ErrOrStderr()
		given := c.Flags().Changed
		if l.pageListenGiven = given("page-listen"); l.serve && !given("page") {
			l.page = true
		}
		if err := l.validate(given); err != nil {
			return err
		}
		return l.run(c.Context())
	}
	return c
}

// validate checks rules that involve several flags.
func (l *localCommand) validate(given func(flag string) bool) error {
	switch {
	case l.events == "" && !l.serve:
		return usage("--events: must be a file with one event a line, or - for the standard input (or use --serve)")
	case l.events != "" && l.serve:
		return usage("--events: must not be used with --serve: put the events to the endpoint")
	case l.out == "" && !l.serve:
		return usage("--out: must be a folder for the results")
	case given("listen") && !l.serve:
		return usage("--listen: only with --serve")
	case given("throttle") && !l.serve:
		return usage("--throttle: only with --serve")
	case l.keepPage && (l.serve || !l.page):
		return usage("--keep-page: only with --events and --page")
	case given("page-listen") && !l.page:
		return usage("--page-listen: only with --page or --serve")
	case given("rate") && l.serve:
		return usage("--rate: only with --events: with --serve records arrive when they are put")
	case len(l.context) > 0 && l.template != "":
		return usage("-c: has no effect on a template that is given by --template")
	case l.sample.value > 0 && l.format.value == "json":
		return usage("--sample: only with --format text")
	case given("fault-seed") && l.faults.Empty():
		return usage("--fault-seed: only with --fault")
	case l.out == "-":
		return usage(`--out: must be a folder (got "-")`)
	case given("opensearch-ca") && l.openSearch == "":
		return usage("--opensearch-ca: only with --opensearch")
	case l.openSearch != "" && (os.Getenv("OPENSEARCH_USER") == "" || os.Getenv("OPENSEARCH_PASSWORD") == ""):
		return usage("--opensearch: the environment variables OPENSEARCH_USER and OPENSEARCH_PASSWORD must name the " +
			"server's master user")
	}
	if l.serve {
		if err := loopback.CheckAddress(l.listen); err != nil {
			return usage("--listen: %w", err)
		}
	}
	if l.page {
		if err := loopback.CheckAddress(l.pageListen); err != nil {
			return usage("--page-listen: %w", err)
		}
	}
	return nil
}

// setMemoryLimit sets the memory in bytes that the process aims at, unless the caller has set GOMEMLIMIT.
func setMemoryLimit(limit int64) {
	if os.Getenv("GOMEMLIMIT") == "" {
		debug.SetMemoryLimit(limit)
	}
}

func (l *localCommand) run(ctx context.Context) (err error) {
	// Everything streams, so that live memory stays small for any number of events; the limit keeps garbage from making
	// the process larger the longer it runs. It is soft: a run that really needs more gets more.
	limit := int64(memoryLimit)
	if l.check {
		limit += checkMemory
	}
	setMemoryLimit(limit)
	soft, hard, stop := watchInterrupts(ctx)
	defer stop()
	l.screen = newScreen(l.stderr)
	defer l.screen.endStep()

	var input *source
	var listener net.Listener
	if l.serve { // errors in these show before a minute is spent on building
		if listener, err = loopback.Listen(l.listen); err != nil {
			return usage("--listen: %v", err)
		}
		defer listener.Close()
	} else {
		if input, err = openEvents(l.events, "pipeline local", l.stdin, l.screen); err != nil {
			return err
		}
		defer input.Close()
	}
	pageListener, err := l.listenForPage()
	if err != nil {
		return err
	}
	if pageListener != nil {
		defer pageListener.Close()
	}
	options, err := l.buildOptions(soft)
	if err != nil {
		return err
	}
	p, err := local.Open(hard, options)
	if err != nil {
		return orInterrupted(hard, err)
	}
	if p.DataStream() != nil {
		setMemoryLimit(limit + dataStreamMemory)
	}
	defer func() {
		if closing := p.Close(); closing != nil {
			err = errors.Join(err, closing)
		}
	}()

	if err := writeOutputs(p, options); err != nil {
		return err
	}
	shown, err := l.showRun(soft, p, pageListener, listener)
	if err != nil {
		return err
	}
	defer func() {
		if closing := shown.close(); closing != nil {
			err = errors.Join(err, closing)
		}
	}()

	rejections := &rejections{screen: l.screen, name: l.events}
	if l.serve {
		err = l.serveUntil(soft, p, options, listener, shown.url)
	} else {
		if shown.url != "" {
			l.screen.printLine("The page of this run: %s", shown.url)
		}
		l.screen.beginStep("sending events", input.size)
		check := event.Lake
		for _, stream := range p.Streams() {
			if stream.Kind == event.Search {
				check, input.search = event.Search, true
			}
		}
		err = readBatches(soft, input, func(b *batch) error { return l.putBatch(hard, p, b, check, rejections) })
	}
	interrupted := soft.Err() != nil
	var other *unsuitable
	if errors.As(err, &other) {
		return other
	}
	var unread *readError
	if errors.As(err, &unread) && hard.Err() == nil && (l.put.anyPut() || rejections.lines > 0) {
		l.screen.endStep()
	} else if err != nil && (!interrupted || hard.Err() != nil) {
		return orInterrupted(hard, err)
	}
	if !l.serve && !interrupted && p.Report().Events == 0 && rejections.lines == 0 {
		sayEmpty(l.screen, l.events)
	}
	l.screen.beginStep("delivering", -1)
	if err := shown.endRun(hard, p); err != nil {
		return orInterrupted(hard, err)
	}
	l.screen.endStep()
	reporting := l.writeReport(hard, p, options.Out, rejections, interrupted, unread != nil)
	l.holdPage(soft, shown)
	if unread != nil && (reporting == nil || reporting == errReported) {
		return unread
	}
	return reporting
}

// errStopped ends a command that a second signal has stopped at once.
var errStopped = fmt.Errorf("%w at once: the results are not complete", errInterrupted)

// orInterrupted replaces the error that a second interruption causes.
func orInterrupted(hard context.Context, err error) error {
	if hard.Err() != nil {
		return errStopped
	}
	return err
}

// buildOptions gathers the options of the pipeline.
func (l *localCommand) buildOptions(ctx context.Context) (o local.Options, err error) {
	o = local.Options{Out: l.out, Serve: l.serve, Speed: l.speed.value, Rate: l.rate.value, Check: l.check,
		ThrottleShards: l.serve && l.throttle, Faults: l.faults.Plan, FaultSeed: uint64(l.faultSeed.value), Log: functionLog{l.screen, l.logs}}
	if l.openSearch != "" {
		log := slog.New(slog.NewTextHandler(l.screen, &slog.HandlerOptions{Level: slog.LevelWarn}))
		o.OpenSearch = &opensearch.Options{URL: l.openSearch, User: os.Getenv("OPENSEARCH_USER"),
			Password: os.Getenv("OPENSEARCH_PASSWORD"),
			CAFile:   l.openSearchCA, Log: log}
	}
	root, err := findProject(l.project)
	if err != nil {
		return o, err
	}
	progress := io.Discard
	if l.screen.terminal {
		progress = l.screen
	}
	var result synthesised
	var builds map[string]functionbuild.Asset
	if l.template != "" {
		if result, err = readTemplate(l.template); err != nil {
			return o, usage("--template: %w", err)
		}
		l.screen.beginStep("building the functions", -1)
		builds, err = buildFunctions(ctx, root, progress)
	} else {
		l.screen.beginStep("synthesising the stack and building the functions", -1)
		result, builds, err = prepareStack(ctx, root, l.context, progress)
	}
	if err != nil {
		return o, err
	}
	o.Template, o.StackName = result.Template, result.StackName
	var schemaFile string
	if schemaFile, o.EventSchema, err = readEventSchema(root, o.Template); err != nil {
		return o, err
	}
	if o.Functions, err = packFunctions(builds, o.EventSchema); err != nil {
		return o, err
	}
	l.beginSurvey(schemaFile, o.EventSchema)
	if l.serve {
		o.Taken = l.survey.add
	}
	l.screen.endStep()
	if o.Out == "" {
		if o.Out, err = os.MkdirTemp("", "pipeline-local-"); err != nil {
			return o, fmt.Errorf("--out: %w", err)
		}
	}
	return o, nil
}

// putBatch puts a batch to every stream. Check is the stream that takes least.
func (l *localCommand) putBatch(ctx context.Context, p *local.Pipeline, b *batch, check event.Stream,
	rejections *rejections) error {
	put := l.putToStreams
	if p.DataStream() != nil {
		put = l.putToDataStream
	}
	refused, err := put(ctx, p, b)
	if err != nil {
		return err
	}
	for i, record := range b.records {
		if r, ok := refused[i]; ok {
			rejections.addRejection(b.numbers[i], b.lengths[i], r)
		} else if event.Check(check, record) == nil {
			l.put.events++
			l.survey.add(event.Lake, record)
		} else {
			l.put.notEvents++
		}
	}
	l.put.blank += b.blank
	l.screen.advanceBar(b.read)
	return nil
}

// rejections are the records that streams have not taken: a producer would have got an error for them.
type rejections struct {
	screen *screen
	name   string // of the events
	lines  int64
}

func (r *rejections) addRejection(line, length int64, result local.PutResult) {
	r.lines++
	why := fmt.Sprintf("%s: %s", result.ErrorCode, result.ErrorMessage)
	if length > firehose.MaxRecordBytes {
		why = fmt.Sprintf("%d bytes, and Firehose accepts at most %d a record", length, firehose.MaxRecordBytes)
	}
	r.screen.printLine("%s:%d: rejected: %s", r.name, line, why)
}
