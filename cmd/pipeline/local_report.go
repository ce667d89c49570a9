package main

import (
	"bufio"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"text/tabwriter"

	"firehose-pipeline/contract"
	"firehose-pipeline/deadletter"
	"firehose-pipeline/event"
	"firehose-pipeline/internal/printable"
	"firehose-pipeline/local"
	"firehose-pipeline/local/audit"
	"firehose-pipeline/local/results"
	"firehose-pipeline/local/template"
)

// textReport is the report for people.
type textReport struct {
	out, bucket string
	streams     []local.StreamInfo
	report      local.Report
	rejected    int64
	served      bool     // records were put to the endpoint, and may be anything
	put         putLines // of a file
	interrupted bool
	unread      bool // the input could not be read to its end
	letters     letters
	page        string // the address of the run as a page
	checked     *audit.Report
	survey      *surveyReport // nil for none
}

// letters are the messages of the dead-letter queue.
type letters struct {
	counts map[letterKind]int64
	first  json.RawMessage // nil when there is none
}

type letterKind struct {
	stream event.Stream
	reason deadletter.Reason
	kind   deadletter.Kind
}

// readLetters counts the messages in the file.
func readLetters(path string) (letters, error) {
	l := letters{counts: map[letterKind]int64{}}
	file, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return l, nil
	}
	if err != nil {
		return l, fmt.Errorf("reading dead letters: %w", err)
	}
	defer file.Close()
	lines := bufio.NewScanner(file)
	lines.Buffer(nil, 8*deadletter.MaxMessageBytes) // a byte may take six in JSON
	for lines.Scan() {
		if l.first == nil {
			l.first = slices.Clone(lines.Bytes())
		}
		m, err := deadletter.Parse(lines.Bytes())
		if err != nil { // somebody else's message: --serve lets anybody send
			l.counts[letterKind{stream: "?", reason: "not a dead letter"}]++
			continue
		}
		kind := m.Kind
		if kind == deadletter.Record {
			kind = ""
		}
		l.counts[letterKind{m.Stream, m.Reason, kind}]++
	}
	if err := lines.Err(); err != nil {
		return l, fmt.Errorf("reading dead letters: %w", err)
	}
	return l, nil
}

// pathTo is a path in the folder of results, quoted for a shell where it has to be.
func (t *textReport) pathTo(elements ...string) string {
	return quote(filepath.Join(append([]string{t.out}, elements...)...))
}

func (t *textReport) writeText(w *strings.Builder) {
	r := &t.report
	fmt.Fprint(w, t.survey.warning())
	if t.unread {
		fmt.Fprint(w, "the events could not be read to the end: this is everything put until then\n\n")
	} else if t.interrupted {
		fmt.Fprint(w, "interrupted: this is everything put until then\n\n")
	}
	switch all := r.Events + t.put.notEvents + t.put.blank + t.rejected; {
	case t.served:
		fmt.Fprint(w, count(r.Events, "record"))
	case t.put.notEvents > 0 || t.put.blank > 0:
		fmt.Fprintf(w, "%s, %s", count(all, "line"), count(r.Events, "event"))
	default:
		fmt.Fprint(w, count(r.Events, "event"))
	}
	fmt.Fprintf(w, " in %s", seconds(r.ElapsedSeconds))
	if t.put.notEvents > 0 {
		fmt.Fprintf(w, "; %s", counted(t.put.notEvents, notEventsText))
	}
	if t.put.blank > 0 {
		fmt.Fprintf(w, "; %s blank, not sent", thousands(t.put.blank))
	}
	fmt.Fprintln(w)
	if t.rejected > 0 {
		fmt.Fprintf(w, "%s rejected by Firehose, listed above: in no stream\n", count(t.rejected, "record"))
	}
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(w)
	fmt.Fprint(table, "stream\treceived\tdelivered\tdropped\tfailed\t  stored\n")
	row := func(name string, c local.Counts, in string) {
		fmt.Fprintf(table, "%-6s\t%s\t%s\t%s\t%s\t  in %s\n", name, thousands(c.Received), thousands(c.Delivered),
			thousands(c.Dropped), thousands(c.Failed), in)
	}
	row("lake", r.Streams.Lake.Counts, count(r.Streams.Lake.Objects, "object"))
	if s := r.Streams.Search; s != nil {
		row("search", s.Counts, counted(int64(len(s.Indices)), "{index|indices}"))
	}
	flushTable(table)
	if d := r.DataStream; d != nil {
		fmt.Fprintf(w, "data stream: %s in %s", count(d.Records, "record"), count(int64(d.Shards), "shard"))
		if d.Reread > 0 {
			fmt.Fprintf(w, "; %s read again", thousands(d.Reread))
		}
		fmt.Fprintln(w)
	}
	t.writeDropped(w)
	lost := func(name string, c local.Counts) {
		if c.Discarded > 0 {
			fmt.Fprintf(w, "%s: %s\n", name, counted(c.Discarded,
				"record{|s} discarded after S3 had rejected {it|them} for 24 hours"))
		}
		if c.Uncopied > 0 {
			fmt.Fprintf(w, "%s: the copies of %s\n", name,
				counted(c.Uncopied, "record{|s} discarded after S3 had rejected them for 24 hours"))
		}
	}
	lost("lake", r.Streams.Lake.Counts)
	if s := r.Streams.Search; s != nil {
		lost("search", s.Counts)
	}
	if s := r.Streams.Search; s != nil && len(s.Indices) > 0 {
		fmt.Fprint(w, "\nindices\n")
		indices := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
		for _, index := range slices.Sorted(maps.Keys(s.Indices)) {
			fmt.Fprintf(indices, "  %s\t%s\n", printable.Text(index), count(s.Indices[index], "document"))
		}
		flushTable(indices)
	}
	fmt.Fprintf(w, "\ndead letters: %s\n", thousands(r.DeadLetter.Messages))
	t.writeLetters(w)
	writeFaults(w, r.Faults)
	t.survey.writeTo(w)
	if t.checked != nil {
		fmt.Fprintln(w)
		writeCheck(w, t.checked)
	}
	t.writeNext(w)
}

// writeDropped names the rule by which records were dropped.
func (t *textReport) writeDropped(w io.Writer) {
	lake := t.report.Streams.Lake
	dropped := map[event.Stream]int64{event.Lake: lake.Dropped - lake.Elsewhere}
	elsewhere := lake.Elsewhere
	if s := t.report.Streams.Search; s != nil {
		dropped[event.Search] = s.Dropped - s.Elsewhere
		elsewhere += s.Elsewhere
	}
	if elsewhere > 0 {
		fmt.Fprintf(w, "dropped as replays for the other store: %s\n", thousands(elsewhere))
	}
	for _, s := range t.streams { // the streams have the same setting
		if dropped[s.Kind] <= 0 || s.Config.Transform == nil {
			continue
		}
		var types []string
		text := s.Config.Transform.Function.Environment[contract.EnvDropEventTypes]
		if json.Unmarshal([]byte(text), &types) != nil { // the transform would not have started with it
			types = []string{text}
		}
		fmt.Fprintf(w, "dropped by the setting dropEventTypes: %s\n", printable.Text(strings.Join(types, ", ")))
		return
	}
}

func (t *textReport) writeLetters(w io.Writer) {
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	kinds := slices.SortedFunc(maps.Keys(t.letters.counts), func(a, b letterKind) int {
		return cmp.Or(cmp.Compare(a.stream, b.stream), cmp.Compare(t.letters.counts[b], t.letters.counts[a]),
			cmp.Compare(a.reason, b.reason), cmp.Compare(a.kind, b.kind))
	})
	for _, k := range kinds {
		of := ""
		if k.kind != "" {
			of = "\tkind " + printable.Text(string(k.kind))
		}
		stream, reason := printable.Text(string(k.stream)), printable.Text(string(k.reason))
		fmt.Fprintf(table, "  %s\t%s\t%s%s\n", stream, reason, thousands(t.letters.counts[k]), of)
	}
	flushTable(table)
}

// writeNext says where to look next, in commands that can be pasted.
func (t *textReport) writeNext(w io.Writer) {
	if t.report.Streams.Lake.Received == 0 &&
		(t.report.Streams.Search == nil || t.report.Streams.Search.Received == 0) {
		return
	}
	fmt.Fprint(w, "\nlook next\n")
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	next := func(what, command string) { fmt.Fprintf(table, "  %s\t%s\n", what, command) }
	for _, s := range t.streams {
		if s.Config.S3 == nil {
			continue
		}
		lake := t.pathTo(results.ObjectsDir, t.bucket, template.LiteralPrefix(s.Config.S3.Prefix))
		if t.report.Streams.Lake.Objects > 0 {
			next("the lake's objects", "find "+lake+" -type f")
		}
		if t.report.Streams.Lake.Objects > 0 && s.Config.S3.Conversion != nil {
			files := filepath.Join(t.out, results.ObjectsDir, t.bucket, template.LiteralPrefix(s.Config.S3.Prefix), "**",
				"*.parquet")
			next("the lake, with DuckDB", "duckdb -c "+quote(selectLake(files)))
		}
		if backup := s.Config.S3.Backup; backup != nil && t.report.Streams.Lake.Received > 0 {
			next("records as received", "find "+t.pathTo(results.ObjectsDir, t.bucket, template.LiteralPrefix(backup.Prefix))+
				" -type f")
		}
	}
	if s := t.report.Streams.Search; s != nil && len(s.Indices) > 0 {
		next("documents", "head -n 1 "+t.pathTo(results.IndexFile(slices.Min(slices.Collect(maps.Keys(s.Indices))))))
	}
	if t.page != "" {
		next("this run in a browser", t.page)
	}
	if t.report.DeadLetter.Messages > 0 {
		next("dead letters", "head -n 1 "+t.pathTo(results.QueueFile))
	}
	flushTable(table)
}

// selectLake is a query in DuckDB's SQL over files of Parquet. The keys of the path are always text there; by default
// DuckDB makes them numbers until one has a leading zero, and shows no column that the first file lacks.
func selectLake(files string) string {
	return "SELECT * FROM read_parquet('" + strings.ReplaceAll(files, "'", "''") +
		"', hive_types_autocast=false, union_by_name=true) LIMIT 5"
}

func writeCheck(w io.Writer, c *audit.Report) {
	if c.Clean() {
		once := ", once"
		if c.Duplicates != (audit.Duplicates{}) || len(c.Losses) > 0 {
			once = ""
		}
		fmt.Fprintf(w, "check: %s put, each one where it had to end%s\n", count(c.Records, "record"), once)
		writeRepeated(w, c)
		return
	}
	fmt.Fprintf(w, "check: %s put, %s\n", count(c.Records, "record"), count(int64(len(c.Findings)), "finding"))
	for _, f := range c.Findings {
		fmt.Fprintf(w, "  %s\n", printable.Text(f.String()))
	}
	writeRepeated(w, c)
}

// writeReport prints the result; its error says with which status to exit.
func (l *localCommand) writeReport(ctx context.Context, p *local.Pipeline, out string, rejections *rejections,
	interrupted, unread bool) error {
	report := p.Report()
	if !l.serve {
		report.Events = l.put.events
	}
	var checked *audit.Report
	if l.check {
		l.screen.beginStep("checking", -1)
		c, err := p.Check(ctx)
		if err != nil {
			return orInterrupted(ctx, err)
		}
		l.screen.endStep()
		checked = &c
	}
	surveyed := l.survey.report(l.events)
	if l.format.value == "json" {
		text, err := jsonReport(report, l.put, rejections.lines, checked, surveyed)
		if err != nil {
			return err
		}
		if _, err := l.stdout.Write(text); err != nil {
			return fmt.Errorf("writing the report: %w", err)
		}
		if checked != nil {
			writeCheck(l.stderr, checked)
		}
		fmt.Fprint(l.stderr, strings.TrimSuffix(surveyed.warning(), "\n"))
	} else {
		letters, err := readLetters(results.Path(out, results.QueueFile))
		if err != nil {
			return err
		}
		t := textReport{out: out, bucket: p.BucketName(), streams: p.Streams(), report: report,
			rejected: rejections.lines,
			served:   l.serve, put: l.put, interrupted: interrupted && !l.serve, unread: unread, letters: letters,
			checked: checked, survey: surveyed, page: fileURL(results.Path(out, results.ReportFile))}
		var text strings.Builder
		t.writeText(&text)
		if rows := int(l.sample.value); rows > 0 {
			if err := t.writeSample(&text, rows); err != nil {
				return err
			}
		}
		if _, err := io.WriteString(l.stdout, text.String()); err != nil {
			return fmt.Errorf("writing the report: %w", err)
		}
	}
	never := neverFired(report.Faults)
	if len(never) > 0 {
		fmt.Fprintf(l.stderr, "--fault: never occurred: %s\n", strings.Join(never, ", "))
	}
	switch {
	case interrupted && !l.serve:
		if l.format.value == "json" {
			fmt.Fprintln(l.stderr, "interrupted: the report has everything put until then")
		}
		return errInterrupted
	case l.put.notEvents > 0 && l.put.events == 0:
		sayNoEvent(l.stderr, l.events)
		return errReported
	case checked != nil && !checked.Clean(), rejections.lines > 0, len(never) > 0:
		return errReported
	}
	return nil
}

// localReport is the report for programs. Counts of lines that were not an event, blank or rejected are there only when
// there are some, and the check's result only in a run with faults.
type localReport struct {
	local.Report
	Check     *audit.Report `json:"check,omitempty"`
	NotEvents int64         `json:"notEvents,omitempty"`
	Blank     int64         `json:"blank,omitempty"`
	Rejected  int64         `json:"rejected,omitempty"`
	Survey    *surveyReport `json:"survey,omitempty"`
}

func jsonReport(
	r local.Report, put putLines, rejected int64, checked *audit.Report, surveyed *surveyReport,
) ([]byte, error) {
	if len(r.Faults) == 0 {
		checked = nil
	}
	text, err := json.Marshal(localReport{r, checked, put.notEvents, put.blank, rejected, surveyed})
	if err != nil {
		return nil, fmt.Errorf("encoding the report: %w", err)
	}
	return []byte(printable.Lines(string(text)) + "\n"), nil
}
