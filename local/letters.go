package local

import (
	"cmp"
	"slices"
	"sync"

	"firehose-pipeline/deadletter"
	"firehose-pipeline/errorobject"
	"firehose-pipeline/event"
	"firehose-pipeline/local/sqs"
)

// LetterGroup is all dead letters that are alike. A message that is not a dead letter has no Kind.
type LetterGroup struct {
	Stream event.Stream      `json:"stream"`
	Stage  errorobject.Stage `json:"stage"`
	Reason deadletter.Reason `json:"reason"`
	Kind   deadletter.Kind   `json:"kind"`
}

// LetterCount counts the dead letters of a group.
type LetterCount struct {
	LetterGroup
	Sent    int64 `json:"sent"`
	Deleted int64 `json:"deleted"` // by a consumer, as a replay does
}

// letterCounts counts the messages of the dead-letter queue as they come and go.
type letterCounts struct {
	mu     sync.Mutex
	groups map[LetterGroup]*LetterCount
}

func newLetterCounts() *letterCounts { return &letterCounts{groups: map[LetterGroup]*LetterCount{}} }

func (c *letterCounts) addSent(m sqs.Message)    { c.change(m, func(n *LetterCount) { n.Sent++ }) }
func (c *letterCounts) addDeleted(m sqs.Message) { c.change(m, func(n *LetterCount) { n.Deleted++ }) }

func (c *letterCounts) change(m sqs.Message, do func(*LetterCount)) {
	group := GroupOf(m)
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.groups[group] == nil {
		if len(c.groups) == maxGroups { // a client that sends messages with attributes of its own
			group = LetterGroup{}
		}
		if c.groups[group] == nil {
			c.groups[group] = &LetterCount{LetterGroup: group}
		}
	}
	do(c.groups[group])
}

// maxGroups is more than the pipeline's own dead letters can have.
const maxGroups = 1000

func (c *letterCounts) sample() []LetterCount {
	c.mu.Lock()
	defer c.mu.Unlock()
	all := make([]LetterCount, 0, len(c.groups))
	for _, n := range c.groups {
		all = append(all, *n)
	}
	slices.SortFunc(all, func(a, b LetterCount) int {
		return cmp.Or(cmp.Compare(a.Stream, b.Stream), cmp.Compare(a.Stage, b.Stage), cmp.Compare(a.Reason, b.Reason),
			cmp.Compare(a.Kind, b.Kind))
	})
	return all
}

// GroupOf returns the group of a message, from its attributes where it has them: the records of failed invocations,
// which Lambda writes itself, have none.
func GroupOf(m sqs.Message) LetterGroup {
	text := func(name string) string {
		if a := m.Attributes[name]; a.StringValue != nil {
			return *a.StringValue
		}
		return ""
	}
	if kind := deadletter.Kind(text("kind")); kind == deadletter.Record || kind == deadletter.Object {
		return LetterGroup{event.Stream(text("stream")), errorobject.Stage(text("stage")),
			deadletter.Reason(text("reason")), kind}
	}
	letter, err := deadletter.Parse([]byte(m.Body))
	if err != nil {
		return LetterGroup{}
	}
	return LetterGroup{letter.Stream, letter.Stage, letter.Reason, letter.Kind}
}

// Letters calls do with the messages of the dead-letter queue that were sent after the one with this sequence number
// and are still in it, in order of sending, until it returns false.
func (p *Pipeline) Letters(after uint64, do func(sqs.Message) bool) error {
	return p.queue.Look(p.config.Queue.Name, after, do)
}
