package main

import (
	"cmp"
	"encoding/json"
	"firehose-pipeline/deadletter"
	"firehose-pipeline/internal/plural"
	"firehose-pipeline/internal/printable"
	"firehose-pipeline/replay"
	"fmt"
	"maps"
	"slices"
	"strings"
	"text/tabwriter"
	"time"
)

func (r *replayCommand) writeReport(report *replay.Report) error {
	text := []byte(r.reportText(report))
	if r.format.value == "json" {
		var err error
		if text, err = json.Marshal(report); err != nil {
			return fmt.Errorf("encoding the report: %w", err)
		}
		text = []byte(printable.Lines(string(text)) + "\n")
	}
	if _, err := r.stdout.Write(text); err != nil {
		return fmt.Errorf("writing the report: %w", err)
	}
	return nil
}

// outcomeTexts say what an outcome means, in the order in which they are shown, in the form of [plural.Of].
var outcomeTexts = []struct {
	outcome replay.Outcome
	text    string
	advice  string
}{
	{replay.Matching, "would be replayed", ""},
	{replay.Replayed, "replayed", ""},
	{replay.AlreadyReplayed, "replayed before", ""},
	{replay.Partly, "partly replayed", "the rest of {its|their} records is counted below"},
	{replay.FailedAgain, "failed again",
		"{it was|they were} replayed before: the cause looks unfixed. " +
			"--again replays {it|them} all the same"},
	{replay.Refused, "refused",
		"the transform's check rejects {it: it|them: they} would fail again. --refused replays {it|them} all the same"},
	{replay.InStore, "in the index",
		"the index has a newer version of {this document: delete the dead letter|these documents: delete the dead " +
			"letters}. " +
			"--reason SearchConflict replays {it|them} all the same"},
	{replay.NotTaken, "not accepted", "Firehose did not accept {it|them}: run the command again"},
	{replay.TooLarge, "too large",
		"the transform has made {it|them} larger than 1,000 KiB: as received {it is|they are} in source-data/"},
	{replay.NoData, "without data",
		"the error {object does|objects do} not have " +
			"{the record, or fewer than the dead letter counts|all records that they count}"},
	{replay.ForeignPointer, "with a foreign pointer",
		"{it does|they do} not point to an error object of the stack, and {was|were} not followed: find out who " +
			"sent {it|them}"},
	{replay.NeedsBucket, "without a bucket", "{it points|they point} to error objects, " +
		"which are read from the stack's bucket only: set --bucket, --stack or --outputs"},
	{replay.NoStream, "of no stream",
		"{its stream is|their streams are} not known, or do{es|} not exist: use --lake-stream or --search-stream"},
	{replay.ObjectMissing, "whose object is gone", "the error {object was|objects were} deleted"},
	{replay.NeedsState, "need{s|} --state", "{it covers|they cover} many records, of which only some match: " +
		"only --state records which of them were replayed"},
	{replay.NotReplayable, "without records",
		"{it is|they are} about something unreadable or foreign: look at the {object|objects}"},
	{replay.NoLetter, "not recognised",
		"{it is another message|they are other messages} in the queue, sent by somebody else"},
	{replay.Open, "not done", "run the command again"},
}

func (r *replayCommand) reportText(report *replay.Report) string {
	w := &strings.Builder{}
	done := "nothing was changed; --yes replays"
	if report.Acted {
		done = "in " + seconds(report.ElapsedSeconds)
	}
	switch report.From {
	case replay.FromQueue:
		var letters int64
		for _, n := range report.Letters {
			letters += n
		}
		of := ""
		if report.Waiting > letters || report.More {
			of = fmt.Sprintf(" of about %s", thousands(report.Waiting))
		}
		fmt.Fprintf(w, "%s%s in the dead-letter queue, %s\n", count(letters, "dead letter"), of, done)
		if report.Repeated > 0 {
			fmt.Fprintf(w, "%s came more than once\n", count(report.Repeated, "dead letter"))
		}
		if report.More {
			fmt.Fprintln(w, "the queue has more: only these were read (--limit)")
		}
	default:
		fmt.Fprintf(w, "%s, %s\n", count(report.Objects, "object"), done)
		if report.More {
			fmt.Fprintln(w, "there is more: only these were read (--limit)")
		}
	}
	r.writeGroups(w, report)
	counts := report.Letters
	if report.From != replay.FromQueue {
		counts = report.Records
	}
	if len(counts) > 0 {
		fmt.Fprintln(w)
	}
	what := "dead letter"
	if report.From != replay.FromQueue {
		what = "record"
	}
	for _, o := range outcomeTexts {
		if n := counts[o.outcome]; n > 0 {
			fmt.Fprintf(w, "%s %s", count(n, what), plural.Of(n, o.text))
			if o.advice != "" {
				fmt.Fprintf(w, ": %s", plural.Of(n, o.advice))
			}
			fmt.Fprintln(w)
		}
	}
	if n := counts[replay.Filtered]; n > 0 {
		fmt.Fprintf(w, "%s not selected\n", count(n, what))
	}
	for _, stream := range slices.Sorted(maps.Keys(report.Put)) {
		p := report.Put[stream]
		fmt.Fprintf(w, "%s, %s MB, put to the %s stream in %s", count(p.Records, "record"), formatMegabytes(p.Bytes),
			stream, count(p.Calls, "call"))
		if p.Throttled > 0 {
			fmt.Fprintf(w, ", %s throttled", thousands(p.Throttled))
		}
		if p.Unanswered > 0 {
			fmt.Fprintf(w, ", %s possibly twice", thousands(p.Unanswered))
		}
		fmt.Fprintln(w)
	}
	if report.Undeleted > 0 {
		fmt.Fprintln(w, counted(report.Undeleted, "dead letter{|s} could not be deleted "+
			"though {its record was|their records were} replayed: {it becomes|they become} visible again, "+
			"recognised by the same --state"))
	}
	if report.Lost > 0 {
		fmt.Fprintf(w, "up to %s may not have been read: a response of SQS was lost. "+
			"%s visible again within %.0f minutes: run the command again\n",
			count(report.Lost, "dead letter"), plural.Of(report.Lost, "{It becomes|They become}"), visibility.Minutes())
	}
	if report.UnreadableBytes > 0 {
		fmt.Fprintln(w, counted(report.UnreadableBytes,
			"byte{ is|s are} not part of an event, and {was|were} left out:"))
		for _, place := range report.Unreadable {
			fmt.Fprintf(w, "  %s\n", printable.Text(place))
		}
	}
	switch {
	case report.CameBack > 0:
		fmt.Fprintf(w, "warning: %s failed again after the replay: the cause looks unfixed\n",
			count(report.CameBack, "record"))
	case report.Records[replay.FailedAgain] > 0:
		fmt.Fprintln(w, plural.Of(report.Records[replay.FailedAgain],
			"warning: the same record{|s} failed again: the cause looks unfixed"))
	case report.Watched:
		fmt.Fprintln(w, "no replayed record failed again while the error output was watched")
	}
	return w.String()
}

func (r *replayCommand) writeGroups(w *strings.Builder, report *replay.Report) {
	if len(report.Groups) == 0 {
		return
	}
	fmt.Fprintln(w)
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "stream\tstage\treason\tletters\treceived\trecords")
	for _, g := range report.Groups {
		reason := string(g.Reason)
		if g.Kind != "" && g.Kind != deadletter.Record {
			reason += " (kind " + string(g.Kind) + ")"
		}
		received := ""
		if g.First != nil {
			received = g.First.Format(time.RFC3339)
			if last := g.Last.Format(time.RFC3339); last != received {
				received += " to " + last
			}
		}
		var parts []string
		if len(g.Records) == 0 { // of a dead letter for several records
			parts = []string{"counted by their own reasons"}
		}
		for _, o := range outcomeTexts {
			if n := g.Records[o.outcome]; n > 0 {
				parts = append(parts, counted(n, o.text))
			}
		}
		fmt.Fprintf(table, "%s\t%s\t%s\t%s\t%s\t%s\n", printable.Text(string(g.Stream)),
			printable.Text(string(g.Stage)),
			printable.Text(reason), thousands(g.Letters), received, strings.Join(parts, ", "))
	}
	flushTable(table)
	first := true
	for _, g := range report.Groups {
		if g.Sample == nil || g.Sample.Code == "" && g.Sample.EventID == "" && g.Sample.ReasonOffset == nil {
			continue
		}
		if first {
			fmt.Fprintln(w, "\nfor example")
			first = false
		}
		id := cmp.Or(g.Sample.EventID, "without event_id")
		fmt.Fprint(w, "  ", oneLine("%s, %s: event %s%s", g.Stream, g.Reason, id, exampleText(g.Sample)))
	}
}

// failedStatus is the code of every record that the transform rejected: its own reason says more.
const failedStatus = "Lambda.ProcessingFailedStatus"

// exampleText describes why a record failed, and how it begins.
func exampleText(s *replay.Sample) string {
	var text string
	if s.Code != failedStatus && s.Code+s.Text != "" {
		text += ": " + strings.TrimSpace(s.Code+" "+shorten(s.Text))
	}
	if s.ReasonOffset != nil {
		text += fmt.Sprintf(": at byte %d", *s.ReasonOffset)
	}
	if len(s.Start) > 0 {
		text += fmt.Sprintf(": it begins %q", s.Start)
	}
	return text
}
