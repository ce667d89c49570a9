package main

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"firehose-pipeline/contract"
	"firehose-pipeline/event"
	"firehose-pipeline/internal/printable"
	"firehose-pipeline/trace"
)

const deadLettersSection = "docs/runbook.md#dead-letters"

// addNext adds the next commands to a report.
func (t *traceCommand) addNext(r *trace.Report) {
	r.Next = []string{}
	add := func(text string) {
		for _, known := range r.Next {
			if known == text {
				return
			}
		}
		r.Next = append(r.Next, text)
	}
	for _, store := range []event.Stream{event.Lake, event.Search} {
		status := r.Stores[string(store)]
		for _, h := range r.Failures(store) {
			if status != trace.Waiting && status != trace.GivenUp {
				break
			}
			if h.Reason.FailsAgain() {
				add(fmt.Sprintf("correct the cause first: %s fails again when it is replayed unchanged", h.Reason))
			}
			if t.results != "" {
				add("replay failed records of a local run while pipeline local --serve runs: docs/local.md")
			} else {
				add(t.replayCommand(&h))
			}
			add("read " + deadLettersSection)
		}
		switch status {
		case trace.GivenUp:
			add("read docs/runbook.md#error-handler-events-dropped when no dead letter was sent")
		case trace.Missing, trace.NeverSeen:
			add("ask the producer: each event goes to both streams (docs/send.md), and a put that Firehose rejected has to be " +
				"repeated")
		case trace.Buffered:
			add("run the command again later")
		}
	}
}

// replayCommand is the command that replays a failed record, and others like it of the same second.
func (t *traceCommand) replayCommand(h *trace.Hit) string {
	words := []string{programName(), "replay"}
	if t.target.stack != "" {
		words = append(words, "--stack", quote(t.target.stack))
	}
	if t.target.outputs != "" {
		words = append(words, "--outputs", quote(t.target.outputs))
	}
	if !h.Waiting {
		words = append(words, "--prefix", quote(contract.ErrorPrefix+string(h.Stream)+"/"))
	}
	words = append(words, "--stream", string(h.Stream), "--stage", string(h.Stage), "--reason", string(h.Reason))
	if received := h.Received(); !received.IsZero() {
		from := received.UTC().Truncate(time.Second)
		words = append(words, "--from", from.Format(time.RFC3339), "--to", from.Add(time.Second).Format(time.RFC3339))
	}
	return strings.Join(words, " ")
}

func (t *traceCommand) writeReport(r *trace.Report) error {
	if t.format.value == "json" {
		encoder := json.NewEncoder(t.stdout)
		encoder.SetEscapeHTML(false)
		return encoder.Encode(r)
	}
	_, err := fmt.Fprint(t.stdout, traceText(r))
	return err
}

// stateTexts are the states in words.
var stateTexts = map[trace.State]string{trace.Found: "found", trace.NotFound: "not found",
	trace.NotLookedAt: "not looked at", trace.Failed: "failed"}

func traceText(r *trace.Report) string {
	w := &strings.Builder{}
	window := ""
	if r.Since != nil {
		window += ", received since " + r.Since.Format(time.RFC3339)
	}
	if r.Until != nil {
		window += ", until " + r.Until.Format(time.RFC3339)
	}
	w.WriteString(oneLine("event %s (%s)%s", shorten(r.EventID), r.Field, window))
	w.WriteByte('\n')
	for i := range r.Places {
		p := &r.Places[i]
		fmt.Fprintf(w, "%-18s %s%s\n", p.Name.Title(), stateTexts[p.State], lookedText(p))
		if p.Why != "" {
			w.WriteString("  " + oneLine("%s", p.Why))
		}
		for _, h := range p.Hits {
			w.WriteString("  " + oneLine("%s", hitText(p, &h)))
		}
		if p.MoreHits > 0 {
			fmt.Fprintf(w, "  and %s more\n", thousands(p.MoreHits))
		}
	}
	w.WriteString("\n" + oneLine("verdict: %s", r.Summary))
	if len(r.Next) > 0 {
		w.WriteString("next:\n")
	}
	for _, next := range r.Next {
		w.WriteString("  " + oneLine("%s", next))
	}
	return w.String()
}

func lookedText(p *trace.Place) string {
	if p.State == trace.NotLookedAt || p.State == trace.Failed {
		return ""
	}
	what := map[string]string{"objects": "object", "queue": "message", "file": "file"}[p.Means]
	if p.Means == "file" && p.Name == trace.DeadLetters {
		what = "message"
	}
	switch {
	case p.Means == "athena":
		return " (by Athena)"
	case what == "":
		return ""
	case p.Total > p.Looked:
		return fmt.Sprintf(" (looked at %s of %s)", thousands(p.Looked), count(p.Total, what))
	}
	return fmt.Sprintf(" (looked at %s)", count(p.Looked, what))
}

// timeTexts are the meanings of a hit's time in words.
var timeTexts = map[string]string{"processed": "processed", "received": "received", "failed": "failed",
	"objectBegan": "in an object whose oldest record came"}

// hitText describes one hit.
func hitText(p *trace.Place, h *trace.Hit) string {
	var parts []string
	add := func(format string, args ...any) { parts = append(parts, fmt.Sprintf(format, args...)) }
	if h.Letter != "" {
		letter := "message " + printable.Text(h.Letter)
		if h.ReceiveCount > 0 {
			letter += fmt.Sprintf(" (received %s)", count(int64(h.ReceiveCount), "time"))
		}
		add("%s", letter)
	}
	if h.Object != "" {
		where := printable.Text(h.Object)
		switch {
		case h.Row > 0 && strings.HasSuffix(h.Object, ".parquet"):
			where += fmt.Sprintf(", row %d", h.Row)
		case h.Row > 0:
			where += fmt.Sprintf(", line %d", h.Row)
		case h.Offset != nil:
			where += fmt.Sprintf(", byte %d", *h.Offset)
		}
		add("%s", where)
	}
	if h.Index != "" && h.Document != "" {
		add("index %s, document %s", printable.Text(h.Index), printable.Text(h.Document))
	}
	if h.Time != nil {
		add("%s %s", timeTexts[h.TimeOf], h.Time.Format("2006-01-02T15:04:05.000Z"))
	}
	text := strings.Join(parts, ", ")
	if h.Reason == "" {
		return text
	}
	text += fmt.Sprintf(": %s stream, stage %s, %s: %s", h.Stream, h.Stage, h.Reason, h.Explanation)
	if h.ErrorCode != failedStatus && h.ErrorCode+h.ErrorText != "" {
		text += ": " + strings.TrimSpace(h.ErrorCode+" "+h.ErrorText)
	}
	if p.Name == trace.ErrorObjects && h.Waiting {
		text += " (a dead letter is in the queue)"
	}
	return text
}
