package event

import (
	"strconv"

	"firehose-pipeline/internal/jsonscan"
)

// Rule adds one field to every event, after the event's own fields.
//
// To add a rule, write a function like those below and a line for it in [Rules]. The column of the lake, the mapping of the
// search index and the transform follow from that line. For example, a field that tells cheap events from others:
//
//	{Name: "is_cheap", Type: Boolean, Comment: "Amount below 10", Flag: isCheap},
//
//	func isCheap(e *Event) (cheap, ok bool) {
//		n, ok := e.Number(amount)
//		return n < 10, ok
//	}
//
// The fields that rules look at are the variables below Rules; to look at another declared field, add a line there. What a
// rule can ask about a field are the methods of [Event]: Came, IsNull, IsMalformed, IsEmpty, Present, Text, Number.
//
// A rule must depend on nothing but the event and ProcessedAt, because a replayed event has to come out the same.
type Rule struct {
	// Name is the field's name: lower case letters, digits and underscores, and not the name of a declared field.
	Name    string
	Type    Type
	Comment string

	// One of the following, as the Type wants, gives the field's value. With "" or false for ok the event does not get the
	// field.

	Text   func(e *Event) string               // String and Timestamp
	Number func(e *Event) (n float64, ok bool) // Double, written with at most two decimals, and BigInt, with none
	Flag   func(e *Event) (flag, ok bool)      // Boolean
}

// Rules are the fields that the transform adds, in the order in which it adds them. When the event already has one of them,
// the rule's value replaces it; where the rule adds nothing, the event's own value is conformed to the rule's type.
var Rules = []Rule{
	{Name: "processed_timestamp", Type: Timestamp, Comment: "When the transform ran, RFC 3339 UTC", Text: processedTimestamp},
	{Name: "processing_status", Type: String, Comment: "SUCCESS, or PARTIAL when malformed is not empty", Text: processingStatus},
	{Name: "user_category", Type: String, Comment: "guest or registered", Text: userCategory},
	{Name: "amount_category", Type: String, Comment: "high, low or unknown", Text: amountCategory},
	{Name: "amount_tier", Type: String, Comment: "premium, standard, basic or unknown", Text: amountTier},
	{Name: "event_category", Type: String, Comment: "commerce, engagement or other", Text: eventCategory},
	{Name: "data_quality_score", Type: Double, Comment: "0 to 100", Number: dataQualityScore},
}

// The declared fields that rules look at.
var (
	userID    = field("user_id")
	eventType = field("event_type")
	amount    = field("amount")
)

func processedTimestamp(e *Event) string { return e.ProcessedAt() }

func processingStatus(e *Event) string {
	if e.IsPartial() {
		return "PARTIAL"
	}
	return "SUCCESS"
}

func userCategory(e *Event) string {
	switch {
	case !e.Came(userID):
		return ""
	case e.IsEmpty(userID):
		return "guest"
	case e.Before("user_category") == "guest" && convertedEmpty(e.Text(userID)):
		return "guest"
	default:
		return "registered"
	}
}

// convertedEmpty reports whether a string may be the false or 0 of an event that has been through the transform before:
// there they became "false" and "0", which in a new event are the ids of registered users.
func convertedEmpty(s []byte) bool {
	isNumber, _ := jsonscan.IsNumber(s)
	return isNumber && isZero(s) || string(s) == "false"
}

func amountCategory(e *Event) string {
	if !e.Came(amount) {
		return ""
	}
	switch n, ok := e.Number(amount); {
	case !ok:
		return "unknown"
	case n > 100:
		return "high"
	default:
		return "low"
	}
}

func amountTier(e *Event) string {
	if !e.Came(amount) {
		return ""
	}
	switch n, ok := e.Number(amount); {
	case !ok:
		return "unknown"
	case n > 500:
		return "premium"
	case n > 100:
		return "standard"
	default:
		return "basic"
	}
}

func eventCategory(e *Event) string {
	if !e.Came(eventType) {
		return ""
	}
	switch string(e.Text(eventType)) {
	case "purchase", "add_to_cart", "remove_from_cart", "cart", "checkout":
		return "commerce"
	case "view", "click", "scroll", "hover", "search":
		return "engagement"
	default:
		return "other"
	}
}

// dataQualityScore is the share of the fields that are present, by the Weight that they have in Fields.
func dataQualityScore(e *Event) (float64, bool) {
	present := 0.0
	for _, w := range weights {
		if e.Present(w.field) {
			present += w.weight
		}
	}
	return 100 * present / allWeights, allWeights > 0
}

type weight struct {
	field  FieldID
	weight float64
}

// weights are the fields that have one, and allWeights is its sum.
var weights, allWeights = func() (all []weight, sum float64) {
	for f := range Fields {
		if w := Fields[f].Weight; w > 0 {
			all = append(all, weight{FieldID(f), w})
			sum += w
		}
	}
	return all, sum
}()

// append appends the rule's value for the event to dst as JSON, or nothing.
func (r *Rule) append(dst []byte, e *Event) []byte {
	switch {
	case r.Text != nil:
		if s := r.Text(e); s != "" {
			return appendText(dst, s)
		}
	case r.Number != nil:
		if n, ok := r.Number(e); ok && r.Type == BigInt {
			return strconv.AppendInt(dst, int64(n), 10)
		} else if ok {
			return appendNumber(dst, n)
		}
	case r.Flag != nil:
		if flag, ok := r.Flag(e); ok {
			return strconv.AppendBool(dst, flag)
		}
	}
	return dst
}
