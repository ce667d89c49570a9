package main

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"firehose-pipeline/internal/plural"
	"firehose-pipeline/schema"
	"firehose-pipeline/schema/infer"
)

const schemaInferHelp = `Writes a schema from events. For each field, at any depth, it counts the JSON types of the values and
chooses a type with which the transform finds nothing of these events malformed. Where values do not agree, the field has no
type: it stays in the event, without a column. No value is written into the schema; the report, which names what is unsure and
what could be added by hand, may show some.

The events are JSON objects: one a line, over several lines, one after the other as in backups of Firehose, in a JSON array, or
the records in an error object of Firehose; gzip is decompressed. What is not an event is counted, and named with its line and
the reason.

Memory is bounded, however long the input is.

Exit status: 0, 1 when there was no event to use, no field got a type, or with --strict a part of the input was not used, 2 for
a mistake in the call.`

type schemaInferCommand struct {
	events, out, title string
	force, strict      bool
}

func newSchemaInfer() *cobra.Command {
	var i schemaInferCommand
	var command *cobra.Command
	command = newSchemaCommand(&cobra.Command{
		Use:   "infer --events FILE|- [--out FILE]",
		Short: "Write a schema from events",
		Long:  schemaInferHelp,
		Example: `  pipeline schema infer --events events.ndjson
  pipeline schema infer --events events.ndjson.gz --out schemas/orders.json --title Orders --format json
  aws s3 cp s3://my-bucket/source-data/2026/03/02/08/object.gz - | pipeline schema infer --events -`,
		Args: noArguments,
	}, func(s *schemaCommand, _ []string) error { return i.run(s, newScreen(command.ErrOrStderr())) })
	f := command.Flags()
	f.StringVar(&i.events, "events", "", "`FILE` with events; - is the standard input")
	f.StringVar(&i.out, "out", schema.FileName,
		"`FILE` for the schema; - is the standard output, the report then goes to the standard error")
	f.StringVar(&i.title, "title", "", "title of the schema (`TEXT`)")
	f.BoolVar(&i.force, "force", false, "overwrite the file of --out")
	f.BoolVar(&i.strict, "strict", false, "write no schema when a part of the input is not an event")
	return command
}

func (i *schemaInferCommand) validate() error {
	switch {
	case i.events == "":
		return usage("--events: must be a file with events, or - for the standard input")
	case i.out == "":
		return usage("--out: must be a file, or - for the standard output")
	case i.out == "-" || i.force:
		return nil
	}
	if _, err := os.Lstat(i.out); err == nil {
		return i.exists()
	}
	return nil
}

func (i *schemaInferCommand) exists() error {
	return usage("--out: %s exists: name another file, or overwrite it with --force", quote(i.out))
}

func (i *schemaInferCommand) run(s *schemaCommand, screen *screen) error {
	if err := i.validate(); err != nil {
		return err
	}
	defer screen.endStep()
	input, err := (&source{name: i.events, command: "pipeline schema infer", notes: screen,
		anyLayout: true}).open(s.stdin)
	if err != nil {
		return err
	}
	defer input.Close()
	screen.beginStep("reading events", input.size)
	result, err := infer.FromObjects(i.title, infer.Objects(progressReader{input, screen}))
	screen.endStep()
	var other *unsuitable
	if errors.As(err, &other) {
		return other
	} else if err != nil {
		return fmt.Errorf("reading the events: %w", err)
	}
	rejected := result.Schema == nil || i.strict && result.Report.Broken > 0
	if !rejected {
		if err := i.writeSchema(s.out, result.Schema); err != nil {
			return err
		}
	}
	reportTo := s.out
	if i.out == "-" {
		reportTo = screen
	}
	if s.format.value == "json" {
		err = (&schemaCommand{out: reportTo}).writeJSON(&result.Report)
	} else {
		err = result.Report.WriteText(reportTo)
	}
	switch {
	case err != nil:
		return err
	case rejected:
		screen.printLine("%s: no schema was written: %s", i.events, i.reason(&result.Report))
		return errReported
	case i.out == "-" || s.format.value == "json":
		return nil
	}
	_, err = io.WriteString(s.out, i.next(input))
	return err
}

func (i *schemaInferCommand) reason(r *infer.Report) string {
	switch {
	case i.strict && r.Broken > 0:
		return fmt.Sprintf("%d %s not an event (--strict)", r.Broken,
			plural.Of(r.Broken, "{part of the input is|parts of the input are}"))
	case r.Events == 0:
		return "there is no event, must have JSON objects"
	}
	return "no field has a type"
}

// writeSchema writes the file, or nothing of it.
func (i *schemaInferCommand) writeSchema(stdout io.Writer, text []byte) error {
	if i.out == "-" {
		_, err := stdout.Write(text)
		return err
	}
	mode := os.O_WRONLY | os.O_CREATE | os.O_EXCL
	path := i.out
	if i.force {
		path += ".new"
		mode = os.O_WRONLY | os.O_CREATE | os.O_TRUNC
	}
	file, err := os.OpenFile(path, mode, 0o644)
	if errors.Is(err, fs.ErrExist) { // since it was looked for
		return i.exists()
	} else if err != nil {
		return fmt.Errorf("writing the schema: %w", err)
	}
	_, err = file.Write(text)
	if err = errors.Join(err, file.Close()); err == nil && i.force {
		err = os.Rename(path, i.out)
	}
	if err != nil {
		return fmt.Errorf("writing the schema: %w", errors.Join(err, os.Remove(path)))
	}
	return nil
}

// next shows the commands that come next.
func (i *schemaInferCommand) next(input *source) string {
	var b strings.Builder
	b.WriteString("\n" + oneLine("wrote %s. Next:", quote(i.out)))
	b.WriteString(oneLine("  %s schema check %s", programName(), quote(i.out)))
	setting := " --out results"
	if i.out != schema.FileName {
		setting += " -c " + quote("eventSchema="+i.out)
	}
	events := quote(i.events)
	switch {
	case i.events == "-":
		events = "FILE"
	case input.found.objects && input.unpacked:
		b.WriteString(oneLine("  gzip -dc %s | %s | %s local --events -%s", events, input.found.filter, programName(),
			setting))
		return b.String()
	case input.found.objects:
		b.WriteString(oneLine("  %s < %s | %s local --events -%s", input.found.filter, events, programName(), setting))
		return b.String()
	}
	b.WriteString(oneLine("  %s local --events %s%s", programName(), events, setting))
	return b.String()
}

// progressReader moves the bar by what is read.
type progressReader struct {
	in     io.Reader
	screen *screen
}

func (p progressReader) Read(b []byte) (int, error) {
	n, err := p.in.Read(b)
	p.screen.advanceBar(int64(n))
	return n, err
}
