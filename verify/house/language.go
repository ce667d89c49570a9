package main

import (
	"regexp"
	"strings"
)

// phrase is a pattern of language that the project avoids.
type phrase struct {
	key, name string
	pattern   *regexp.Regexp
}

// phrases are the patterns, in the order in which they are printed. A clause that begins with "what" where a noun
// would do has a determiner, a pronoun or an auxiliary after it.
var phrases = []phrase{
	{"what", "what-clauses", regexp.MustCompile(`(?i)\bwhat\s+(is|are|was|were|has|have|had|do|does|did|can|cannot|` +
		`could|may|might|must|should|will|would|it|they|he|she|we|you|the|a|an|its|their|one|each|every|no|this|that|these|` +
		`those|there)\b`)},
	{"told", "told, tell", regexp.MustCompile(`(?i)\b(told|tells?)\b`)},
	{"stand", "stand, lie, mend", regexp.MustCompile(`(?i)\b(stands?|lies|mend(s|ed)?)\b`)},
	{"no", "is no, are no", regexp.MustCompile(`(?i)\b(is|are)\s+no\s+\w+`)},
}

// Language counts the phrases in a text.
type Language struct {
	Words   int            `json:"words"`
	Phrases map[string]int `json:"phrases"`
}

// count adds texts.
func (l *Language) count(texts []string) {
	if l.Phrases == nil {
		l.Phrases = map[string]int{}
	}
	for _, text := range texts {
		l.Words += len(strings.Fields(text))
		for _, p := range phrases {
			l.Phrases[p.key] += len(p.pattern.FindAllStringIndex(text, -1))
		}
	}
}

// Per1000 returns a phrase's matches per 1,000 words.
func (l *Language) Per1000(key string) float64 {
	if l.Words == 0 {
		return 0
	}
	return 1000 * float64(l.Phrases[key]) / float64(l.Words)
}

// commentTexts returns the comments of a file.
func commentTexts(file *GoFile) []string {
	var texts []string
	for _, group := range file.Syntax.Comments {
		texts = append(texts, group.Text())
	}
	return texts
}

// proseText returns the text of a page without code blocks.
func (p *Page) proseText() string {
	var text strings.Builder
	for _, line := range p.proseLines() {
		text.WriteString(line + "\n")
	}
	return text.String()
}

// proseLines returns the lines of a page, those of code blocks empty.
func (p *Page) proseLines() []string {
	lines := make([]string, len(p.Lines))
	inCode := false
	for at, line := range p.Lines {
		if strings.HasPrefix(strings.TrimSpace(line), "```") {
			inCode = !inCode
		} else if !inCode {
			lines[at] = line
		}
	}
	return lines
}
