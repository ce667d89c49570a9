package cost

import (
	"fmt"
	"strings"
)

// Figures of the functions' own logs and metrics. The number of metrics is that of the functions' code; a test compares
// them. The bytes are those of one invocation: the metric line (800), Lambda's own lines (350), and 26 that CloudWatch
// adds to each of four events.
const (
	transformMetrics    = 11 // names, for each stream
	errorHandlerMetrics = 3
	logBytes            = 1250
)

// archivedShare is how many bytes CloudWatch Logs stores for each byte that it took in: the assumption of AWS's
// calculator for compressed logs.
var archivedShare = WholeNumber(15).DividedBy(WholeNumber(100))

func (e *estimator) addCloudWatch() error {
	if err := e.addAlarms(); err != nil {
		return err
	}
	dashboards := WholeNumber(int64(len(e.t.of("AWS::CloudWatch::Dashboard"))))
	e.add("CloudWatch", "dashboards", "cloudwatch.dashboards", usage{dashboards, dashboards.Exact() + " in the template"})
	e.addMetrics()
	return e.addLogs()
}

// addAlarms adds alarms by the metrics that they watch: a metric math alarm has several.
// https://aws.amazon.com/cloudwatch/pricing/
func (e *estimator) addAlarms() error {
	var standard, high int64
	alarms := e.t.of(alarmType)
	for _, alarm := range alarms {
		metrics, period := int64(1), e.t.at(alarm.Properties, "Period")
		if queries := e.t.list(alarm.Properties, "Metrics"); len(queries) > 0 {
			metrics = 0
			for _, query := range queries {
				if e.t.at(query, "MetricStat") != nil {
					metrics++
					period = e.t.at(query, "MetricStat", "Period")
				}
				if text := strings.ToUpper(e.t.text(query, "Expression")); strings.Contains(text, "ANOMALY_DETECTION_BAND") {
					metrics += 2 // the band's two
				} else if strings.HasPrefix(strings.TrimSpace(text), "SELECT") {
					e.skip(alarm.Type, "alarms of Metrics Insights queries, by the metrics that they read")
				}
			}
		}
		seconds, err := e.t.number(WholeNumber(60), map[string]any{"Period": period}, "Period")
		if err != nil {
			return fmt.Errorf("%s: %w", alarm.id, err)
		}
		if seconds.CompareTo(WholeNumber(60)) < 0 {
			high += metrics
		} else {
			standard += metrics
		}
	}
	how := fmt.Sprintf("metrics that %d alarms watch", len(alarms))
	e.add("CloudWatch", "alarms", "cloudwatch.alarms", usage{WholeNumber(standard), how})
	e.add("CloudWatch", "alarms, high resolution", "cloudwatch.high-resolution-alarms", usage{WholeNumber(high), how})
	composites := WholeNumber(int64(len(e.t.of(compositeType))))
	e.add("CloudWatch", "composite alarms", "cloudwatch.composite-alarms",
		usage{composites, composites.Exact() + " in the template"})
	return nil
}

// addMetrics adds custom metrics: those of the functions' embedded metric format, names × combinations of dimensions,
// and those of metric filters.
func (e *estimator) addMetrics() {
	transforms, streams := int64(0), int64(0)
	for _, s := range e.streams {
		streams++
		if s.function != nil {
			transforms++
		}
	}
	count := transforms * transformMetrics
	how := []string{fmt.Sprintf("%d metrics × %d transforms", transformMetrics, transforms)}
	if e.w.FailedPerMillion.Sign() > 0 {
		count += errorHandlerMetrics * streams
		how = append(how, fmt.Sprintf("%d metrics of the error handler × %d streams", errorHandlerMetrics, streams))
	}
	if filters := int64(len(e.t.of("AWS::Logs::MetricFilter"))); filters > 0 {
		count += filters
		how = append(how, fmt.Sprintf("%d metric filters", filters))
	}
	e.add("CloudWatch", "custom metrics", "cloudwatch.metrics", usage{WholeNumber(count), strings.Join(how, " + ")})
}

// addLogs adds the logs of the transforms, and how long they are kept.
func (e *estimator) addLogs() error {
	for _, s := range e.streams {
		if s.function == nil {
			continue
		}
		invocations := e.invocations(s).quantity
		in := usage{invocations.Times(WholeNumber(logBytes)).DividedBy(bytesPerGB),
			fmt.Sprintf("%s invocations × %s bytes ÷ 2^30", invocations.Text(2), WholeNumber(logBytes).Exact())}
		group := e.t.find(e.t.at(s.function.Properties, "LoggingConfig"), "AWS::Logs::LogGroup")
		days := e.w.RetentionDays
		if group != nil {
			var err error
			if days, err = e.t.number(days, group.Properties, "RetentionInDays"); err != nil {
				return fmt.Errorf("%s: %w", group.id, err)
			}
			if class := e.t.text(group.Properties, "LogGroupClass"); class != "" && class != "STANDARD" {
				e.skip(group.Type, "logs of class "+class)
				continue
			}
		}
		name := "logs of the " + s.name + "'s transform"
		e.add("CloudWatch", name+": ingested", "cloudwatch.logs-in", in)
		e.add("CloudWatch", name+": stored", "cloudwatch.logs-stored", usage{
			in.quantity.Times(days).DividedBy(daysPerMonth).Times(archivedShare),
			fmt.Sprintf("%s GB × %s days ÷ %s × %s (compressed)", in.quantity.Text(4), days.Exact(), daysPerMonth.Text(4),
				archivedShare.Exact())})
		e.assume("an invocation of the transform logs %s bytes (metrics and Lambda's lines), stored as 15 %% of that",
			WholeNumber(logBytes).Exact())
	}
	if groups := e.t.of("AWS::Logs::LogGroup"); len(groups) > 0 {
		for _, group := range groups {
			e.bill.Free = countResource(e.bill.Free, group.Type, "log events are billed")
		}
		e.note("logs of Firehose, of the domain (errors, slow queries, audit) and of other functions are not estimated: " +
			"they depend on what happens")
	}
	return nil
}
