package cloudwatch

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
)

func (s *Stack) addMetricAlarm(p properties) error {
	actions, err := s.resolveActions(p)
	if err != nil {
		return err
	}
	if p.Threshold == nil || p.EvaluationPeriods < 1 {
		return errors.New("must have a threshold and evaluation periods")
	}
	a := &metricAlarm{
		name: p.AlarmName, actions: actions,
		datapoints: cmp.Or(p.DatapointsToAlarm, p.EvaluationPeriods), periods: p.EvaluationPeriods,
		comparison: p.ComparisonOperator, threshold: *p.Threshold, missingData: cmp.Or(p.TreatMissingData, "missing"),
	}
	if w := p.WarmUpConfiguration; w != nil {
		a.warmUpMinutes, a.warmUpWhole = w.WarmUpPeriodDurationInMinutes, w.OnlyStartEvaluatingAfterWarmUpPeriodEnds
	}
	known := []string{
		"GreaterThanThreshold", "GreaterThanOrEqualToThreshold", "LessThanThreshold", "LessThanOrEqualToThreshold",
	}
	if !slices.Contains(known, a.comparison) {
		return fmt.Errorf("comparison %q is not implemented", a.comparison)
	}
	if !slices.Contains([]string{"missing", "ignore", "breaching", "notBreaching"}, a.missingData) {
		return fmt.Errorf("TreatMissingData %q is unknown", a.missingData)
	}
	period, err := a.addQueries(p)
	if err != nil {
		return err
	}
	if period < 60 || period%60 != 0 {
		return fmt.Errorf("period of %d s is not implemented", period)
	}
	a.periodMinutes = period / 60
	if err := a.checkExpressions(); err != nil {
		return err
	}
	s.metrics = append(s.metrics, a)
	return nil
}

// addQueries adds the metric, or the metrics and expressions, and returns their period in seconds.
func (a *metricAlarm) addQueries(p properties) (int, error) {
	if len(p.Metrics) == 0 {
		metric, err := metricOf(p.Namespace, p.MetricName, p.Dimensions)
		a.queries = []query{{id: "m", metric: metric, statistic: cmp.Or(p.Statistic, p.ExtendedStatistic), returned: true}}
		return p.Period, err
	}
	period := 0
	for _, m := range p.Metrics {
		q := query{id: m.ID, expression: m.Expression, returned: m.ReturnData}
		if stat := m.MetricStat; stat != nil {
			metric, err := metricOf(stat.Metric.Namespace, stat.Metric.MetricName, stat.Metric.Dimensions)
			if err != nil {
				return 0, err
			}
			q.metric, q.statistic = metric, stat.Stat
			if period != 0 && period != stat.Period {
				return 0, errors.New("all metrics must have the same period")
			}
			period = stat.Period
		}
		a.queries = append(a.queries, q)
	}
	return period, nil
}

// checkExpressions evaluates the alarm once without data, so that later evaluations cannot fail.
func (a *metricAlarm) checkExpressions() error {
	context := mathContext{map[string]operand{}, map[string]int{}, 1}
	returned := 0
	for _, q := range a.queries {
		value := operand{one: series{missing}}
		if q.expression != "" {
			computed, err := evaluateMath(q.expression, context)
			if err != nil {
				return err
			}
			value = computed
		} else if q.statistic == "" {
			return errors.New("must have a statistic")
		} else {
			context.period[q.id] = a.periodMinutes * 60
		}
		context.series[q.id] = value
		if q.returned {
			returned++
			if value.one == nil {
				return fmt.Errorf("%s must be one series", q.id)
			}
		}
	}
	if returned != 1 {
		return fmt.Errorf("must return one series (got %d)", returned)
	}
	return nil
}

// Limits of a composite alarm.
// https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_PutCompositeAlarm.html
const (
	maxRuleLength   = 10_240
	maxRuleChildren = 100
	// maxRuleElements counts alarms, TRUE, FALSE and parentheses.
	maxRuleElements = 500
)

func (s *Stack) addComposite(p properties) error {
	actions, err := s.resolveActions(p)
	if err != nil {
		return err
	}
	text, err := resolve(p.AlarmRule)
	if err != nil {
		return err
	}
	rule, err := parseRule(text)
	if err != nil {
		return err
	}
	children := rule.alarms()
	slices.Sort(children)
	distinct, elements := len(slices.Compact(slices.Clone(children))), len(children)
	for _, c := range text {
		if c == '(' || c == ')' {
			elements++
		}
	}
	if len(text) > maxRuleLength || distinct > maxRuleChildren || elements > maxRuleElements {
		return fmt.Errorf("rule must have at most %d characters, %d alarms and %d elements (got %d, %d, %d)",
			maxRuleLength, maxRuleChildren, maxRuleElements, len(text), distinct, elements)
	}
	c := &compositeAlarm{name: p.AlarmName, rule: rule, actions: actions}
	if p.ActionsSuppressor != nil {
		if c.suppressor, err = resolve(p.ActionsSuppressor); err != nil {
			return err
		}
		c.waitMinutes = minutesOf(p.ActionsSuppressorWaitPeriod)
		c.extensionMinutes = minutesOf(p.ActionsSuppressorExtensionPeriod)
	}
	s.composites = append(s.composites, c)
	return nil
}

func minutesOf(seconds int) int { return (seconds + 59) / 60 }

func (s *Stack) addMuteRule(p properties) error {
	alarms, err := resolveAll(p.MuteTargets.AlarmNames)
	if err != nil {
		return err
	}
	schedule := p.Rule.Schedule
	rule, err := newMuteRule(schedule.Expression, schedule.Duration, schedule.Timezone, alarms)
	if err != nil {
		return err
	}
	s.mutes = append(s.mutes, rule)
	return nil
}

// sortComposites brings each composite alarm behind those that it reads. CloudWatch rejects a rule with an alarm that
// does not exist, and stops to evaluate a circle.
func (s *Stack) sortComposites() error {
	var sorted []*compositeAlarm
	done := map[string]bool{}
	for _, a := range s.metrics {
		done[a.name] = true
	}
	for len(sorted) < len(s.composites) {
		before := len(sorted)
		for _, c := range s.composites {
			reads := c.rule.alarms()
			if c.suppressor != "" {
				reads = append(reads, c.suppressor)
			}
			unknown := slices.ContainsFunc(reads, func(name string) bool { return !done[name] })
			if !done[c.name] && !unknown {
				done[c.name] = true
				sorted = append(sorted, c)
			}
		}
		if len(sorted) == before {
			return errors.New("composite alarms read alarms that do not exist, or each other")
		}
	}
	s.composites = sorted
	for _, m := range s.mutes {
		for _, name := range m.alarms {
			if !done[name] {
				return fmt.Errorf("mute rule: alarm %s does not exist", name)
			}
		}
	}
	return nil
}
