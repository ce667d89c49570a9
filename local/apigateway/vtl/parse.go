package vtl

import (
	"fmt"
	"strings"
)

// Template is a parsed template. It is safe for concurrent use.
type Template struct{ nodes []node }

// Parse parses a template. The error has the line and what is outside of the subset.
func Parse(text string) (*Template, error) {
	p := &parser{text: text}
	nodes, end, err := p.parseNodes()
	if err == nil && end != "" {
		err = p.fail("#%s without a directive that it belongs to", end)
	}
	if err != nil {
		return nil, fmt.Errorf("parsing mapping template: %w", err)
	}
	return &Template{nodes}, nil
}

// parser reads a template, or the inside of a string with references.
type parser struct {
	text string
	at   int
	line int // lines before the text, of a string inside a template
}

func (p *parser) fail(format string, args ...any) error {
	line := p.line + 1 + strings.Count(p.text[:p.at], "\n")
	return fmt.Errorf("line %d: %s", line, fmt.Sprintf(format, args...))
}

// peek is the next byte, 0 at the end.
func (p *parser) peek() byte { return p.ahead(0) }

func (p *parser) ahead(n int) byte {
	if p.at+n >= len(p.text) {
		return 0
	}
	return p.text[p.at+n]
}

func (p *parser) skip(prefix string) bool {
	if !strings.HasPrefix(p.text[p.at:], prefix) {
		return false
	}
	p.at += len(prefix)
	return true
}

func isLetter(c byte) bool { return c|0x20 >= 'a' && c|0x20 <= 'z' }

func isDigit(c byte) bool { return c >= '0' && c <= '9' }

// parseNodes reads up to the end or to #elseif, #else or #end, whose name it returns.
func (p *parser) parseNodes() (nodes []node, end string, err error) {
	for p.at < len(p.text) {
		var n node
		switch c := p.peek(); {
		case c == '#' && p.ahead(1) == '#':
			p.skipComment()
			continue
		case c == '#' && (isLetter(p.ahead(1)) || strings.IndexByte("*[{@", p.ahead(1)) >= 0 && p.ahead(1) != 0):
			name, err := p.parseDirectiveName()
			if err != nil {
				return nil, "", err
			}
			if name == "elseif" || name == "else" || name == "end" {
				return nodes, name, nil
			}
			if n, err = p.parseDirective(name); err != nil {
				return nil, "", err
			}
		case c == '$' && p.startsReference():
			if n, err = p.parseReference(); err != nil {
				return nil, "", err
			}
		case c == '\\' && (p.ahead(1) == '$' || p.ahead(1) == '#'):
			return nil, "", p.fail(`\%c: escapes are outside of the subset`, p.ahead(1))
		default:
			n = p.parseText()
		}
		nodes = append(nodes, n)
	}
	return nodes, "", nil
}

func (p *parser) skipComment() {
	end := strings.IndexByte(p.text[p.at:], '\n')
	if end < 0 {
		p.at = len(p.text)
		return
	}
	p.at += end + 1
}

func (p *parser) parseText() node {
	start := p.at
	p.at++
	if next := strings.IndexAny(p.text[p.at:], `#$\`); next >= 0 {
		p.at += next
	} else {
		p.at = len(p.text)
	}
	return textNode(p.text[start:p.at])
}

const directives = "#set, #if, #elseif, #else, #foreach, #end and ## are"

func (p *parser) parseDirectiveName() (string, error) {
	if p.at > 0 && (p.text[p.at-1] == ' ' || p.text[p.at-1] == '\t') {
		return "", p.fail("white space before a directive: versions of Velocity differ")
	}
	start := p.at
	p.at++
	for isLetter(p.peek()) {
		p.at++
	}
	name := p.text[start+1 : p.at]
	switch name {
	case "set", "if", "foreach", "elseif":
		return name, nil
	case "else", "end":
		return name, p.endDirective()
	}
	if name == "" {
		name = p.text[p.at : p.at+1]
	}
	return "", p.fail("#%s is outside of the subset (%s)", name, directives)
}

// endDirective checks what follows a directive.
func (p *parser) endDirective() error {
	if c := p.peek(); c == ' ' || c == '\t' || c == '\n' || c == '\r' {
		return p.fail("white space after a directive: versions of Velocity differ; end the line with ##")
	}
	return nil
}

func (p *parser) parseDirective(name string) (node, error) {
	switch name {
	case "set":
		return p.parseSet()
	case "foreach":
		return p.parseForeach()
	}
	return p.parseIf()
}

func (p *parser) expect(token string) error {
	p.skipSpace()
	if !p.skip(token) {
		return p.fail("must be %s (got %.12q)", token, p.text[p.at:])
	}
	return nil
}

func (p *parser) skipSpace() {
	for c := p.peek(); c == ' ' || c == '\t' || c == '\n'; c = p.peek() {
		p.at++
	}
}

// parseSet reads ($name.property = expression).
func (p *parser) parseSet() (node, error) {
	if err := p.expect("("); err != nil {
		return nil, err
	}
	p.skipSpace()
	var path []string
	for first := true; first || p.peek() == '.'; first = false {
		if first && p.peek() != '$' {
			return nil, p.fail("#set must begin with a reference")
		}
		p.at++
		name := p.parseName(true)
		if name == "" {
			return nil, p.fail("#set: a name must follow $ or a dot")
		}
		path = append(path, name)
	}
	if err := p.expect("="); err != nil {
		return nil, err
	}
	value, err := p.parseHead()
	if err != nil {
		return nil, err
	}
	return setNode{path, value}, nil
}

// parseHead reads the expression that ends the parentheses of a directive, and the end of its line.
func (p *parser) parseHead() (expression, error) {
	value, err := p.parseExpression()
	if err != nil {
		return nil, err
	}
	if err := p.expect(")"); err != nil {
		return nil, err
	}
	return value, p.endDirective()
}

// parseForeach reads ($name in expression) and the body up to #end.
func (p *parser) parseForeach() (node, error) {
	if err := p.expect("("); err != nil {
		return nil, err
	}
	if err := p.expect("$"); err != nil {
		return nil, err
	}
	name := p.parseName(false)
	if err := p.expect("in"); err != nil {
		return nil, err
	}
	items, err := p.parseHead()
	if err != nil {
		return nil, err
	}
	body, end, err := p.parseNodes()
	if err == nil && end != "end" {
		err = p.fail("#foreach must end with #end (got %q)", end)
	}
	return foreachNode{name, items, body}, err
}

// parseIf reads the condition, and the branches up to #end.
func (p *parser) parseIf() (node, error) {
	var n ifNode
	for {
		if err := p.expect("("); err != nil {
			return nil, err
		}
		condition, err := p.parseHead()
		if err != nil {
			return nil, err
		}
		body, end, err := p.parseNodes()
		if err != nil {
			return nil, err
		}
		n.branches = append(n.branches, branch{condition, body})
		if end == "else" {
			if n.otherwise, end, err = p.parseNodes(); err != nil {
				return nil, err
			}
			if end != "end" {
				return nil, p.fail("#else must end with #end (got %q)", end)
			}
		}
		switch end {
		case "end":
			return n, nil
		case "elseif":
		default:
			return nil, p.fail("#if must end with #end")
		}
	}
}
