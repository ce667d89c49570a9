package constructs

import (
	"github.com/aws/aws-cdk-go/awscdk/v2/awscloudwatch"
	"github.com/aws/jsii-runtime-go"
)

// on makes an alarm on one metric.
func (a *Alarms) on(l loss, name, fires string, m metric, c condition) {
	props := a.props(l, name, fires, m.namespace, c)
	props.Namespace = jsii.String(m.namespace)
	props.MetricName = jsii.String(m.name)
	props.Dimensions = m.properties()
	props.Period = jsii.Number(c.periodSecs)
	if m.statistic[0] == 'p' {
		props.ExtendedStatistic = jsii.String(m.statistic)
	} else {
		props.Statistic = jsii.String(m.statistic)
	}
	a.thresholds[m.key()] = c.threshold
	a.makeMetricAlarm(name, props)
}

func (a *Alarms) makeMetricAlarm(name string, props *awscloudwatch.CfnAlarmProps) {
	//accept:finding CloudWatchAlarmAction on Alarms/*
	// because composite alarms send one message for each cause; a test checks that each metric alarm sends messages
	// or is read by one that does
	made := awscloudwatch.NewCfnAlarm(a.Construct, jsii.String(name), props)
	a.made[name] = made
	a.arns = append(a.arns, *made.AttrArn())
}

// input is a metric of an expression, by the id that the expression uses.
type input struct {
	id string
	metric
}

// onMath makes an alarm on an expression over metrics; steps are named expressions that it uses.
func (a *Alarms) onMath(
	l loss,
	name, fires, expression string,
	inputs []input,
	steps [][2]string,
	c condition,
) {
	var queries []any
	for _, in := range inputs {
		queries = append(queries, &awscloudwatch.CfnAlarm_MetricDataQueryProperty{
			Id:         jsii.String(in.id),
			ReturnData: jsii.Bool(false),
			MetricStat: &awscloudwatch.CfnAlarm_MetricStatProperty{
				Metric: &awscloudwatch.CfnAlarm_MetricProperty{
					Namespace:  jsii.String(in.namespace),
					MetricName: jsii.String(in.name),
					Dimensions: in.properties(),
				},
				Period: jsii.Number(c.periodSecs),
				Stat:   jsii.String(in.statistic),
			},
		})
	}
	for _, step := range steps {
		queries = append(
			queries,
			&awscloudwatch.CfnAlarm_MetricDataQueryProperty{
				Id:         jsii.String(step[0]),
				Expression: jsii.String(step[1]),
				ReturnData: jsii.Bool(false),
			},
		)
	}
	queries = append(
		queries,
		&awscloudwatch.CfnAlarm_MetricDataQueryProperty{
			Id:         jsii.String("result"),
			Expression: jsii.String(expression),
			ReturnData: jsii.Bool(true),
		},
	)
	props := a.props(l, name, fires, inputs[0].namespace, c)
	props.Metrics = queries
	a.makeMetricAlarm(name, props)
}

// props are the properties that all metric alarms have. An alarm of a loss without a name sends its own messages; any
// other is a member of the loss's composite alarm and sends none.
func (a *Alarms) props(l loss, name, fires, namespace string, c condition) *awscloudwatch.CfnAlarmProps {
	if l.name != "" {
		a.members[l.name] = append(a.members[l.name], name)
	}
	return &awscloudwatch.CfnAlarmProps{
		AlarmName:           jsii.String(a.fullName(name)),
		AlarmDescription:    describe(name, fires),
		AlarmActions:        a.actions(l, name),
		ComparisonOperator:  jsii.String(c.comparison),
		Threshold:           jsii.Number(c.threshold),
		EvaluationPeriods:   jsii.Number(c.periods),
		DatapointsToAlarm:   jsii.Number(c.of),
		TreatMissingData:    jsii.String("notBreaching"),
		WarmUpConfiguration: warmUp(namespace, c.periodSecs),
	}
}

func (a *Alarms) fullName(name string) string { return a.stackName + "-" + name }

// describe is the description of an alarm; its name is the anchor of its section.
func describe(name, fires string) *string {
	return jsii.String("Fires when " + fires + ". What to do: docs/runbook.md#" + name)
}

// warmUp is the time after its creation in which an alarm is not evaluated. By default it ends with the first full
// window of data. A domain's nodes join one by one, so its metrics are wrong before they are right: its alarms wait in
// any case, and one that looks back a day waits until that day is past. Two days are the most that CloudWatch accepts.
// https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/alarm-warm-up.html
func warmUp(namespace string, periodSecs int) *awscloudwatch.CfnAlarm_WarmUpConfigurationProperty {
	minutes, whole := 30, false
	if namespace == "AWS/ES" {
		minutes, whole = 60, true
	}
	if periodSecs >= 24*60*60 {
		minutes = 2 * 24 * 60
	}
	return &awscloudwatch.CfnAlarm_WarmUpConfigurationProperty{
		WarmUpPeriodDurationInMinutes:            jsii.Number(minutes),
		OnlyStartEvaluatingAfterWarmUpPeriodEnds: jsii.Bool(whole),
	}
}
