package searchsetup

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"
)

// checkRetention warns of what keeps the policy from deleting anything although it is there: a setting of the cluster,
// or another policy that takes new indices. A domain that does not let it be read is not worth a failed deployment.
func (s *Setup) checkRetention(ctx context.Context, state State) error {
	for _, check := range []func(context.Context, State) error{s.checkSettings, s.checkTemplates} {
		err := check(ctx, state)
		if isRefused(err) {
			s.log().Warn("not checked: "+err.Error(), "index", state.Index)
			err = nil
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// checkSettings reads what a person can set for index state management. On Amazon OpenSearch Service that is "enabled".
func (s *Setup) checkSettings(ctx context.Context, _ State) error {
	var got struct{ Persistent, Transient map[string]any }
	if err := s.Client.callServer(ctx, http.MethodGet, "/_cluster/settings?flat_settings=true", nil, &got); err != nil {
		return fmt.Errorf("reading the cluster's settings: %w", err)
	}
	const before = "opendistro.index_state_management" // OpenSearch 1.0
	for _, prefix := range []string{ismSettings, before} {
		for name, forbids := range map[string]func(any) bool{
			prefix + ".enabled": func(value any) bool { return fmt.Sprint(value) == "false" },
			prefix + ".allow_list": func(value any) bool {
				list, ok := value.([]any)
				return ok && !slices.Contains(list, any("delete"))
			},
		} {
			value, set := got.Transient[name]
			if !set {
				value, set = got.Persistent[name]
			}
			if set && forbids(value) {
				s.log().Warn("nothing is deleted by age: a cluster setting forbids it",
					"setting", name, "value", quoteAnswer(fmt.Sprint(value)))
			}
		}
	}
	return nil
}

// checkTemplates names policies whose template takes new indices before ours does. One of the same priority cannot be
// there: the server rejects either.
func (s *Setup) checkTemplates(ctx context.Context, state State) error {
	others, err := s.otherTemplates(ctx, state)
	if err != nil {
		return err
	}
	for _, other := range others {
		if other.priority > templatePriority {
			s.log().Warn("another policy applies to new indices: its retention counts, not this one",
				"policy", other.policy, "pattern", other.pattern, "priority", other.priority)
		}
	}
	return nil
}

// otherTemplate is an ism_template of another policy that matches indices of the pipeline, printable.
type otherTemplate struct {
	policy, pattern string
	priority        int64
}

// maxPolicies bounds the list of policies, which the server cuts at 20 unless it is asked for more.
const maxPolicies = 1000

func (s *Setup) otherTemplates(ctx context.Context, state State) (others []otherTemplate, err error) {
	var got struct {
		Policies []struct {
			ID     string `json:"_id"`
			Policy struct {
				Templates []struct {
					Patterns []string `json:"index_patterns"`
					Priority int64    `json:"priority"`
				} `json:"ism_template"`
			} `json:"policy"`
		} `json:"policies"`
		Total int `json:"total_policies"`
	}
	target := fmt.Sprintf("%s/policies?size=%d", ismAPI, maxPolicies)
	if err := s.Client.callServer(ctx, http.MethodGet, target, nil, &got); err != nil {
		return nil, fmt.Errorf("listing the policies of indices: %w", err)
	}
	if got.Total > len(got.Policies) {
		s.log().Warn("not checked: more policies exist than were listed", "policies", got.Total, "listed",
			len(got.Policies))
	}
	for _, p := range got.Policies {
		for _, t := range p.Policy.Templates {
			if pattern := overlappingPattern(t.Patterns, state.rotatedPattern()); pattern != "" &&
				p.ID != state.policyID() {
				others = append(others, otherTemplate{quoteAnswer(p.ID), quoteAnswer(pattern), t.Priority})
			}
		}
	}
	return others, nil
}

// overlappingPattern returns the first of a template's patterns that matches names which ours matches too; empty: none
// does. A pattern with a minus before it leaves names out (from OpenSearch 3.4 on).
func overlappingPattern(patterns []string, ours string) string {
	excludes := func(p string) bool {
		rest, ok := strings.CutPrefix(p, "-")
		return ok && patternCovers(rest, ours)
	}
	if slices.ContainsFunc(patterns, excludes) {
		return ""
	}
	for _, p := range patterns {
		if !strings.HasPrefix(p, "-") && patternsOverlap(p, ours) {
			return p
		}
	}
	return ""
}

// patternsOverlap reports whether some name matches both patterns, in which an asterisk matches any text.
func patternsOverlap(a, b string) bool {
	return matchPairs(a, b, func(i, j int, match func(i, j int) bool) bool {
		switch {
		case i < len(a) && a[i] == '*':
			return match(i+1, j) || j < len(b) && match(i, j+1)
		case j < len(b) && b[j] == '*':
			return match(i, j+1) || i < len(a) && match(i+1, j)
		}
		return i < len(a) && j < len(b) && a[i] == b[j] && match(i+1, j+1)
	})
}

// patternCovers reports whether every name that b matches is one that a matches. It may miss that where a has more than
// one asterisk.
func patternCovers(a, b string) bool {
	return matchPairs(a, b, func(i, j int, match func(i, j int) bool) bool {
		if i < len(a) && a[i] == '*' {
			return match(i+1, j) || j < len(b) && match(i, j+1)
		}
		return i < len(a) && j < len(b) && a[i] == b[j] && match(i+1, j+1)
	})
}

// matchPairs runs rule for the rests of two patterns, from their ends on, so that many asterisks do not make it slow.
// Two empty rests match.
func matchPairs(a, b string, rule func(i, j int, match func(i, j int) bool) bool) bool {
	known := make([]bool, (len(a)+1)*(len(b)+1))
	at := func(i, j int) int { return i*(len(b)+1) + j }
	match := func(i, j int) bool { return known[at(i, j)] }
	for i := len(a); i >= 0; i-- {
		for j := len(b); j >= 0; j-- {
			known[at(i, j)] = i == len(a) && j == len(b) || rule(i, j, match)
		}
	}
	return match(0, 0)
}
