package cloudwatch

import (
	"fmt"
	"strings"
)

// ruleExpression is the rule of a composite alarm.
type ruleExpression struct {
	operator string // ALARM, OK, INSUFFICIENT_DATA, TRUE, FALSE, AND, OR, NOT
	alarm    string
	operands []*ruleExpression
}

// holds evaluates the rule with the states of the alarms.
func (r *ruleExpression) holds(state func(string) State) bool {
	switch r.operator {
	case "TRUE", "FALSE":
		return r.operator == "TRUE"
	case "AND":
		return r.operands[0].holds(state) && r.operands[1].holds(state)
	case "OR":
		return r.operands[0].holds(state) || r.operands[1].holds(state)
	case "NOT":
		return !r.operands[0].holds(state)
	}
	return state(r.alarm) == State(r.operator)
}

// alarms returns the names of all alarms of the rule.
func (r *ruleExpression) alarms() []string {
	if r.alarm != "" {
		return []string{r.alarm}
	}
	var names []string
	for _, operand := range r.operands {
		names = append(names, operand.alarms()...)
	}
	return names
}

// parseRule parses an AlarmRule. NOT binds before AND, and AND before OR.
// https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_PutCompositeAlarm.html
func parseRule(text string) (*ruleExpression, error) {
	p := &ruleParser{rest: text}
	rule := p.parseOr()
	if p.err == nil && p.peek() != "" {
		p.fail("must end before " + p.peek())
	}
	if p.err != nil {
		return nil, fmt.Errorf("rule %q: %w", text, p.err)
	}
	return rule, nil
}

type ruleParser struct {
	rest string
	err  error
}

func (p *ruleParser) fail(text string) {
	if p.err == nil {
		p.err = fmt.Errorf("%s", text)
	}
}

// peek returns the next word, parenthesis or quoted name.
func (p *ruleParser) peek() string {
	p.rest = strings.TrimLeft(p.rest, " \t\r\n")
	switch {
	case p.rest == "":
		return ""
	case p.rest[0] == '"':
		if end := strings.IndexByte(p.rest[1:], '"'); end >= 0 {
			return p.rest[:end+2]
		}
	case strings.IndexByte("()", p.rest[0]) >= 0:
		return p.rest[:1]
	}
	if end := strings.IndexAny(p.rest, " \t\r\n()"); end >= 0 {
		return p.rest[:end]
	}
	return p.rest
}

func (p *ruleParser) take() string {
	token := p.peek()
	p.rest = p.rest[len(token):]
	return token
}

func (p *ruleParser) parseOr() *ruleExpression {
	left := p.parseAnd()
	for p.err == nil && p.peek() == "OR" {
		p.take()
		left = &ruleExpression{operator: "OR", operands: []*ruleExpression{left, p.parseAnd()}}
	}
	return left
}

func (p *ruleParser) parseAnd() *ruleExpression {
	left := p.parseTerm()
	for p.err == nil && p.peek() == "AND" {
		p.take()
		left = &ruleExpression{operator: "AND", operands: []*ruleExpression{left, p.parseTerm()}}
	}
	return left
}

func (p *ruleParser) parseTerm() *ruleExpression {
	switch token := p.take(); token {
	case "NOT":
		return &ruleExpression{operator: "NOT", operands: []*ruleExpression{p.parseTerm()}}
	case "(":
		inner := p.parseOr()
		p.close()
		return inner
	case "TRUE", "FALSE":
		return &ruleExpression{operator: token}
	case string(Alarm), string(OK), string(InsufficientData):
		if open := p.take(); open != "(" {
			p.fail(fmt.Sprintf("%s must have an alarm in parentheses (got %q)", token, open))
		}
		name := strings.Trim(p.take(), `"`)
		if name == "" || strings.ContainsAny(name, `()"`) {
			p.fail(token + " must name an alarm")
		}
		p.close()
		return &ruleExpression{operator: token, alarm: name}
	default:
		p.fail(fmt.Sprintf("must have a term (got %q)", token))
		return &ruleExpression{operator: "FALSE"}
	}
}

func (p *ruleParser) close() {
	if token := p.take(); token != ")" {
		p.fail(fmt.Sprintf("must have ) (got %q)", token))
	}
}
