package cloudwatch

// callFunction evaluates a function from its opening parenthesis on.
func (p *mathParser) callFunction(name string) operand {
	p.expect("(")
	if name == "PERIOD" { // of a metric, not of an expression
		id := p.take()
		seconds, ok := p.context.period[id]
		if !ok {
			panic(mathError("PERIOD must name a metric (got " + id + ")"))
		}
		p.expect(")")
		return operand{scalar: float64(seconds)}
	}
	arguments := []operand{p.parseComparison()}
	for p.next() == "," {
		p.take()
		if name == "FILL" && p.next() == "REPEAT" {
			p.take()
			p.expect(")")
			return operand{one: repeatLast(needSeries(arguments[0]))}
		}
		arguments = append(arguments, p.parseComparison())
	}
	p.expect(")")
	return applyFunction(name, arguments, p.context.length)
}

func applyFunction(name string, arguments []operand, length int) operand {
	need := map[string]int{"MAX": 1, "DIFF": 1, "FILL": 2, "IF": 3}[name]
	if need == 0 {
		panic(mathError("function " + name + " is not implemented"))
	}
	if len(arguments) != need {
		panic(mathError(name + " has another number of arguments"))
	}
	first := arguments[0]
	switch name {
	case "MAX":
		if first.array != nil {
			return operand{one: highest(first.array)}
		}
		// The maximum of one series is a scalar over all points that an alarm happens to retrieve: AWS recommends not to use
		// it in alarms.
		panic(mathError("MAX in an alarm must be of an array"))
	case "DIFF":
		return operand{one: differences(needSeries(first))}
	case "FILL":
		filled := append(series{}, needSeries(first)...)
		for i, v := range filled {
			if isMissing(v) && arguments[1].one == nil {
				filled[i] = arguments[1].scalar
			} else if isMissing(v) {
				filled[i] = arguments[1].one[i]
			}
		}
		return operand{one: filled}
	}
	return choose(first, arguments[1], arguments[2], length)
}

// choose is IF: a missing condition gives no value.
func choose(condition, yes, no operand, length int) operand {
	if condition.isScalar() {
		if condition.scalar != 0 {
			return yes
		}
		return no
	}
	at := func(o operand, i int) float64 {
		if o.one != nil {
			return o.one[i]
		}
		return o.scalar
	}
	result := make(series, length)
	for i := range result {
		switch v := condition.one[i]; {
		case isMissing(v):
			result[i] = missing
		case v != 0:
			result[i] = at(yes, i)
		default:
			result[i] = at(no, i)
		}
	}
	return operand{one: result}
}

func needSeries(o operand) series {
	if o.one == nil {
		panic(mathError("must have a series"))
	}
	return o.one
}

func repeatLast(of series) series {
	result := append(series{}, of...)
	for i := 1; i < len(result); i++ {
		if isMissing(result[i]) {
			result[i] = result[i-1]
		}
	}
	return result
}
