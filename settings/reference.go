package settings

import (
	"fmt"
	"strings"
)

// Reference returns the settings as Markdown: a section of the documentation for each group of the table, and in it a
// part for each setting.
func Reference() string {
	var page strings.Builder
	for _, g := range groups(&Settings{}) {
		fmt.Fprintf(&page, "## %s\n\n", g.title)
		for _, s := range describeRows(g.rows) {
			writeSetting(&page, s)
		}
	}
	return page.String()
}

func writeSetting(page *strings.Builder, s Setting) {
	fmt.Fprintf(page, "### `%s`\n\n%s.\n\n", s.Key, s.Meaning)
	fmt.Fprintf(page, "- Accepts: %s\n", acceptedValues(s))
	fmt.Fprintf(page, "- Default: %s\n", s.describeDefaults("`"))
	if s.Variable != "" {
		fmt.Fprintf(page, "- Environment variable: `%s`\n", s.Variable)
	}
	fmt.Fprintf(page, "- A change: %s.\n\n", lowerFirst(s.Change))
}

// acceptedValues returns the accepted values with their unit.
func acceptedValues(s Setting) string {
	if s.Unit == "" {
		return s.Accepts
	}
	return s.Accepts + " " + s.Unit
}

// describeDefaults returns the default, or that of each environment where they differ. Values are put between quotes.
func (s Setting) describeDefaults(quote string) string {
	value := func(environment string) string {
		text := s.Defaults[environment]
		if text == "[]" {
			return "none"
		}
		if strings.HasPrefix(text, "\"") && s.Key != "openSearchVersion" {
			text = strings.Trim(text, "\"")
		}
		return quote + text + quote
	}
	first := value(Dev)
	if value(Staging) == first && value(Production) == first {
		return first
	}
	var parts []string
	for _, environment := range Environments() {
		parts = append(parts, value(environment)+" in "+environment)
	}
	return strings.Join(parts, ", ")
}

// lowerFirst begins a text with a small letter, unless it begins with a name such as `kinesis`.
func lowerFirst(text string) string {
	return strings.ToLower(text[:1]) + text[1:]
}
