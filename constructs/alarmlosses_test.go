package constructs_test

import (
	"regexp"
	"strings"
	"testing"

	"firehose-pipeline/internal/testkit/cloudwatch"
)

// Incidents of the runbook, and times without one, against all alarms: at most one page for each cause, none without a
// cause. The table is in docs/runbook.md.
func TestIncidents(t *testing.T) {
	const stackName = "kinesis-firehose-pipeline-production"
	all := allNames(t)
	stacks, names := map[bool]*cloudwatch.Stack{}, map[bool]map[string]cloudwatch.Metric{}
	for i, variant := range largestStacks {
		stacks[i == 1] = readAlarms(t, variant)
		names[i == 1] = metricNames(t, stacks[i == 1])
	}
	composites := map[string]bool{}
	var rows []string
	for _, in := range incidents {
		t.Run(in.title, func(t *testing.T) {
			stack := stacks[in.dataStream]
			p := newPlant(t, names[in.dataStream], all, max(in.minutes, halfDay))
			in.happens(p)
			result := play(t, stack, p.data, cloudwatch.Options{Fresh: in.fresh})
			for _, tr := range result.Transitions {
				if tr.To == cloudwatch.Alarm {
					composites[tr.Alarm] = true
				}
			}
			s := summarize(stackName, stack, result)
			if strings.Join(s.pages, ", ") != in.pages || strings.Join(s.tickets, ", ") != in.tickets {
				t.Errorf("must send pages %q and tickets %q (got %q, %q; fired: %q)",
					in.pages, in.tickets, s.pages, s.tickets, s.fired)
			}
			if len(s.pages) > 1 && !in.ignored {
				t.Errorf("must send one page at most (got %q)", s.pages)
			}
			if len(s.pages) > 0 && s.firstPage-began != in.after {
				t.Errorf("must page after %d minutes (got %d)", in.after, s.firstPage-began)
			}
			if want := min(len(s.pages), in.ended); s.recovered != min(want, 1) {
				t.Errorf("recovered: must be sent %d times (got %d)", min(want, 1), s.recovered)
			}
			if s.early {
				t.Error("recovered: must not be sent while an alarm that pages is in ALARM")
			}
			rows = append(rows, s.row(in))
		})
	}
	for _, stack := range stacks {
		_, all := stack.Alarms()
		for _, name := range all {
			if !composites[name] {
				t.Errorf("%s: no incident fires it", name)
			}
		}
	}
	if t.Failed() {
		return
	}
	checkGenerated(t, "docs/runbook.md", "incidents", incidentTable(rows))
}

// Times without an incident send nothing, in every kind of stack.
func TestQuietTimesSendNothing(t *testing.T) {
	all := allNames(t)
	for _, variant := range []string{"dev", "enableOpenSearch false", "smallest", "ingestion kinesis in production"} {
		stack := readAlarms(t, variant)
		names := metricNames(t, stack)
		for _, in := range quietTimes {
			p := newPlant(t, names, all, max(in.minutes, halfDay))
			in.happens(p)
			if result := play(t, stack, p.data, cloudwatch.Options{Fresh: in.fresh}); len(result.Messages) > 0 {
				t.Errorf("%s, %s: must send nothing (got %v)", variant, in.title, result.Messages)
			}
		}
	}
}

var ruleAlarm = regexp.MustCompile(`ALARM\("([^"]+)"\)`)

// rulesAlarms returns the alarms of a composite alarm's rule and its suppressor.
func rulesAlarms(composite resource) []string {
	rule, _ := composite.Properties["AlarmRule"].(string)
	var names []string
	for _, found := range ruleAlarm.FindAllStringSubmatch(rule, -1) {
		names = append(names, found[1])
	}
	return names
}

// checkComposites checks that CloudFormation creates the alarms of a rule before the rule: CloudWatch rejects others.
func checkComposites(t *testing.T, template *template, composites map[string]resource, byName map[string]string) {
	t.Helper()
	for id, composite := range composites {
		needs := template.needs(id)
		reads := rulesAlarms(composite)
		if suppressor, ok := composite.Properties["ActionsSuppressor"].(string); ok {
			reads = append(reads, suppressor)
		}
		if len(reads) == 0 {
			t.Errorf("%s: must read alarms", id)
		}
		for _, name := range reads {
			if !needs[byName[name]] {
				t.Errorf("%s: must depend on %s, which it reads", id, name)
			}
		}
	}
}
