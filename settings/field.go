package settings

import (
	"bytes"
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// field is one field of Settings as the context gives it.
type field interface {
	// describeRange completes "must be …".
	describeRange() string
	// setValue decodes, checks and stores a value. It returns its error, or an empty text.
	setValue(raw json.RawMessage) string
	// encodeValue returns the stored value in a form that setValue accepts.
	encodeValue() json.RawMessage
	// jsonSchema is the JSON Schema of the values that setValue accepts, and of few others.
	jsonSchema() schema
}

// complaint is an error of a value, or of one member of it.
type complaint struct{ member, text string }

// setField sets the field and returns all errors of the value.
func setField(f field, raw json.RawMessage) []complaint {
	if members, ok := f.(interface {
		setMembers(json.RawMessage) []complaint
	}); ok {
		return members.setMembers(raw)
	}
	if problem := f.setValue(raw); problem != "" {
		return []complaint{{text: problem}}
	}
	return nil
}

func rejectValue(f field, raw json.RawMessage) string {
	return fmt.Sprintf("must be %s (got %s)", f.describeRange(), showValue(raw))
}

func prependWord(word, rule string) string {
	if word == "" {
		return rule
	}
	return word + " or " + rule
}

// encodeJSON cannot fail: it encodes strings, numbers, booleans and lists of strings.
func encodeJSON(value any) json.RawMessage {
	var out bytes.Buffer
	encoder := json.NewEncoder(&out)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(value); err != nil {
		panic(fmt.Sprintf("encoding %v: %v", value, err))
	}
	return bytes.TrimSpace(out.Bytes())
}

func decodeString(raw json.RawMessage) (text string, ok bool) {
	if len(raw) == 0 || raw[0] != '"' {
		return "", false
	}
	return text, json.Unmarshal(raw, &text) == nil
}

// integer is a whole number in a range or of a list. An optional word means 0.
type integer struct {
	to       *int
	min, max int
	of       []int
	word     string
}

var integerForm = regexp.MustCompile(`^-?(0|[1-9][0-9]*)$`)

func (f integer) describeRange() string {
	text := fmt.Sprintf("%d to %d", f.min, f.max)
	if f.of != nil {
		words := make([]string, len(f.of))
		for i, n := range f.of {
			words[i] = strconv.Itoa(n)
		}
		text = orList(words)
	}
	return prependWord(f.word, text)
}

func (f integer) setValue(raw json.RawMessage) string {
	text, isString := decodeString(raw)
	if !isString {
		text = string(raw)
	} else if f.word != "" && text == f.word {
		*f.to = 0
		return ""
	}
	if !integerForm.MatchString(text) {
		return rejectValue(f, raw)
	}
	n, err := strconv.Atoi(text)
	if err != nil || f.of == nil && (n < f.min || n > f.max) || f.of != nil && !slices.Contains(f.of, n) {
		return rejectValue(f, json.RawMessage(text)) // a number in quotes is shown as the number that it is
	}
	*f.to = n
	return ""
}

func (f integer) encodeValue() json.RawMessage {
	if *f.to == 0 && f.word != "" {
		return encodeJSON(f.word)
	}
	return encodeJSON(*f.to)
}

// boolean is true or false.
type boolean struct{ to *bool }

func (f boolean) describeRange() string { return "true or false" }

func (f boolean) setValue(raw json.RawMessage) string {
	text, isString := decodeString(raw)
	if !isString {
		text = string(raw)
	}
	if text == "true" || text == "false" {
		*f.to = text == "true"
		return ""
	}
	return rejectValue(f, raw)
}

func (f boolean) encodeValue() json.RawMessage { return encodeJSON(*f.to) }

// choice is one of a list of words.
type choice struct {
	to *string
	of []string
}

func (f choice) describeRange() string { return orList(f.of) }

func (f choice) setValue(raw json.RawMessage) string {
	text, isString := decodeString(raw)
	if isString && slices.Contains(f.of, text) {
		*f.to = text
		return ""
	}
	return rejectValue(f, raw)
}

func (f choice) encodeValue() json.RawMessage { return encodeJSON(*f.to) }

// version is a choice whose words look like numbers: unquoted, 2.10 would be 2.1.
type version struct{ choice }

func (f version) setValue(raw json.RawMessage) string {
	if len(raw) > 0 && (raw[0] == '-' || raw[0] >= '0' && raw[0] <= '9') {
		return fmt.Sprintf(`must be in quotes, such as "2.19" (got %s)`, showValue(raw))
	}
	return f.choice.setValue(raw)
}

// text is a string that follows a rule. An optional word means the empty string, as does an empty string.
type text struct {
	to    *string
	rule  string // completes "must be …"
	form  *regexp.Regexp
	max   int                   // bytes, 0: no limit
	fits  func(s string) bool   // optional: a rule beyond form and length
	unfit func(s string) string // optional: of a string that fits, the description that it does not meet
	word  string
	// suggestions are values for an editor to complete.
	suggestions []string
}

func (f text) describeRange() string { return prependWord(f.word, f.rule) }

func (f text) setValue(raw json.RawMessage) string {
	s, isString := decodeString(raw)
	if f.word != "" && isString && (s == f.word || s == "") {
		*f.to = ""
		return ""
	}
	if !isString || !f.form.MatchString(s) || f.max > 0 && len(s) > f.max || f.fits != nil && !f.fits(s) {
		return rejectValue(f, raw)
	}
	if f.unfit != nil {
		if must := f.unfit(s); must != "" {
			return fmt.Sprintf("must be %s (got %s)", must, showValue(raw))
		}
	}
	*f.to = s
	return ""
}

func (f text) encodeValue() json.RawMessage {
	if *f.to == "" && f.word != "" {
		return encodeJSON(f.word)
	}
	return encodeJSON(*f.to)
}

// list is a list of different strings: a JSON array, or one string with a JSON array or comma-separated items, for the
// command line's -c. The empty string, or an optional word, is the empty list.
type list struct {
	to   *[]string
	rule string              // completes "must be …"
	form *regexp.Regexp      // optional, of an item
	fits func(s string) bool // optional, the same
	max  int                 // bytes of the list as JSON, 0: no limit
	word string
}

func (f list) describeRange() string { return prependWord(f.word, f.rule) }

func (f list) setValue(raw json.RawMessage) string {
	items, ok := f.splitItems(raw)
	if !ok {
		return rejectValue(f, raw)
	}
	for i, item := range items {
		if f.form != nil && !f.form.MatchString(item) || f.fits != nil && !f.fits(item) {
			return rejectValue(f, encodeJSON(item))
		}
		if slices.Contains(items[:i], item) {
			return showValue(encodeJSON(item)) + " is listed twice"
		}
	}
	if size := len(escapeHTML(items)); f.max > 0 && size > f.max {
		return fmt.Sprintf("must be at most %d bytes as JSON, for an environment variable of a Lambda function (got %d)",
			f.max, size)
	}
	*f.to = items
	return ""
}

// escapeHTML returns the longest form that an encoder gives the list.
func escapeHTML(items []string) []byte {
	var out bytes.Buffer
	json.HTMLEscape(&out, encodeJSON(items))
	return out.Bytes()
}

func (f list) splitItems(raw json.RawMessage) ([]string, bool) {
	if s, isString := decodeString(raw); isString {
		if s == "" || f.word != "" && s == f.word {
			return []string{}, true
		}
		if !strings.HasPrefix(s, "[") {
			return strings.Split(s, ","), true
		}
		raw = json.RawMessage(s)
	}
	var items []*string // of pointers, because a null would pass as an empty string
	if len(raw) == 0 || raw[0] != '[' || json.Unmarshal(raw, &items) != nil {
		return nil, false
	}
	values := make([]string, 0, len(items))
	for _, item := range items {
		if item == nil {
			return nil, false
		}
		values = append(values, *item)
	}
	return values, true
}

func (f list) encodeValue() json.RawMessage { return encodeJSON(*f.to) }
