package cloudwatch

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// Stack has the alarms and mute rules of a template.
type Stack struct {
	metrics    []*metricAlarm
	composites []*compositeAlarm // each after those that it reads
	mutes      []*muteRule
	actions    map[string]map[State][]string
}

// Alarms returns the names of all alarms, metric alarms first.
func (s *Stack) Alarms() (metrics, composites []string) {
	for _, a := range s.metrics {
		metrics = append(metrics, a.name)
	}
	for _, c := range s.composites {
		composites = append(composites, c.name)
	}
	return metrics, composites
}

// Only returns a stack of one metric alarm.
func (s *Stack) Only(alarm string) *Stack {
	one := &Stack{actions: s.actions}
	for _, a := range s.metrics {
		if a.name == alarm {
			one.metrics = append(one.metrics, a)
		}
	}
	return one
}

// Metrics returns the metrics that an alarm watches.
func (s *Stack) Metrics(alarm string) []Metric {
	var metrics []Metric
	for _, a := range s.metrics {
		if a.name != alarm {
			continue
		}
		for _, q := range a.queries {
			if q.metric != "" {
				metrics = append(metrics, q.metric)
			}
		}
	}
	return metrics
}

// properties of the three resource types, as far as they are implemented: any other property is an error.
type properties struct {
	AlarmName, AlarmDescription string
	AlarmActions, OKActions     []any
	InsufficientDataActions     []any
	Tags                        []any

	Namespace, MetricName, Statistic, ExtendedStatistic string
	Dimensions                                          []dimension
	Period, EvaluationPeriods, DatapointsToAlarm        int
	ComparisonOperator, TreatMissingData                string
	Threshold                                           *float64
	Metrics                                             []struct {
		ID         string `json:"Id"`
		Expression string
		ReturnData bool
		MetricStat *struct {
			Metric struct {
				Namespace, MetricName string
				Dimensions            []dimension
			}
			Period int
			Stat   string
		}
	}
	WarmUpConfiguration *struct {
		WarmUpPeriodDurationInMinutes            int
		OnlyStartEvaluatingAfterWarmUpPeriodEnds bool
	}

	AlarmRule, ActionsSuppressor                                  any
	ActionsSuppressorWaitPeriod, ActionsSuppressorExtensionPeriod int

	Name, Description string
	MuteTargets       struct{ AlarmNames []any }
	Rule              struct {
		Schedule struct{ Expression, Duration, Timezone string }
	}
}

type dimension struct {
	Name  string
	Value any
}

// Read reads the alarms of a synthesised template, a JSON document.
func Read(template []byte) (*Stack, error) {
	var document struct {
		Resources map[string]struct {
			Type       string
			Properties json.RawMessage
		}
	}
	if err := json.Unmarshal(template, &document); err != nil {
		return nil, fmt.Errorf("reading the template: %w", err)
	}
	s := &Stack{actions: map[string]map[State][]string{}}
	for _, id := range slices.Sorted(maps.Keys(document.Resources)) {
		r := document.Resources[id]
		add, ok := map[string]func(properties) error{
			"AWS::CloudWatch::Alarm":          s.addMetricAlarm,
			"AWS::CloudWatch::CompositeAlarm": s.addComposite,
			"AWS::CloudWatch::AlarmMuteRule":  s.addMuteRule,
		}[r.Type]
		if !ok {
			continue
		}
		var p properties
		decoder := json.NewDecoder(bytes.NewReader(r.Properties))
		decoder.DisallowUnknownFields()
		if err := decoder.Decode(&p); err != nil {
			return nil, fmt.Errorf("%s: %w", id, err)
		}
		if err := add(p); err != nil {
			return nil, fmt.Errorf("%s: %w", id, err)
		}
	}
	return s, s.sortComposites()
}

// resolve returns a string value: itself, the logical id of a Ref, "id.attribute" of a GetAtt, or a Join of these.
func resolve(value any) (string, error) {
	switch v := value.(type) {
	case string:
		return v, nil
	case map[string]any:
		if id, ok := v["Ref"].(string); ok {
			return id, nil
		}
		if att, ok := v["Fn::GetAtt"].([]any); ok && len(att) == 2 {
			return fmt.Sprintf("%s.%s", att[0], att[1]), nil
		}
		if join, ok := v["Fn::Join"].([]any); ok && len(join) == 2 {
			separator, _ := join[0].(string)
			parts, _ := join[1].([]any)
			texts, err := resolveAll(parts)
			return strings.Join(texts, separator), err
		}
	}
	return "", fmt.Errorf("value %v is not implemented", value)
}

func resolveAll(values []any) ([]string, error) {
	texts := make([]string, len(values))
	for i, value := range values {
		text, err := resolve(value)
		if err != nil {
			return nil, err
		}
		texts[i] = text
	}
	return texts, nil
}

func (s *Stack) resolveActions(p properties) (map[State][]string, error) {
	actions := map[State][]string{}
	for state, list := range map[State][]any{
		Alarm: p.AlarmActions, OK: p.OKActions, InsufficientData: p.InsufficientDataActions,
	} {
		topics, err := resolveAll(list)
		if err != nil {
			return nil, err
		}
		actions[state] = topics
	}
	if _, twice := s.actions[p.AlarmName]; twice || p.AlarmName == "" {
		return nil, fmt.Errorf("alarm name %q must be there once", p.AlarmName)
	}
	s.actions[p.AlarmName] = actions
	return actions, nil
}

// metricOf returns the metric with its dimensions in order.
func metricOf(namespace, name string, dimensions []dimension) (Metric, error) {
	var texts []string
	for _, d := range dimensions {
		value, err := resolve(d.Value)
		if err != nil {
			return "", err
		}
		texts = append(texts, d.Name+"="+value)
	}
	slices.Sort(texts)
	return Metric(strings.Join(append([]string{namespace, name}, texts...), " ")), nil
}
