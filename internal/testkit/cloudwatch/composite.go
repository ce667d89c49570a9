package cloudwatch

// compositeAlarm is an alarm on the states of others.
type compositeAlarm struct {
	name                          string
	rule                          *ruleExpression
	suppressor                    string // empty: none
	waitMinutes, extensionMinutes int
	actions                       map[State][]string
	state                         State
	suppressed                    bool // the suppressor is in ALARM
	waiting                       bool // a wait or an extension period is active
	until                         int  // the minute at which it ends
}

// update sets the state and the periods of suppression at a minute; it reports a change of state, and whether the
// actions of the state are due.
//
// "Composite alarms don't take actions when WaitPeriod and ExtensionPeriod become active. Composite alarms take actions
// that are based on their current states when ExtensionPeriod and WaitPeriod become inactive."
// https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/alarm-suppression.html
func (c *compositeAlarm) update(states func(string) State, minute int) (changed, act bool) {
	if c.suppressor != "" {
		if now := states(c.suppressor) == Alarm; now != c.suppressed {
			c.suppressed, c.waiting = now, !now
			c.until = minute + c.extensionMinutes
		}
	}
	state := OK
	if c.rule.holds(states) {
		state = Alarm
	}
	if state == c.state {
		return false, false
	}
	c.state = state
	switch {
	case c.suppressor == "":
		return true, true
	case c.suppressed:
		return true, false
	}
	c.waiting, c.until = true, minute+c.waitMinutes
	return true, false
}

// expire reports whether the actions are due because a wait or an extension period ends at the minute.
func (c *compositeAlarm) expire(minute int) bool {
	if !c.waiting || minute < c.until {
		return false
	}
	c.waiting = false
	return true
}
