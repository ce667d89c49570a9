package cloudwatch

// State of an alarm.
type State string

// The states of alarms.
const (
	OK               State = "OK"
	Alarm            State = "ALARM"
	InsufficientData State = "INSUFFICIENT_DATA"
)

// query is one metric or expression of an alarm.
type query struct {
	id, expression string
	metric         Metric
	statistic      string
	returned       bool
}

// metricAlarm is an alarm on a metric or an expression.
type metricAlarm struct {
	name                string
	queries             []query
	periodMinutes       int
	datapoints, periods int // M and N
	comparison          string
	threshold           float64
	missingData         string
	warmUpMinutes       int
	warmUpWhole         bool // evaluation never starts earlier
	actions             map[State][]string
	created             int
	warm                bool // the warm-up is over
	state               State
}

// extraPeriods are those that CloudWatch retrieves beyond the evaluation periods: "The exact number of data points it
// attempts to retrieve depends on the length of the alarm period"; the examples have 5 points for 3 evaluation periods.
// https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/alarms-and-missing-data.html
const extraPeriods = 2

// evaluate returns the state at a minute, from the samples of the minutes before it. The window slides: each evaluation
// looks at the periods that end with it.
// https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/alarm-evaluation-window.html
func (a *metricAlarm) evaluate(data *Data, minute int) State {
	if !a.isWarm(data, minute) {
		return InsufficientData
	}
	points := a.retrieve(data, minute)
	breaching := make([]point, len(points))
	for i, value := range points {
		switch {
		case isMissing(value):
			breaching[len(points)-1-i] = noPoint
		case a.breaches(value):
			breaching[len(points)-1-i] = badPoint
		default:
			breaching[len(points)-1-i] = goodPoint
		}
	}
	return judge(breaching, a.datapoints, a.periods, a.missingData, a.state)
}

func (a *metricAlarm) breaches(value float64) bool {
	switch a.comparison {
	case "GreaterThanThreshold":
		return value > a.threshold
	case "GreaterThanOrEqualToThreshold":
		return value >= a.threshold
	case "LessThanThreshold":
		return value < a.threshold
	}
	return value <= a.threshold
}

// retrieve returns the points of the evaluation range, the oldest first.
func (a *metricAlarm) retrieve(data *Data, minute int) series {
	length := a.periods + extraPeriods
	context := mathContext{map[string]operand{}, map[string]int{}, length}
	var result series
	for _, q := range a.queries {
		var value operand
		if q.expression != "" {
			computed, err := evaluateMath(q.expression, context)
			if err != nil {
				panic(err) // Read has evaluated every expression
			}
			value = computed
		} else {
			value.one = make(series, length)
			for i := range length {
				until := minute - (length-1-i)*a.periodMinutes
				value.one[i] = data.aggregate(q.metric, q.statistic, until-a.periodMinutes, until)
			}
			context.period[q.id] = a.periodMinutes * 60
		}
		context.series[q.id] = value
		if q.returned {
			result = value.one
		}
	}
	return result
}

// isWarm reports whether the warm-up is over. Unless it has to last its whole time, it ends "as soon as it can fill its
// evaluation window. The evaluation window spans Period multiplied by Evaluation Periods and is full when a datapoint
// exists for the most recent period."
// https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/alarm-warm-up.html
func (a *metricAlarm) isWarm(data *Data, minute int) bool {
	if a.warm || minute >= a.created+a.warmUpMinutes {
		a.warm = true
		return true
	}
	if a.warmUpWhole {
		return false
	}
	window := a.periods * a.periodMinutes
	for _, q := range a.queries {
		if q.expression != "" {
			continue
		}
		first := data.firstSample(q.metric, a.created-window)
		recent := data.aggregate(q.metric, "SampleCount", minute-a.periodMinutes, minute)
		if first >= 0 && first+window <= minute && !isMissing(recent) {
			a.warm = true
		}
	}
	return a.warm
}

// point is one period.
type point byte

const (
	noPoint   point = '-'
	goodPoint point = '0'
	badPoint  point = 'X'
)

// judge returns the state of an alarm from the points of its evaluation range, the newest first: "How alarm state is
// evaluated when data is missing" and "Avoiding premature transitions to alarm state".
// https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/alarms-and-missing-data.html
func judge(points []point, datapoints, periods int, missingData string, state State) State {
	real, breaching, oldestBreaching, good := 0, 0, -1, false
	for i, p := range points {
		if p == noPoint {
			continue
		}
		if real++; real > periods {
			break // older points are not needed
		}
		if p == badPoint {
			breaching++
			oldestBreaching = i
		} else {
			good = true
		}
	}
	if breaching >= datapoints {
		return Alarm
	}
	if real >= periods {
		return OK
	}
	switch missingData {
	case "notBreaching":
		return OK
	case "breaching":
		if breaching+periods-real >= datapoints {
			return Alarm
		}
		return OK
	}
	keep := state
	if missingData == "missing" {
		keep = InsufficientData
	}
	switch {
	case good:
		return OK
	case oldestBreaching+1 >= datapoints && missingData == "missing":
		return Alarm // old enough, and everything newer is breaching or missing
	}
	return keep
}
