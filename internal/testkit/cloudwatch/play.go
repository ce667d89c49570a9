package cloudwatch

import (
	"slices"
	"time"
)

// Message is a message to a topic.
type Message struct {
	Minute int
	Alarm  string
	State  State
	Topic  string // logical id
}

// Transition is a change of an alarm's state.
type Transition struct {
	Minute   int
	Alarm    string
	From, To State
}

// Result is what happened while data was played.
type Result struct {
	Messages    []Message
	Transitions []Transition
}

// Options of [Stack.Play].
type Options struct {
	// Start is the time of minute 0, for mute rules.
	Start time.Time
	// Fresh: the alarms are created at minute Created. Otherwise they are old, warm and in OK at minute 0.
	Fresh   bool
	Created int
	// Reverse evaluates the alarms of one minute in the reverse order.
	Reverse bool
}

// player is the state of one run.
type player struct {
	stack      *Stack
	data       *Data
	minute     int
	metrics    []*metricAlarm
	composites []*compositeAlarm
	states     map[string]State
	muted      map[string]State
	result     Result
}

// Play evaluates all alarms every minute. Messages to a topic count in AWS/SNS NumberOfMessagesPublished of the data,
// which stays as it is.
func (s *Stack) Play(data *Data, options Options) Result {
	p := &player{stack: s, data: data.Clone(), states: map[string]State{}, muted: map[string]State{}}
	first := OK
	if options.Fresh {
		first = InsufficientData
	}
	for _, a := range s.metrics {
		clone := *a
		clone.state, clone.created, clone.warm = first, options.Created, !options.Fresh
		p.metrics, p.states[a.name] = append(p.metrics, &clone), first
	}
	for _, c := range s.composites {
		clone := *c
		clone.state = first
		p.composites, p.states[c.name] = append(p.composites, &clone), first
	}
	if options.Reverse {
		slices.Reverse(p.metrics)
		slices.Reverse(p.composites)
	}
	for _, m := range s.mutes {
		m.schedule(options.Start, data.Minutes())
	}
	for p.minute = options.Created; p.minute <= data.Minutes(); p.minute++ {
		p.step()
	}
	return p.result
}

func (p *player) step() {
	for alarm, state := range p.muted {
		if !p.isMuted(alarm) {
			delete(p.muted, alarm)
			if p.states[alarm] == state {
				p.act(alarm, p.stack.actions[alarm], state)
			}
		}
	}
	for _, a := range p.metrics {
		state := a.evaluate(p.data, p.minute)
		if state == a.state {
			continue
		}
		a.state = state
		p.change(a.name, state)
		p.act(a.name, a.actions, state)
		p.updateComposites()
	}
	p.updateComposites()
	for _, c := range p.composites {
		if c.expire(p.minute) {
			p.act(c.name, c.actions, c.state)
		}
	}
}

// updateComposites evaluates the composite alarms until none changes.
func (p *player) updateComposites() {
	for again := true; again; {
		again = false
		for _, c := range p.composites {
			changed, act := c.update(func(name string) State { return p.states[name] }, p.minute)
			if changed {
				again = true
				p.change(c.name, c.state)
			}
			if act {
				p.act(c.name, c.actions, c.state)
			}
		}
	}
}

func (p *player) change(alarm string, to State) {
	p.result.Transitions = append(p.result.Transitions, Transition{p.minute, alarm, p.states[alarm], to})
	p.states[alarm] = to
}

func (p *player) isMuted(alarm string) bool {
	return slices.ContainsFunc(p.stack.mutes, func(m *muteRule) bool { return m.mutes(alarm, p.minute) })
}

// act sends the messages of a state. Muted, it remembers the state: actions are executed at the end of a mute window if
// the alarm is still in the state in which it was muted.
// https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/alarm-mute-rules-behaviour.html
func (p *player) act(alarm string, actions map[State][]string, state State) {
	topics := actions[state]
	if len(topics) == 0 {
		return
	}
	if p.isMuted(alarm) {
		p.muted[alarm] = state
		return
	}
	for _, topic := range topics {
		p.result.Messages = append(p.result.Messages, Message{p.minute, alarm, state, topic})
		p.data.Add(Metric("AWS/SNS NumberOfMessagesPublished TopicName="+topic+".TopicName"), p.minute, 1)
	}
}
