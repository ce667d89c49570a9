package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"firehose-pipeline/cost"
	"firehose-pipeline/producer"
)

const costHelp = `Estimates a month's bill of the stack for a workload, by service and line item.

The resources come from the synthesised template, as with local: -c key=value and the environment variables of the
settings apply, or --template FILE is read. The workload is a rate and the size of an event: --bytes N, or the sizes of
the lines of --events FILE. A month has 730 hours. Each line is rounded to the cent; the total is the sum of the lines.

Prices are list prices in USD, without tax, discounts, support and data transfer out of AWS. The command has those of
us-east-1 with it, each with its source, day and confidence: docs/cost.md. --refresh asks AWS's Price List API for the
prices of your region with your credentials (it needs the permission pricing:GetProducts, and is free) and writes them
to .build/prices.json, or to the FILE of --prices. That file is used from then on, in this project, when it exists.

Marks behind an amount:
  ~  the price is of a copy of AWS's list that is older than a year
  ?  the price is quoted by others; no copy of AWS's list was found
  !  no price is known: the line is not part of the total
Resources of a type that the command does not know are listed as not priced. What AWS gives every account each month
(the free tier that does not end) is not applied, because all stacks of the account share it; --free-tier applies it.

--compare shows variants side by side: packing, no search, a Kinesis data stream, buffers, types of instances. It
changes the template's resources in memory, and synthesises nothing.

Exit status: 0, 1 when it failed, 2 for a usage error, 130 after an interruption.`

type costCommand struct {
	account account

	bytes                                           number
	rate, peak, retention, failed, transform        exact
	parquet, gzip, added, athena, perRequest, mails exact

	events, template, project, prices string

	pack, freeTier, compare, explain, refresh bool
	instanceTypes                             []string
	context                                   settings
	format                                    choice

	stdin          io.Reader
	stdout, stderr io.Writer
	screen         *screen
}

func newCost() *cobra.Command {
	w := cost.DefaultWorkload()
	l := &costCommand{
		format: choice{value: "text", from: []string{"text", "json"}}, context: settings{},
		rate: exact{above: true}, bytes: number{above: true, integral: true},
		peak: exact{value: w.Peak, least: 1}, retention: exact{value: w.RetentionDays, least: 1},
		parquet: exact{value: w.ParquetShare, above: true}, gzip: exact{value: w.GzipShare, above: true},
		added: exact{value: w.AddedBytes}, perRequest: exact{value: w.EventsPerRequest, least: 1},
		mails: exact{value: w.AlarmEmails},
	}
	c := &cobra.Command{
		Use:   "cost --events-per-second N (--bytes N | --events FILE|-) [flags]",
		Short: "Estimate a month's bill of the stack",
		Long:  costHelp,
		Example: `  pipeline cost --events-per-second 1000 --bytes 253
  pipeline cost --events-per-second 1000 --events events.ndjson --pack --explain -c environment=production
  pipeline cost --events-per-second 1000 --bytes 253 --compare --instance-type r7g.xlarge.search
  pipeline cost --refresh --region eu-west-1`,
		Args: noArguments,
	}
	l.addFlags(c)
	c.RunE = func(c *cobra.Command, _ []string) error {
		l.stdin, l.stdout, l.stderr = c.InOrStdin(), c.OutOrStdout(), c.ErrOrStderr()
		if err := l.validate(c.Flags().Changed); err != nil {
			return err
		}
		return l.run(c.Context())
	}
	return c
}

func (l *costCommand) addFlags(c *cobra.Command) {
	f := c.Flags()
	f.SortFlags = false
	f.Var(&l.rate, "events-per-second", "events a second, on average over the month")
	f.Var(&l.bytes, "bytes", "bytes of an event")
	f.StringVar(&l.events, "events", "", "`FILE` with a sample of events, one a line, for their sizes; - is the standard "+
		"input")
	f.BoolVar(&l.pack, "pack", false, "several events are packed into a record of the lake stream: send --pack")
	f.Var(&l.peak, "peak", "rate of busy hours as a multiple of the average")
	f.Var(&l.retention, "retention", "age of the oldest data in the bucket, in days, unless the lifecycle deletes it "+
		"before")
	f.Var(&l.failed, "failed-per-million", "events of a million that become dead letters, in each stream")
	f.Var(&l.transform, "transform-duration", "milliseconds that an invocation of the transform is billed; 0 derives them "+
		"from docs/performance.md")
	f.Var(&l.parquet, "parquet-share", "bytes of Parquet or ORC for each byte of an event")
	f.Var(&l.gzip, "gzip-share", "bytes of GZIP for each byte of text")
	f.Var(&l.added, "added-bytes", "bytes that the transform adds to an event")
	f.Var(&l.athena, "athena-tb", "TB that queries scan in a month")
	f.Var(&l.perRequest, "events-per-request", "events in a request to the API, if the stack has one")
	f.Var(&l.mails, "alarm-emails", "e-mails that alarms send in a month, if the stack sends any")
	f.BoolVar(&l.freeTier, "free-tier", false, "apply the free tier that does not end")
	f.BoolVar(&l.compare, "compare", false, "show variants, and what each saves")
	f.StringArrayVar(&l.instanceTypes, "instance-type", nil, "with --compare, type of data nodes to try (`TYPE`); may be "+
		"repeated (default: "+strings.Join(cost.DefaultInstanceTypes, ", ")+")")
	f.BoolVar(&l.explain, "explain", false, "show how each line is calculated, what is free, and the source of each price")
	f.Var(&l.format, "format", "format of the report; json has all that --explain shows")
	f.StringVar(&l.prices, "prices", "", "`FILE` of prices (default: .build/prices.json in the project, if it exists)")
	f.BoolVar(&l.refresh, "refresh", false, "ask AWS for prices, and write the file")
	f.StringVar(&l.template, "template", "", "synthesised template `FILE`; by default the project is synthesised")
	f.VarP(l.context, "context", "c", "setting for the synthesis, as with cdk; may be repeated")
	f.StringVar(&l.project, "project", "", "the project's folder (`DIR`); by default the working directory or one above it")
	l.account.addFlags(f)
}

// validate checks rules that involve several flags.
func (l *costCommand) validate(given func(flag string) bool) error {
	estimates := given("events-per-second") || given("bytes") || l.events != ""
	switch {
	case !estimates && l.refresh:
		if given("compare") || given("explain") {
			return usage("--events-per-second: must be set to estimate a bill")
		}
		return nil
	case !given("events-per-second"):
		return usage("--events-per-second: must be a number above 0")
	case given("bytes") == (l.events != ""):
		return usage("--bytes: must be the bytes of an event (or use --events with a file; not both)")
	case given("instance-type") && !l.compare:
		return usage("--instance-type: only with --compare")
	case len(l.context) > 0 && l.template != "":
		return usage("-c: has no effect on a template that is given by --template")
	case (given("region") || given("profile")) && !l.refresh:
		return usage("--region: only with --refresh: the file of prices has its region")
	}
	return nil
}

func (l *costCommand) run(ctx context.Context) error {
	soft, _, stop := watchInterrupts(ctx)
	defer stop()
	l.screen = newScreen(l.stderr)
	defer l.screen.endStep()
	if l.refresh {
		if err := l.refreshPrices(soft); err != nil {
			return err
		}
		if l.rate.value.Sign() == 0 {
			return nil
		}
	}
	prices, file, err := l.loadPrices()
	if err != nil {
		return err
	}
	workload, err := l.readWorkload(soft)
	if err != nil {
		return err
	}
	template, err := l.loadTemplate(soft)
	if err != nil {
		return err
	}
	bill, err := cost.Estimate(template, workload, prices)
	if err != nil {
		return fmt.Errorf("estimating: %w", err)
	}
	var variants []cost.Variant
	if l.compare {
		types := l.instanceTypes
		if len(types) == 0 {
			types = cost.DefaultInstanceTypes
		}
		if variants, err = cost.Compare(template, workload, prices, types); err != nil {
			return fmt.Errorf("comparing: %w", err)
		}
	}
	return l.writeReport(costReport{bill, variants, file})
}

func (l *costCommand) loadTemplate(ctx context.Context) (*cost.Template, error) {
	if l.template != "" {
		given, err := readTemplate(l.template)
		if err != nil {
			return nil, usage("--template: %w", err)
		}
		template, err := cost.ReadTemplate(given.Template)
		if err != nil {
			return nil, usage("--template: %s: %w", l.template, err)
		}
		return template, nil
	}
	root, err := findProject(l.project)
	if err != nil {
		return nil, err
	}
	l.screen.beginStep("synthesising the stack", -1)
	result, err := synthesise(ctx, root, l.context, l.screen)
	l.screen.endStep()
	if err != nil {
		return nil, err
	}
	return cost.ReadTemplate(result.Template)
}

func (l *costCommand) readWorkload(ctx context.Context) (cost.Workload, error) {
	w := cost.DefaultWorkload()
	w.EventsPerSecond, w.Peak, w.RetentionDays = l.rate.value, l.peak.value, l.retention.value
	w.FailedPerMillion, w.TransformMS, w.Pack, w.FreeTier = l.failed.value, l.transform.value, l.pack, l.freeTier
	w.ParquetShare, w.GzipShare, w.AddedBytes = l.parquet.value, l.gzip.value, l.added.value
	w.AthenaTB, w.EventsPerRequest, w.AlarmEmails = l.athena.value, l.perRequest.value, l.mails.value
	w.Sizes = &cost.Sizes{}
	if l.events == "" {
		if err := w.Sizes.Add(int(l.bytes.value)); err != nil {
			return w, usage("--bytes: %w", err)
		}
		return w, nil
	}
	return w, l.readSizes(ctx, w.Sizes)
}

// readSizes reads the sizes of a sample's lines. Lines over Firehose's limit are left out, as send rejects them.
func (l *costCommand) readSizes(ctx context.Context, sizes *cost.Sizes) error {
	input, err := openEvents(l.events, "pipeline cost", l.stdin, l.screen)
	if err != nil {
		return err
	}
	defer input.Close()
	l.screen.beginStep("reading the sample", input.size)
	defer l.screen.endStep()
	tooLong := int64(0)
	err = readBatches(ctx, input, func(b *batch) error {
		l.screen.advanceBar(b.read)
		for _, length := range b.lengths {
			if length > producer.MaxRecordBytes {
				tooLong++
			} else if err := sizes.Add(int(length)); err != nil {
				return fmt.Errorf("%s: %w", l.events, err)
			}
		}
		return nil
	})
	var other *unsuitable
	switch {
	case ctx.Err() != nil:
		return fmt.Errorf("%w: the sample was not read to its end", errInterrupted)
	case errors.As(err, &other):
		return other
	case err != nil:
		return err
	}
	if tooLong > 0 {
		l.screen.printLine("note: %s: %s of over %d bytes left out", l.events, count(tooLong, "line"),
			producer.MaxRecordBytes)
	}
	if sizes.Events == 0 {
		return usage("--events: %s: must have at least one event", l.events)
	}
	return nil
}
