package constructs

import (
	"slices"
	"strings"

	"github.com/aws/aws-cdk-go/awscdk/v2/awscloudwatch"
	"github.com/aws/jsii-runtime-go"
)

// severity selects the topic of a message.
type severity int

const (
	silent severity = iota // no message
	page                   // somebody has to act now, at night too
	ticket                 // can wait for the next working day
)

// loss is the owner's loss while a composite alarm is on, or the severity alone of a metric alarm that sends its own
// messages. A loss whose cause is in ALARM sends nothing: the cause has sent the message.
type loss struct {
	name     string // of the composite alarm
	fires    string // completes "Fires when …"
	severity severity
	cause    cause
}

// cause is a condition that explains a loss: any of these alarms is in ALARM.
type cause struct {
	name   string // of the composite alarm that has them all; not needed for one alarm
	alarms []string
	// waitSeconds is the time that the cause has to show after the loss.
	waitSeconds int
}

// Seconds of a suppressed composite alarm. CloudWatch evaluates metric alarms every minute, so a minute is the least to
// wait for an alarm that fires at the same time. The extension is the time that a loss needs to end after its cause:
// the windows of the alarms on delivery, a buffer interval and the backlog.
// https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/alarm-suppression.html
const (
	causeWaitSeconds      = 120
	causeExtensionSeconds = 45 * 60
)

// The losses. The transform's failures and a lost key explain late stores, and a domain in danger explains late search.
var (
	eventsNotAccepted = loss{"events-not-accepted", "records of producers are rejected", page, cause{}}
	// The second page of an outage whose first one nobody has acted on: from now on the time to the loss is known.
	recordsExpiring = loss{"records-expiring", "records of the data stream expire before they are read", page, cause{}}
	recordsFailing  = loss{"records-failing", "whole batches of records fail in a transform", page, cause{}}
	domainInDanger  = loss{"domain-in-danger",
		"the search domain loses data or rejects all writes, or is about to", page, cause{}}
	lakeLate = loss{"lake-late", "the lake does not get its records in time", page, cause{"lake-late-cause",
		[]string{"lake-transform-failing", "lake-transform-errors", "lake-transform-throttles", "domain-key-error",
			"domain-key-inaccessible"}, causeWaitSeconds}}
	searchLate = loss{"search-late", "search does not get its documents in time", page, cause{"search-late-cause",
		[]string{"search-transform-failing", "search-transform-errors", "search-transform-throttles",
			domainInDanger.name}, causeWaitSeconds}}
	// The copies go to the lake's bucket, with buffers of their own: ten minutes for the alarms of the lake to show.
	failurePathBroken = loss{"failure-path-broken", "failed records or copies of records are not kept", page,
		cause{"failure-path-cause", []string{lakeLate.name, "domain-key-error", "domain-key-inaccessible"}, 600}}

	recordsFailed  = loss{"records-failed", "records failed and wait to be replayed", ticket, cause{}}
	domainDegraded = loss{"domain-degraded", "the search domain is too small, or lacks a node, a replica or a snapshot",
		ticket, cause{alarms: []string{domainInDanger.name}, waitSeconds: causeWaitSeconds}}
	capacityLow = loss{"capacity-low", "a stream or a function is near its limit", ticket,
		cause{alarms: []string{eventsNotAccepted.name}, waitSeconds: causeWaitSeconds}}

	// ticketByItself is the loss of a metric alarm that sends its own messages.
	ticketByItself = loss{severity: ticket}
	// forRules is the loss of an alarm that only rules of composite alarms read.
	forRules = loss{severity: silent}
)

// losses in the order of their rules: a cause comes before a loss that names it.
var losses = []loss{
	eventsNotAccepted, recordsExpiring, recordsFailing, domainInDanger, lakeLate, searchLate, failurePathBroken,
	recordsFailed, domainDegraded, capacityLow,
}

// combine makes a composite alarm of each loss that has members in this stack, and the message that all is well again.
func (a *Alarms) combine() {
	for _, l := range losses {
		members := a.members[l.name]
		if len(members) == 0 {
			continue
		}
		a.combineAlarms(l, anyOf(a, members), members, a.combineCause(l.cause))
	}
	a.announceRecovery()
}

// combineCause returns the name of the alarm that is on while any alarm of the cause is; empty if this stack has none.
func (a *Alarms) combineCause(c cause) string {
	var known []string
	for _, name := range c.alarms {
		if a.made[name] != nil {
			known = append(known, name)
		}
	}
	switch len(known) {
	case 0:
		return ""
	case 1:
		return known[0]
	}
	l := loss{name: c.name, fires: "one of its members explains other alarms, which then send no message"}
	a.combineAlarms(l, anyOf(a, known), known, "")
	return c.name
}

// announceRecovery makes the alarm that sends a ticket when every page is over. An OK action of a composite alarm would
// also be executed right after the alarm's creation, because that is a change of state, from INSUFFICIENT_DATA to OK:
// https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_PutCompositeAlarm.html
// So there are none. The memory of a page is the topic's own count of messages.
func (a *Alarms) announceRecovery() {
	of := metricsOf("AWS/SNS", [2]string{"TopicName", *a.pages.Topic.TopicName()})
	a.on(forRules, "paged", "a page was sent in the last 24 hours", of("NumberOfMessagesPublished", "Sum"),
		condition{above, 0, 3600, 1, 24})
	l := loss{name: "recovered", fires: "a page was sent in the last 24 hours, and everything that pages is well again",
		severity: ticket}
	var paging []string
	for _, l := range losses {
		if l.severity == page && a.made[l.name] != nil {
			paging = append(paging, l.name)
		}
	}
	rule := anyOf(a, []string{"paged"}) + " AND NOT (" + anyOf(a, paging) + ")"
	a.combineAlarms(l, rule, append(paging, "paged"), "")
}

// anyOf is the rule that any of the alarms is in ALARM.
func anyOf(a *Alarms, names []string) string {
	terms := make([]string, len(names))
	for i, name := range names {
		terms[i] = `ALARM("` + a.fullName(name) + `")`
	}
	return strings.Join(terms, " OR ")
}

// combineAlarms makes one composite alarm after the alarms that it reads: CloudWatch rejects a rule with an alarm that
// does not exist. It sends nothing while the suppressor, if it has one, is on.
func (a *Alarms) combineAlarms(l loss, rule string, reads []string, suppressor string) {
	props := &awscloudwatch.CfnCompositeAlarmProps{
		AlarmName:        jsii.String(a.fullName(l.name)),
		AlarmDescription: describe(l.name, l.fires),
		AlarmRule:        jsii.String(rule),
		AlarmActions:     a.actions(l, l.name),
	}
	if suppressor != "" {
		props.ActionsSuppressor = jsii.String(a.fullName(suppressor))
		props.ActionsSuppressorWaitPeriod = jsii.Number(l.cause.waitSeconds)
		props.ActionsSuppressorExtensionPeriod = jsii.Number(causeExtensionSeconds)
		reads = append(slices.Clone(reads), suppressor)
	}
	made := awscloudwatch.NewCfnCompositeAlarm(a.Construct, jsii.String(l.name), props)
	for _, name := range reads {
		made.Node().AddDependency(a.made[name])
	}
	a.made[l.name] = made
	a.arns = append(a.arns, *made.AttrArn())
}

// actions are the topic of the severity, for alarms that send messages: composite alarms, and metric alarms of a loss
// without a name.
func (a *Alarms) actions(l loss, name string) *[]any {
	var topic *AlarmTopic
	switch {
	case l.name != "" && l.name != name: // a member
		return nil
	case l.severity == page:
		topic = a.pages
	case l.severity == ticket:
		topic = a.tickets
	default:
		return nil
	}
	a.sending = append(a.sending, name)
	return &[]any{*topic.Topic.TopicArn()}
}
