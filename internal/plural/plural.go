package plural

import "strings"

// Of returns the text with each {one|more} replaced by its first part when n is 1, else by its second. The text is the
// program's own, never data: put data in afterwards.
func Of(n int64, text string) string {
	var b strings.Builder
	for {
		before, rest, found := strings.Cut(text, "{")
		b.WriteString(before)
		if !found {
			return b.String()
		}
		choice, after, _ := strings.Cut(rest, "}")
		one, more, _ := strings.Cut(choice, "|")
		if n == 1 {
			b.WriteString(one)
		} else {
			b.WriteString(more)
		}
		text = after
	}
}
