package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"firehose-pipeline/contract"
	"firehose-pipeline/internal/plural"
	"firehose-pipeline/internal/printable"
	"firehose-pipeline/schema"
)

const schemaHelp = `Infers, checks, compares and shows event schemas: JSON Schema files that declare the fields of an event.
Columns of the lake, mapping of the search index and rules of the transform come from them. docs/event-schema.md is the
reference.

FILE is ` + schema.FileName + ` of the current folder unless it is given; - is the standard input.`

const schemaCheckHelp = `Reads a schema as the deployment and the functions do, and reports all problems at once: one line
each, with the place in the file as a JSON Pointer. Keywords that restrict values and that nothing
enforces are warnings where the schema allows them ("x-unenforced": "allow").

Exit status: 0, 1 when the schema is not valid, 2 for a mistake in the call.`

const schemaDiffHelp = `Compares two schemas and says for each change what it does to new events, to the objects that are in
the lake, to the search indices that exist and to the deployed stack, and whether it breaks
something: queries, values or documents that worked with OLD.

Exit status: 0, 1 when a change breaks something or a schema is not valid, 2 for a mistake in the call.`

const schemaShowHelp = `Shows what a schema becomes: the columns of the lake's table, the JSON keys of columns that are
named otherwise, the mapping of the search index, and a statement by which Athena makes the table
over the same objects.

Exit status: 0, 1 when the schema is not valid, 2 for a mistake in the call.`

func newSchema() *cobra.Command {
	c := &cobra.Command{
		Use:   "schema",
		Short: "Check, compare, show and infer event schemas",
		Long:  schemaHelp,
		Args:  noArguments,
		RunE:  func(c *cobra.Command, _ []string) error { return c.Help() },
	}
	c.AddCommand(newSchemaCheck(), newSchemaDiff(), newSchemaShow(), newSchemaInfer())
	return c
}

// schemaCommand is what the commands below `pipeline schema` share.
type schemaCommand struct {
	format choice
	stdin  io.Reader
	out    io.Writer
}

func newSchemaCommand(c *cobra.Command, run func(s *schemaCommand, args []string) error) *cobra.Command {
	s := &schemaCommand{format: choice{value: "text", from: []string{"text", "json"}}}
	c.Flags().SortFlags = false
	c.Flags().Var(&s.format, "format", "how to report")
	c.RunE = func(c *cobra.Command, args []string) error {
		s.stdin, s.out = c.InOrStdin(), c.OutOrStdout()
		return run(s, args)
	}
	return c
}

func newSchemaCheck() *cobra.Command {
	return newSchemaCommand(&cobra.Command{
		Use:   "check [FILE]",
		Short: "Report all problems of a schema",
		Long:  schemaCheckHelp,
		Example: `  pipeline schema check
  pipeline schema check new-schema.json --format json`,
		Args: atMostOneFile,
	}, (*schemaCommand).check)
}

func newSchemaDiff() *cobra.Command {
	return newSchemaCommand(&cobra.Command{
		Use:   "diff OLD NEW",
		Short: "Say what a change of the schema does, and whether it breaks something",
		Long:  schemaDiffHelp,
		Example: `  pipeline schema diff deployed.json ` + schema.FileName + `
  git show HEAD:` + schema.FileName + ` | pipeline schema diff - ` + schema.FileName,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) != 2 {
				return usage("must have two files, OLD and NEW (got %d)", len(args))
			}
			if args[0] == "-" && args[1] == "-" {
				return usage("only one of OLD and NEW can be the standard input")
			}
			return nil
		},
	}, (*schemaCommand).diff)
}

func newSchemaShow() *cobra.Command {
	var table, location string
	c := newSchemaCommand(&cobra.Command{
		Use:   "show [FILE]",
		Short: "Show columns, mapping and table of a schema",
		Long:  schemaShowHelp,
		Example: `  pipeline schema show
  pipeline schema show --table analysis.events --location s3://my-bucket/transformed-data/ --format json`,
		Args: atMostOneFile,
	}, func(s *schemaCommand, args []string) error { return s.show(args, table, location) })
	c.Flags().StringVar(&table, "table", "events", "`NAME` of the table in the statement, with or without database")
	c.Flags().StringVar(&location, "location", "s3://BUCKET/"+contract.DataPrefix,
		"`URL` of the objects in the statement")
	return c
}

func countOf(n int, things string) string { return fmt.Sprint(n) + " " + plural.Of(int64(n), things) }

func atMostOneFile(_ *cobra.Command, args []string) error {
	if len(args) > 1 {
		return usage("must have one file at most (got %d)", len(args))
	}
	return nil
}

// fileOf returns the file of a command that takes one.
func fileOf(args []string) string {
	if len(args) == 0 {
		return schema.FileName
	}
	return args[0]
}

// load reads a schema.
func (s *schemaCommand) load(path string) (*schema.Schema, error) {
	if path != "-" {
		loaded, err := schema.Load(path)
		if errors.Is(err, os.ErrNotExist) && path == schema.FileName {
			return nil, fmt.Errorf("%w: name a file, or run the command in the folder that has it", err)
		}
		return loaded, err
	}
	data, err := io.ReadAll(s.stdin)
	if err != nil {
		return nil, fmt.Errorf("reading the standard input: %w", err)
	}
	loaded, err := schema.Parse(data)
	var problems *schema.Error
	if errors.As(err, &problems) {
		problems.Path = "-"
	}
	return loaded, err
}

// problemJSON is a problem as the format json shows it.
type problemJSON struct {
	Pointer string `json:"pointer"`
	Message string `json:"message"`
}

func problemsJSON(problems []schema.Problem) []problemJSON {
	list := make([]problemJSON, len(problems))
	for i, p := range problems {
		list[i] = problemJSON(p)
	}
	return list
}

func (s *schemaCommand) check(args []string) error {
	file := fileOf(args)
	loaded, err := s.load(file)
	var problems *schema.Error
	if err != nil && (!errors.As(err, &problems) || s.format.value == "text") {
		return err
	}
	if s.format.value == "json" {
		report := struct {
			File     string        `json:"file"`
			Valid    bool          `json:"valid"`
			Problems []problemJSON `json:"problems"`
			Warnings []problemJSON `json:"warnings"`
			Untyped  []string      `json:"untyped"`
		}{File: file, Valid: err == nil, Problems: []problemJSON{}, Warnings: []problemJSON{}, Untyped: []string{}}
		if err != nil {
			report.Problems = problemsJSON(problems.Problems)
		} else {
			report.Warnings, report.Untyped = problemsJSON(loaded.Warnings), append(report.Untyped, loaded.Untyped...)
		}
		if writeErr := s.writeJSON(report); writeErr != nil || err == nil {
			return writeErr
		}
		return errReported
	}
	var b strings.Builder
	b.WriteString(oneLine("%s: valid: %s, %d added by the transform, %d columns", file,
		countOf(len(loaded.Fields), "field{|s}"), len(loaded.Enrich), len(loaded.Columns())))
	for _, w := range loaded.Warnings {
		b.WriteString(oneLine("warning: %s%s", file, w))
	}
	if len(loaded.Untyped) > 0 {
		b.WriteString(oneLine("without a type, so neither a column nor searchable: %s",
			strings.Join(loaded.Untyped, ", ")))
	}
	_, err = io.WriteString(s.out, b.String())
	return err
}

func (s *schemaCommand) diff(args []string) error {
	before, oldErr := s.load(args[0])
	after, newErr := s.load(args[1])
	if err := errors.Join(oldErr, newErr); err != nil {
		return err
	}
	changes := schema.Diff(before, after)
	breaks := schema.Breaks(changes)
	if s.format.value == "json" {
		if changes == nil {
			changes = []schema.Change{}
		}
		if err := s.writeJSON(struct {
			Breaks  bool            `json:"breaks"`
			Changes []schema.Change `json:"changes"`
		}{breaks, changes}); err != nil {
			return err
		}
	} else if _, err := io.WriteString(s.out, diffText(changes)); err != nil {
		return err
	}
	if breaks {
		return errReported
	}
	return nil
}

func diffText(changes []schema.Change) string {
	if len(changes) == 0 {
		return "no change\n"
	}
	var b strings.Builder
	breaking := 0
	for _, c := range changes {
		mark := "works   "
		if c.Breaks {
			mark = "BREAKS  "
			breaking++
		}
		b.WriteString(mark + oneLine("%s", c))
		for _, effect := range [][2]string{
			{"new events", c.NewData}, {"objects in the lake", c.OldObjects}, {"existing indices", c.Indices},
			{"stack", string(c.Stack)},
		} {
			b.WriteString(oneLine("            %-20s %s", effect[0], effect[1]))
		}
	}
	summary := countOf(len(changes), "change{|s}")
	if breaking > 0 {
		summary += fmt.Sprintf(", %d of them ", breaking) + plural.Of(int64(breaking), "break{s|}") + " something"
	}
	b.WriteString(summary + "\n")
	return b.String()
}

func (s *schemaCommand) show(args []string, table, location string) error {
	file := fileOf(args)
	loaded, err := s.load(file)
	if err != nil {
		return err
	}
	if s.format.value == "json" {
		type column struct {
			Name    string `json:"name"`
			Type    string `json:"type"`
			Comment string `json:"comment"`
		}
		columns := []column{}
		for _, c := range loaded.Columns() {
			columns = append(columns, column(c))
		}
		return s.writeJSON(struct {
			File            string            `json:"file"`
			Columns         []column          `json:"columns"`
			KeyMappings     map[string]string `json:"keyMappings"`
			IndexProperties map[string]any    `json:"indexProperties"`
			DDL             string            `json:"ddl"`
			Untyped         []string          `json:"untyped"`
		}{
			file, columns, loaded.KeyMappings(), loaded.IndexProperties(), loaded.DDL(table, location),
			append([]string{}, loaded.Untyped...),
		})
	}
	text, err := showText(loaded, table, location)
	if err != nil {
		return err
	}
	_, err = io.WriteString(s.out, text)
	return err
}

func showText(s *schema.Schema, table, location string) (string, error) {
	var b strings.Builder
	b.WriteString("Columns of the lake\n\n")
	tabs := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
	for _, c := range s.Columns() {
		fmt.Fprintf(tabs, "  %s\t%s\t%s\n", printable.Text(c.Name), printable.Text(c.Type), printable.Text(c.Comment))
	}
	if err := tabs.Flush(); err != nil {
		return "", err
	}
	if mappings := s.KeyMappings(); len(mappings) > 0 {
		b.WriteString("\nKeys of columns that are named otherwise\n\n")
		columns := make([]string, 0, len(mappings))
		for column := range mappings {
			columns = append(columns, column)
		}
		slices.Sort(columns)
		for _, column := range columns {
			b.WriteString(oneLine("  %s = %q", column, mappings[column]))
		}
	}
	mapping, err := json.MarshalIndent(s.IndexProperties(), "  ", "  ")
	if err != nil {
		return "", fmt.Errorf("encoding the mapping: %w", err)
	}
	fmt.Fprintf(&b, "\nMapping of the search index (properties)\n\n  %s\n", printable.Lines(string(mapping)))
	fmt.Fprintf(&b, "\nTable for Athena\n\n%s", printable.Lines(s.DDL(table, location)))
	if len(s.Untyped) > 0 {
		b.WriteString("\n" + oneLine("Without a type, so neither a column nor searchable: %s",
			strings.Join(s.Untyped, ", ")))
	}
	return b.String(), nil
}

func (s *schemaCommand) writeJSON(v any) error {
	encoder := json.NewEncoder(s.out)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "  ")
	return encoder.Encode(v)
}
