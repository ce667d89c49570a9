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

func (r *replayCommand) report(report *replay.Report) error {
	text := []byte(r.text(report))
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
	{replay.Matching, "would be put back", ""},
	{replay.Replayed, "put back", ""},
	{replay.AlreadyReplayed, "put back before", ""},
	{replay.Partly, "put back in part", "the rest of {its|their} records is counted below"},
	{replay.FailedAgain, "failed again",
		"{it was|they were} put back before and came back: the cause looks unfixed. " +
			"--again puts {it|them} back all the same"},
	{replay.Refused, "refused",
		"the transform's check refuses {it: it|them: they} would fail again. --refused puts {it|them} back all the same"},
	{replay.InStore, "in the index",
		"the index has a newer version of {this document: delete the letter|these documents: delete the letters}. " +
			"--reason SearchConflict puts {it|them} back all the same"},
	{replay.NotTaken, "not taken", "Firehose did not take {it|them}: run the command again"},
	{replay.TooLarge, "too large",
		"the transform has made {it|them} larger than 1,000 KiB: as received {it is|they are} in source-data/"},
	{replay.NoData, "without data",
		"the error {object does|objects do} not have " +
			"{the record, or fewer than the letter tells|all records that they tell} of"},
	{replay.ForeignPointer, "with a foreign pointer",
		"{it leads|they lead} to no error object of the stack, and {was|were} not followed: find out who sent {it|them}"},
	{replay.NeedsBucket, "without a bucket", "{it points|they point} to error objects, " +
		"which are read from the stack's bucket alone: name it with --bucket, --stack or --outputs"},
	{replay.NoStream, "of no stream",
		"{its stream is|their streams are} not known, or not there: use --lake-stream or --search-stream"},
	{replay.ObjectMissing, "whose object is gone", "the error {object was|objects were} deleted"},
	{replay.NeedsState, "need{s|} --state", "{it stands|they stand} for many records, of which only some match: " +
		"only with --state is it known later which were put back"},
	{replay.NotReplayable, "without records",
		"{it tells|they tell} of something unreadable or foreign: look at the {object|objects}"},
	{replay.NoLetter, "not recognised",
		"{it is not a dead letter|they are not dead letters}: somebody else sent {it|them}"},
	{replay.Open, "not done", "run the command again"},
}

func (r *replayCommand) text(report *replay.Report) string {
	w := &strings.Builder{}
	done := "nothing was changed; --yes puts back"
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
		fmt.Fprintf(w, "%s%s in the dead-letter queue, %s\n", count(letters, "letter"), of, done)
		if report.Repeated > 0 {
			fmt.Fprintf(w, "%s came more than once\n", count(report.Repeated, "letter"))
		}
		if report.More {
			fmt.Fprintln(w, "the queue has more: these are those that were looked at (--limit)")
		}
	default:
		fmt.Fprintf(w, "%s, %s\n", count(report.Objects, "object"), done)
		if report.More {
			fmt.Fprintln(w, "there is more: these are those that were looked at (--limit)")
		}
	}
	r.groups(w, report)
	counts := report.Letters
	if report.From != replay.FromQueue {
		counts = report.Records
	}
	if len(counts) > 0 {
		fmt.Fprintln(w)
	}
	what := "letter"
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
		fmt.Fprintf(w, "%s, %s MB, put to the %s stream in %s", count(p.Records, "record"), megabytes(p.Bytes), stream, count(p.Calls, "call"))
		if p.Throttled > 0 {
			fmt.Fprintf(w, ", %s throttled", thousands(p.Throttled))
		}
		if p.Unanswered > 0 {
			fmt.Fprintf(w, ", %s possibly twice", thousands(p.Unanswered))
		}
		fmt.Fprintln(w)
	}
	if report.Undeleted > 0 {
		fmt.Fprintln(w, counted(report.Undeleted, "letter{|s} could not be deleted "+
			"though {its record was|their records were} put back: {it comes back, and is|they come back, and are} known with the same --state"))
	}
	if report.Lost > 0 {
		fmt.Fprintf(w, "up to %s may not have been seen: an answer of SQS was lost on its way. "+
			"%s back into sight within %.0f minutes: run the command again\n",
			count(report.Lost, "letter"), plural.Of(report.Lost, "{It comes|They come}"), visibility.Minutes())
	}
	if report.UnreadableBytes > 0 {
		fmt.Fprintln(w, counted(report.UnreadableBytes, "byte{ belongs|s belong} to no event, and {was|were} left out:"))
		for _, place := range report.Unreadable {
			fmt.Fprintf(w, "  %s\n", printable.Text(place))
		}
	}
	switch {
	case report.CameBack > 0:
		fmt.Fprintf(w, "warning: %s put back failed again: the cause looks unfixed\n", count(report.CameBack, "record"))
	case report.Records[replay.FailedAgain] > 0:
		fmt.Fprintln(w, plural.Of(report.Records[replay.FailedAgain],
			"warning: the same record{|s} came back: the cause looks unfixed"))
	case report.Watched:
		fmt.Fprintln(w, "of what was put back, nothing failed again while the error output was watched")
	}
	return w.String()
}

func (r *replayCommand) groups(w *strings.Builder, report *replay.Report) {
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
		if len(g.Records) == 0 { // of a letter that stands for several
			parts = []string{"counted by their own reasons"}
		}
		for _, o := range outcomeTexts {
			if n := g.Records[o.outcome]; n > 0 {
				parts = append(parts, counted(n, o.text))
			}
		}
		fmt.Fprintf(table, "%s\t%s\t%s\t%s\t%s\t%s\n", printable.Text(string(g.Stream)), printable.Text(string(g.Stage)),
			printable.Text(reason), thousands(g.Letters), received, strings.Join(parts, ", "))
	}
	flush(table)
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
		fmt.Fprint(w, "  ", line("%s, %s: event %s%s", g.Stream, g.Reason, id, example(g.Sample)))
	}
}

// failedStatus is the code of every record that the transform refused: its own reason tells more.
const failedStatus = "Lambda.ProcessingFailedStatus"

// example is what is known of why a record failed, and how it begins.
func example(s *replay.Sample) string {
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
