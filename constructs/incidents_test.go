package constructs_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"firehose-pipeline/internal/testkit/cloudwatch"
)

// incident is a time in which something happens to a stack that otherwise runs well. It begins at minute [began] and
// ends at minute ended, if somebody has to end it.
type incident struct {
	title   string
	happens func(p plant)
	minutes int // default: 12 hours
	ended   int // default: 0, nobody has to end it
	pages   string
	tickets string
	after   int // minutes from the beginning to the page
	fresh   bool
	// dataStream is an incident of a stack with ingestion kinesis.
	dataStream bool
	// ignored means that nobody acts on the page, so that a second one follows.
	ignored bool
}

const (
	began   = 120
	halfDay = 12 * 60
)

// play returns the messages of one order of evaluation, and checks that the other order sends the same.
func play(t *testing.T, stack *cloudwatch.Stack, data *cloudwatch.Data, options cloudwatch.Options) cloudwatch.Result {
	t.Helper()
	result := stack.Play(data, options)
	options.Reverse = true
	other := stack.Play(data, options)
	show := func(r cloudwatch.Result) (texts []string) {
		for _, m := range r.Messages {
			texts = append(texts, fmt.Sprintf("%05d %s %s", m.Minute, m.Alarm, m.State))
		}
		slices.Sort(texts)
		return texts
	}
	if a, b := show(result), show(other); !slices.Equal(a, b) {
		t.Errorf("messages: must not depend on the order of evaluation (got %q and %q)", a, b)
	}
	return result
}

// summary is what an incident sent, by severity; names are without the stack's.
type summary struct {
	pages, tickets, fired []string
	recovered             int  // messages
	firstPage             int  // minute
	early                 bool // a message of recovery was sent while an alarm that pages was in ALARM
}

func summarize(stack string, stackAlarms *cloudwatch.Stack, r cloudwatch.Result) summary {
	var s summary
	for _, m := range r.Messages {
		name := strings.TrimPrefix(m.Alarm, stack+"-")
		switch {
		case name == "recovered":
			s.recovered++
			s.early = s.early || isPaging(r, m.Minute)
		case strings.HasPrefix(m.Topic, "AlarmTopic"):
			if len(s.pages) == 0 {
				s.firstPage = m.Minute
			}
			s.pages = append(s.pages, name)
		default:
			s.tickets = append(s.tickets, name)
		}
	}
	metrics, _ := stackAlarms.Alarms()
	for _, tr := range r.Transitions {
		name := strings.TrimPrefix(tr.Alarm, stack+"-")
		known := name == "paged" || slices.Contains(s.fired, name)
		if tr.To == cloudwatch.Alarm && slices.Contains(metrics, tr.Alarm) && !known {
			s.fired = append(s.fired, name)
		}
	}
	slices.Sort(s.tickets)
	slices.Sort(s.fired)
	return s
}

// isPaging reports whether an alarm that has sent a page is in ALARM after this minute.
func isPaging(r cloudwatch.Result, minute int) bool {
	states := map[string]cloudwatch.State{}
	for _, tr := range r.Transitions {
		if tr.Minute <= minute {
			states[tr.Alarm] = tr.To
		}
	}
	return slices.ContainsFunc(r.Messages, func(m cloudwatch.Message) bool {
		return strings.HasPrefix(m.Topic, "AlarmTopic") && states[m.Alarm] == cloudwatch.Alarm
	})
}

func (s summary) row(in incident) string {
	dash := func(names []string) string {
		if len(names) == 0 {
			return "–"
		}
		links := make([]string, len(names))
		for i, name := range names {
			links[i] = fmt.Sprintf("[%s](#%s)", name, name)
		}
		return strings.Join(links, ", ")
	}
	after := "–"
	if len(s.pages) > 0 {
		after = fmt.Sprint(s.firstPage-began, " min")
	}
	return fmt.Sprintf("| %s | %s | %s | %s | %s |", in.title, dash(s.pages), after, dash(s.tickets), dash(s.fired))
}

func incidentTable(rows []string) string {
	head := "| Incident | Page | After | Ticket | Metric alarms |\n| --- | --- | --- | --- | --- |\n"
	return head + strings.Join(rows, "\n")
}
