package cloudwatch

import (
	"fmt"
	"strconv"
	"strings"
	"unicode"
)

// series are the values of periods, the oldest first.
type series []float64

// operand is a value of metric math: a scalar, one series, or an array of series.
type operand struct {
	scalar float64
	one    series
	array  []series
}

func (o operand) isScalar() bool { return o.one == nil && o.array == nil }

// mathContext are the series that an expression may name.
type mathContext struct {
	series map[string]operand
	period map[string]int // seconds, of metrics only
	length int
}

// evaluateMath evaluates an expression with the functions and operators that the alarms use: + - * /, comparisons,
// MAX, DIFF, PERIOD, FILL and IF.
// https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/using-metric-math.html
func evaluateMath(expression string, context mathContext) (result operand, err error) {
	defer func() {
		if problem := recover(); problem != nil {
			text, ok := problem.(mathError)
			if !ok {
				panic(problem)
			}
			err = fmt.Errorf("expression %q: %s", expression, string(text))
		}
	}()
	p := &mathParser{tokens: tokenizeMath(expression), context: context}
	result = p.parseComparison()
	if p.next() != "" {
		panic(mathError("must end before " + p.next()))
	}
	return result, nil
}

type mathError string

type mathParser struct {
	tokens  []string
	context mathContext
}

func tokenizeMath(text string) []string {
	var tokens []string
	for i := 0; i < len(text); {
		c := rune(text[i])
		end := i + 1
		switch {
		case unicode.IsSpace(c):
			i++
			continue
		case unicode.IsLetter(c) || unicode.IsDigit(c):
			for end < len(text) && (unicode.IsLetter(rune(text[end])) || unicode.IsDigit(rune(text[end])) ||
				text[end] == '_' || text[end] == '.') {
				end++
			}
		case strings.ContainsRune("<>=!", c) && end < len(text) && text[end] == '=':
			end++
		}
		tokens = append(tokens, text[i:end])
		i = end
	}
	return tokens
}

func (p *mathParser) next() string {
	if len(p.tokens) == 0 {
		return ""
	}
	return p.tokens[0]
}

func (p *mathParser) take() string {
	token := p.next()
	if token != "" {
		p.tokens = p.tokens[1:]
	}
	return token
}

func (p *mathParser) expect(token string) {
	if got := p.take(); got != token {
		panic(mathError(fmt.Sprintf("must have %q (got %q)", token, got)))
	}
}

func (p *mathParser) parseComparison() operand {
	left := p.parseSum()
	switch op := p.next(); op {
	case "<", ">", "<=", ">=", "==", "!=":
		p.take()
		return combine(left, p.parseSum(), func(a, b float64) float64 { return boolOf(compare(op, a, b)) })
	}
	return left
}

func (p *mathParser) parseSum() operand {
	left := p.parseProduct()
	for p.next() == "+" || p.next() == "-" {
		op := p.take()
		left = combine(left, p.parseProduct(), func(a, b float64) float64 {
			if op == "-" {
				return a - b
			}
			return a + b
		})
	}
	return left
}

func (p *mathParser) parseProduct() operand {
	left := p.parseUnary()
	for p.next() == "*" || p.next() == "/" {
		op := p.take()
		left = combine(left, p.parseUnary(), func(a, b float64) float64 {
			switch {
			case op == "*":
				return a * b
			case b == 0:
				return missing // "the data point is dropped"
			}
			return a / b
		})
	}
	return left
}

func (p *mathParser) parseUnary() operand {
	token := p.take()
	switch {
	case token == "-":
		return combine(operand{scalar: -1}, p.parseUnary(), func(a, b float64) float64 { return a * b })
	case token == "(":
		value := p.parseComparison()
		p.expect(")")
		return value
	case token == "[":
		return p.parseArray()
	case token != "" && unicode.IsDigit(rune(token[0])):
		number, err := strconv.ParseFloat(token, 64)
		if err != nil {
			panic(mathError("must have a number (got " + token + ")"))
		}
		return operand{scalar: number}
	case p.next() == "(":
		return p.callFunction(token)
	}
	value, ok := p.context.series[token]
	if !ok {
		panic(mathError(fmt.Sprintf("must name a series before it (got %q)", token)))
	}
	return value
}

func (p *mathParser) parseArray() operand {
	array := operand{array: []series{}}
	for {
		item := p.parseComparison()
		if item.one == nil {
			panic(mathError("an array must have series"))
		}
		array.array = append(array.array, item.one)
		if token := p.take(); token == "]" {
			return array
		} else if token != "," {
			panic(mathError(fmt.Sprintf("an array must go on with , or ] (got %q)", token)))
		}
	}
}

func compare(op string, a, b float64) bool {
	switch op {
	case "<":
		return a < b
	case ">":
		return a > b
	case "<=":
		return a <= b
	case ">=":
		return a >= b
	case "==":
		return a == b
	}
	return a != b
}

func boolOf(b bool) float64 {
	if b {
		return 1
	}
	return 0
}

// combine applies an operator point by point. Of two series of which one has no value at a time, that value is 0; where
// neither has one, the result has none. A scalar has a value at every time at which the series has one.
func combine(a, b operand, apply func(a, b float64) float64) operand {
	if a.array != nil || b.array != nil {
		panic(mathError("operators on arrays are not implemented"))
	}
	if a.isScalar() && b.isScalar() {
		return operand{scalar: apply(a.scalar, b.scalar)}
	}
	length := max(len(a.one), len(b.one))
	result := make(series, length)
	for i := range result {
		x, y := a.scalar, b.scalar
		if a.one != nil {
			x = a.one[i]
		}
		if b.one != nil {
			y = b.one[i]
		}
		switch {
		case isMissing(x) && isMissing(y), isMissing(x) && b.one == nil, isMissing(y) && a.one == nil:
			result[i] = missing
			continue
		case isMissing(x):
			x = 0
		case isMissing(y):
			y = 0
		}
		result[i] = apply(x, y)
	}
	return operand{one: result}
}

// highest returns the highest value of each time.
func highest(array []series) series {
	result := make(series, len(array[0]))
	for i := range result {
		result[i] = missing
		for _, one := range array {
			if !isMissing(one[i]) && (isMissing(result[i]) || one[i] > result[i]) {
				result[i] = one[i]
			}
		}
	}
	return result
}

// differences returns each value minus the one before it; the first has none.
func differences(of series) series {
	result := make(series, len(of))
	last := missing
	for i, v := range of {
		result[i] = missing
		if isMissing(v) {
			continue
		}
		if !isMissing(last) {
			result[i] = v - last
		}
		last = v
	}
	return result
}
