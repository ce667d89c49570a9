package vtl

import (
	"slices"
	"strconv"
	"strings"
)

// operators by precedence, the weakest first; of those that begin alike, the longer first.
var operators = [][]string{{"||"}, {"&&"}, {"==", "!="}, {">=", "<=", ">", "<"}}

func (p *parser) parseExpression() (expression, error) { return p.parseBinary(0) }

func (p *parser) parseBinary(level int) (expression, error) {
	if level == len(operators) {
		return p.parseUnary()
	}
	left, err := p.parseBinary(level + 1)
	if err != nil {
		return nil, err
	}
	for {
		p.skipSpace()
		i := slices.IndexFunc(operators[level], p.skip)
		if i < 0 {
			return left, nil
		}
		right, err := p.parseBinary(level + 1)
		if err != nil {
			return nil, err
		}
		left = binary{operators[level][i], left, right}
	}
}

func (p *parser) parseUnary() (expression, error) {
	p.skipSpace()
	switch c := p.peek(); {
	case c == '!':
		p.at++
		of, err := p.parseUnary()
		return not{of}, err
	case c == '(':
		p.at++
		inner, err := p.parseExpression()
		if err != nil {
			return nil, err
		}
		return inner, p.expect(")")
	case c == '"' || c == '\'':
		return p.parseString(c)
	case isDigit(c):
		start := p.at
		for isDigit(p.peek()) {
			p.at++
		}
		n, err := strconv.ParseInt(p.text[start:p.at], 10, 32)
		if err != nil {
			return nil, p.fail("a number must fit 32 bits (got %s)", p.text[start:p.at])
		}
		return literal{n}, nil
	case p.skip("true"):
		return literal{true}, nil
	case p.skip("false"):
		return literal{false}, nil
	case c == '$' && p.startsReference():
		return p.parseReference()
	}
	return nil, p.fail("must be a string, a whole number, true, false or a reference (got %.12q)", p.text[p.at:])
}

// parseString reads a string: as it is in single quotes, with references in double quotes. \n is two characters.
func (p *parser) parseString(quote byte) (expression, error) {
	line := p.line + strings.Count(p.text[:p.at], "\n")
	p.at++
	end := strings.IndexByte(p.text[p.at:], quote)
	if end < 0 {
		return nil, p.fail("the string has no end")
	}
	text := p.text[p.at : p.at+end]
	p.at += end + 1
	if quote == '\'' || !strings.ContainsAny(text, `$#\`) {
		return literal{text}, nil
	}
	inner := &parser{text: text, line: line}
	if strings.ContainsAny(text, `#\`) {
		return nil, inner.fail(`# and \ in a string in double quotes are outside of the subset`)
	}
	nodes, _, err := inner.parseNodes()
	return interpolated{nodes}, err
}

func (p *parser) startsReference() bool {
	n := 1
	if p.ahead(n) == '!' {
		n++
	}
	if p.ahead(n) == '{' {
		n++
	}
	return isLetter(p.ahead(n))
}

// parseName reads a name. Velocity 2 does not accept hyphens by default, and a name that is followed by one in the text
// is read differently by the versions: only the target of #set has them, as headers do.
func (p *parser) parseName(hyphens bool) string {
	start := p.at
	for c := p.peek(); isLetter(c) || p.at > start && (isDigit(c) || c == '_' || hyphens && c == '-'); c = p.peek() {
		p.at++
	}
	return p.text[start:p.at]
}

// parseReference reads $name, $!name, ${name} or $!{name} with what follows dots.
func (p *parser) parseReference() (reference, error) {
	start := p.at
	p.at++
	r := reference{quiet: p.skip("!")}
	braces := p.skip("{")
	r.name = p.parseName(false)
	for p.peek() == '.' && isLetter(p.ahead(1)) {
		p.at++
		s := step{name: p.parseName(false)}
		if p.skip("(") {
			s.call = true
			if err := p.parseArguments(&s); err != nil {
				return r, err
			}
		}
		r.steps = append(r.steps, s)
	}
	switch c := p.peek(); {
	case braces && !p.skip("}"):
		return r, p.fail("${ must end with }")
	case !braces && (c == '-' || c == '['):
		return r, p.fail("%c after a reference is outside of the subset", c)
	}
	r.source = p.text[start:p.at]
	return r, nil
}

func (p *parser) parseArguments(s *step) error {
	for p.skipSpace(); !p.skip(")"); p.skipSpace() {
		if len(s.arguments) > 0 {
			if err := p.expect(","); err != nil {
				return err
			}
		}
		argument, err := p.parseUnary()
		if err != nil {
			return err
		}
		s.arguments = append(s.arguments, argument)
	}
	return nil
}
