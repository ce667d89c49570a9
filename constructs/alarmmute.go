package constructs

import (
	"github.com/aws/aws-cdk-go/awscdk/v2/awscloudwatch"
	"github.com/aws/jsii-runtime-go"

	"firehose-pipeline/settings"
)

// mute keeps every message back during the windows of the schedule. CloudWatch evaluates the alarms meanwhile, and an
// alarm that is still in ALARM at the end of a window sends its message then.
// https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/alarm-mute-rules-behaviour.html
func (a *Alarms) mute(schedule settings.MuteSchedule) {
	names := make([]*string, len(a.sending))
	for i, name := range a.sending {
		names[i] = jsii.String(a.fullName(name))
	}
	when := &awscloudwatch.CfnAlarmMuteRule_ScheduleProperty{
		Expression: jsii.String(schedule.Expression),
		Duration:   jsii.String(schedule.Duration),
	}
	if schedule.Timezone != "" {
		when.Timezone = jsii.String(schedule.Timezone)
	}
	rule := awscloudwatch.NewCfnAlarmMuteRule(a.Construct, jsii.String("MuteRule"), &awscloudwatch.CfnAlarmMuteRuleProps{
		Name:        jsii.String(a.stackName + "-maintenance"),
		Description: jsii.String("Mutes the messages of " + a.stackName + ": setting alarmMuteSchedule"),
		Rule:        &awscloudwatch.CfnAlarmMuteRule_RuleProperty{Schedule: when},
		MuteTargets: &awscloudwatch.CfnAlarmMuteRule_MuteTargetsProperty{AlarmNames: &names},
	})
	for _, name := range a.sending {
		rule.Node().AddDependency(a.made[name])
	}
}
