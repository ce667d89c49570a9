package main

import (
	"fmt"
	"strings"
)

// RepeatedLines is the number of equal lines from which on a place counts as repeated.
const RepeatedLines = 6

// line is a line of code and its number.
type line struct {
	text   string
	number int
}

// repeatedPlaces returns the places whose lines are, but for indentation and blank lines, at an earlier place too.
func (p *Project) repeatedPlaces() []string {
	var places []string
	first := map[string]string{}
	for _, file := range p.Go {
		if file.Generated {
			continue
		}
		lines := codeLines(file)
		inside := false
		for at := 0; at+RepeatedLines <= len(lines); at++ {
			key := joinLines(lines[at : at+RepeatedLines])
			place := fmt.Sprintf("%s:%d", file.Path, lines[at].number)
			earlier, repeated := first[key]
			if repeated && !inside {
				places = append(places, place+" as "+earlier)
			}
			if inside = repeated; !repeated {
				first[key] = place
			}
		}
	}
	return places
}

func codeLines(file *GoFile) []line {
	var lines []line
	for at, text := range file.Lines {
		if text = strings.TrimSpace(text); text != "" {
			lines = append(lines, line{text, at + 1})
		}
	}
	return lines
}

func joinLines(lines []line) string {
	var text strings.Builder
	for _, l := range lines {
		text.WriteString(l.text + "\n")
	}
	return text.String()
}
