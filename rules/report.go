package rules

import (
	"cmp"
	"slices"
	"strings"
)

// fileReport is what `cfn-guard validate --structured` reports of one template:
// https://github.com/aws-cloudformation/cloudformation-guard/blob/main/guard/src/rules/eval_context.rs (FileReport).
type fileReport struct {
	Name         string
	NotCompliant []clauseReport `json:"not_compliant"`
}

// clauseReport has one of its fields.
type clauseReport struct {
	Rule *struct {
		Name   string
		Checks []clauseReport
	}
	Disjunctions *struct{ Checks []clauseReport }
	Block        *struct {
		Messages   messages
		Unresolved *unresolved
	}
	Clause *struct{ Unary, Binary *check }
}

type messages struct {
	Custom *string `json:"custom_message"`
}

type check struct {
	Messages messages
	Check    struct {
		Resolved   *struct{ Value, From *value }
		InResolved *struct{ From *value }
		UnResolved *struct{ Value unresolved }
	}
}

type unresolved struct {
	TraversedTo value `json:"traversed_to"`
}

type value struct{ Path string }

// collectFindings returns each finding once: alternatives of a clause ("absent or UNCOMPRESSED") fail together.
func collectFindings(templates []string, reports []fileReport) []Finding {
	var findings []Finding
	for _, report := range reports {
		for _, failed := range report.NotCompliant {
			if failed.Rule == nil {
				continue
			}
			found := findingsOf(failed.Rule.Checks)
			if len(found) == 0 {
				found = []Finding{{Message: "the rule failed"}}
			}
			for _, f := range found {
				f.Template, f.Rule = report.Name, failed.Rule.Name
				if !slices.Contains(findings, f) {
					findings = append(findings, f)
				}
			}
		}
	}
	slices.SortStableFunc(findings, func(a, b Finding) int {
		return cmp.Compare(slices.Index(templates, a.Template), slices.Index(templates, b.Template))
	})
	return findings
}

func findingsOf(checks []clauseReport) []Finding {
	var findings []Finding
	add := func(m messages, path string) {
		// Conditions that select what a rule looks at are in the report, too, without a message.
		if m.Custom == nil || strings.TrimSpace(*m.Custom) == "" {
			return
		}
		f := Finding{Message: strings.TrimSpace(*m.Custom)}
		f.Resource, f.Property = splitPath(path)
		findings = append(findings, f)
	}
	for _, c := range checks {
		switch {
		case c.Rule != nil:
			findings = append(findings, findingsOf(c.Rule.Checks)...)
		case c.Disjunctions != nil:
			findings = append(findings, findingsOf(c.Disjunctions.Checks)...)
		case c.Block != nil:
			path := ""
			if c.Block.Unresolved != nil {
				path = c.Block.Unresolved.TraversedTo.Path
			}
			add(c.Block.Messages, path)
		case c.Clause != nil:
			for _, k := range []*check{c.Clause.Unary, c.Clause.Binary} {
				if k != nil {
					add(k.Messages, k.path())
				}
			}
		}
	}
	return findings
}

// path is that of the value that was checked, or of the deepest one on the way to a missing property.
func (c *check) path() string {
	switch {
	case c.Check.UnResolved != nil:
		return c.Check.UnResolved.Value.TraversedTo.Path
	case c.Check.InResolved != nil && c.Check.InResolved.From != nil:
		return c.Check.InResolved.From.Path
	case c.Check.Resolved != nil && c.Check.Resolved.From != nil:
		return c.Check.Resolved.From.Path
	case c.Check.Resolved != nil && c.Check.Resolved.Value != nil:
		return c.Check.Resolved.Value.Path
	}
	return ""
}

// splitPath reads a path such as /Resources/Stream/Properties/BufferingHints.
func splitPath(path string) (resource, property string) {
	parts := strings.Split(strings.TrimPrefix(path, "/"), "/")
	if len(parts) < 2 || parts[0] != "Resources" {
		return "", ""
	}
	return parts[1], strings.Join(parts[2:], ".")
}
