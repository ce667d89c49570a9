package event

// Custom are the rules in Go, by the name that an x-enrich entry of the schema gives in "go". The entry also declares
// name, type and description of the field, so that column, mapping and transform follow from it. For example:
//
//	{"name": "is_cheap", "type": "boolean", "go": "isCheap", "description": "Amount below 10"}
//
//	func isCheap(l *Layout) Rule {
//		amount := l.Field("amount")
//		return Rule{Flag: func(e *Event) (cheap, ok bool) {
//			n, ok := e.Number(amount)
//			return n < 10, ok
//		}}
//	}
//
// The methods of [Event] are the questions that a rule can ask about a field: Sent, IsNull, IsMalformed, IsEmpty,
// Present, Text, Number. Text gives a string, Number a number or an integer, Flag a boolean; with an empty text, or
// false for ok, the event does not get the field. A rule that looks at a protected field sees the value as sent, and
// must not write it.
var Custom = map[string]func(l *Layout) Rule{
	// "isCheap": isCheap,
}
