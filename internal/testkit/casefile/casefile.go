package casefile

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

const separator = "----------"

// Case is one case.
type Case struct {
	Name     string // file name without extension
	Env      map[string]string
	Context  []byte
	Errors   []string
	Settings []Setting
	Notes    []string
	Template []string

	head []byte // everything up to and with the separator
}

// Setting is the expected value of one setting.
type Setting struct {
	Key  string
	JSON json.RawMessage
}

// Read parses every .txt file of a folder, in the order of their names. An empty folder is an error.
func Read(folder string) ([]*Case, error) {
	paths, err := filepath.Glob(filepath.Join(folder, "*.txt"))
	if err != nil {
		return nil, fmt.Errorf("listing cases: %w", err)
	}
	if len(paths) == 0 {
		return nil, fmt.Errorf("listing cases: no .txt file in %s", folder)
	}
	cases := make([]*Case, 0, len(paths))
	for _, path := range paths {
		text, err := os.ReadFile(path)
		if err != nil {
			return nil, fmt.Errorf("reading case: %w", err)
		}
		c, err := Parse(strings.TrimSuffix(filepath.Base(path), ".txt"), text)
		if err != nil {
			return nil, err
		}
		cases = append(cases, c)
	}
	return cases, nil
}

// Parse parses the text of one case.
func Parse(name string, text []byte) (*Case, error) {
	c := &Case{Name: name, Env: map[string]string{}}
	fail := func(format string, args ...any) (*Case, error) {
		return nil, fmt.Errorf("parsing case %s: %s", name, fmt.Sprintf(format, args...))
	}
	const line = "\n" + separator + "\n"
	at := bytes.Index(append([]byte("\n"), text...), []byte(line))
	if at < 0 {
		return fail("no line %s", separator)
	}
	c.head = text[:at+len(line)-1]
	rest, tail := bytes.TrimSuffix(text[:at], []byte("\n")), text[len(c.head):]
	for len(rest) > 0 {
		line, after, _ := strings.Cut(string(rest), "\n")
		if variable, isEnv := strings.CutPrefix(line, "env "); isEnv {
			name, value, ok := strings.Cut(variable, "=")
			if !ok {
				return fail("no = in %q", line)
			}
			c.Env[name] = value
		} else if line != "" && !strings.HasPrefix(line, "#") {
			break
		}
		rest = []byte(after)
	}
	c.Context = rest

	for line := range strings.Lines(string(tail)) {
		line = strings.TrimSuffix(line, "\n")
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		kind, what, ok := strings.Cut(line, ": ")
		if !ok {
			return fail("no expectation in %q", line)
		}
		switch kind {
		case "error":
			c.Errors = append(c.Errors, what)
		case "note":
			c.Notes = append(c.Notes, what)
		case "template":
			c.Template = append(c.Template, what)
		case "setting":
			key, value, ok := strings.Cut(what, " = ")
			if !ok || !json.Valid([]byte(value)) {
				return fail("not <key> = <JSON>: %q", line)
			}
			c.Settings = append(c.Settings, Setting{key, json.RawMessage(value)})
		default:
			return fail("unknown expectation %q", kind)
		}
	}
	good := len(c.Settings) + len(c.Notes) + len(c.Template)
	if good > 0 && len(c.Errors) > 0 {
		return fail("errors beside other expectations")
	}
	if good+len(c.Errors) == 0 {
		return fail("no expectation")
	}
	return c, nil
}

// Lookup is os.LookupEnv for the variables of the case.
func (c *Case) Lookup(variable string) (string, bool) {
	value, ok := c.Env[variable]
	return value, ok
}

// Text renders the case with its present expectations, for -update.
func (c *Case) Text() []byte {
	text := bytes.Clone(c.head)
	for _, line := range c.Errors {
		text = fmt.Appendf(text, "error: %s\n", line)
	}
	for _, s := range c.Settings {
		text = fmt.Appendf(text, "setting: %s = %s\n", s.Key, s.JSON)
	}
	for _, line := range c.Notes {
		text = fmt.Appendf(text, "note: %s\n", line)
	}
	for _, line := range c.Template {
		text = fmt.Appendf(text, "template: %s\n", line)
	}
	return text
}
