package event

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"firehose-pipeline/schema"
)

// The oracle does what Processor does, written from the contract again: with encoding/json, slowly, and with nothing of
// the package but its names. The tests compare the two field by field. It knows the shipped rules only.

// oracleMember is a member with its decoded key and its value as written, without white space between tokens.
type oracleMember struct{ key, value string }

type oracleObject []oracleMember

// parseObject reads one object by the decoder's tokens, so that order and repeated keys are kept.
func parseObject(text string) (oracleObject, error) {
	d := json.NewDecoder(strings.NewReader(text))
	if token, err := d.Token(); err != nil || token != json.Delim('{') {
		return nil, fmt.Errorf("no object: %v %v", token, err)
	}
	object := oracleObject{}
	for d.More() {
		key, err := d.Token()
		if err != nil {
			return nil, err
		}
		var value json.RawMessage
		if err := d.Decode(&value); err != nil {
			return nil, err
		}
		var compact bytes.Buffer
		if err := json.Compact(&compact, value); err != nil {
			return nil, err
		}
		object = append(object, oracleMember{key.(string), compact.String()})
	}
	_, err := d.Token()
	return object, err
}

// unique keeps of each key the last member only.
func (o oracleObject) unique() oracleObject {
	kept := oracleObject{}
	for i, m := range o {
		if o[i+1:].find(m.key) < 0 {
			kept = append(kept, m)
		}
	}
	return kept
}

func (o oracleObject) find(key string) int {
	for i := range o {
		if o[i].key == key {
			return i
		}
	}
	return -1
}

func (o oracleObject) without(key string) oracleObject {
	kept := oracleObject{}
	for _, m := range o {
		if m.key != key {
			kept = append(kept, m)
		}
	}
	return kept
}

// quote makes JSON a JSON string.
func quote(text string) string {
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(text) + `"`
}

// asText is a value as it stands in malformed.
func asText(value string) string {
	if value[0] == '"' {
		return value
	}
	return quote(value)
}

func meaning(value string) string {
	var s string
	if err := json.Unmarshal([]byte(value), &s); err != nil {
		panic(err)
	}
	return s
}

func oracleNumber(text string) (float64, bool) {
	if !json.Valid([]byte(text)) || text == "" || !strings.ContainsAny(text[:1], "-0123456789") || strings.TrimSpace(text) != text {
		return 0, false
	}
	x, err := strconv.ParseFloat(text, 64)
	return x, err == nil && !math.IsInf(x, 0) && !oracleHasLongNumber(text)
}

func oracleInteger(text string) bool {
	_, isNumber := oracleNumber(text)
	_, err := strconv.ParseInt(text, 10, 64)
	return isNumber && err == nil
}

func oracleTimestamp(text string) bool {
	if _, err := time.Parse(time.RFC3339Nano, text); err != nil {
		return false
	}
	// time.Parse takes more than RFC 3339, and RFC 3339 more than java.time.
	if len(text) < 20 || strings.Contains(text, ",") || text[13] != ':' {
		return false
	}
	if fraction := strings.TrimRight(strings.TrimRight(text[19:], "Z"), ":0123456789"); strings.HasPrefix(text[19:], ".") {
		digits := text[20:]
		if end := strings.IndexAny(digits, "Z+-"); end < 1 || end > 9 {
			return false
		}
	} else if fraction == "" && text[19] != 'Z' {
		return false
	}
	if !strings.HasSuffix(text, "Z") {
		hours, _ := strconv.Atoi(text[len(text)-5 : len(text)-3])
		minutes, _ := strconv.Atoi(text[len(text)-2:])
		return minutes < 60 && hours*60+minutes <= 14*60
	}
	return true
}

// oracleConform returns the value in the declared type; false when it is malformed.
func oracleConform(kind schema.Kind, value string) (string, bool) {
	if value == "null" {
		return value, true
	}
	isString := value[0] == '"'
	switch kind {
	case schema.String:
		if isString {
			return value, true
		}
		if value == "true" || value == "false" || strings.ContainsAny(value[:1], "-0123456789") {
			return `"` + value + `"`, true
		}
	case schema.Double:
		if isString {
			value = strings.TrimSpace(meaning(value))
		}
		_, ok := oracleNumber(value)
		return value, ok
	case schema.BigInt:
		if isString {
			value = meaning(value)
		}
		return value, oracleInteger(value)
	case schema.Boolean:
		if isString {
			value = meaning(value)
		}
		return value, value == "true" || value == "false"
	case schema.Timestamp:
		text := value
		if isString {
			text = meaning(value)
		}
		if isString && oracleTimestamp(text) {
			return value, true
		}
		text, ok := oracleTimestampForm(text)
		return `"` + text + `"`, ok && value[0] != '{' && value[0] != '['
	}
	return "", false
}

var (
	otherTimestamp = regexp.MustCompile(`^(\d{4}-\d\d-\d\d)[Tt ](\d\d:\d\d:\d\d(?:\.\d{1,9})?)(?:([Zz])|([+-]\d\d):?(\d\d))$`)
	epoch          = regexp.MustCompile(`^([1-9]\d{9})(?:\.?(\d{1,9}))?$`)
)

// oracleTimestampForm rewrites the other forms of a timestamp.
func oracleTimestampForm(text string) (string, bool) {
	if m := otherTimestamp.FindStringSubmatch(text); m != nil {
		zone := "Z"
		if m[3] == "" {
			zone = m[4] + ":" + m[5]
		}
		text = m[1] + "T" + m[2] + zone
		return text, oracleTimestamp(text)
	}
	m := epoch.FindStringSubmatch(text)
	if m == nil || !strings.Contains(text, ".") && len(text) != 10 && len(text) != 13 {
		return "", false
	}
	seconds, err := strconv.ParseInt(m[1], 10, 64)
	if err != nil {
		return "", false
	}
	text = time.Unix(seconds, 0).UTC().Format("2006-01-02T15:04:05")
	if m[2] != "" {
		text += "." + m[2]
	}
	return text + "Z", true
}

// blank is a part of a path in which Java sees only white space.
var blank = regexp.MustCompile(`^[\t-\r\x1c-\x1f \x{1680}\x{2000}-\x{2006}\x{2008}-\x{200a}\x{2028}\x{2029}\x{205f}\x{3000}]*$`)

// oracleRejects says whether the stream's store rejects an event with this member, which is not a declared field.
func oracleRejects(stream Stream, key, value string) bool {
	if oracleHasRepeats(value) || oracleHasLongNumber(value) {
		return true
	}
	if stream == Lake {
		return false
	}
	parts := strings.Split(key, ".")
	for len(parts) > 1 && parts[len(parts)-1] == "" { // as Java does
		parts = parts[:len(parts)-1]
	}
	switch {
	case key == "" || parts[0] == "":
		return true
	case oracleIsMetadata(parts[0]):
		return true
	case strings.Contains(key, ".") && oracleDeclares(parts[0]):
		return true
	case strings.Contains(key, ".") && value[0] == '[' && (oracleDeclares(parts[len(parts)-1]) || oracleIsMetadata(parts[len(parts)-1])):
		return true
	case strings.Contains(key, "."):
		for _, part := range parts {
			if blank.MatchString(part) {
				return true
			}
		}
	}
	return strings.HasPrefix(value, strings.Repeat("[", 21))
}

func oracleIsMetadata(name string) bool {
	return slices.Contains(strings.Fields("_id _source _index _routing _field_names _ignored _seq_no _version _nested_path "+
		"_data_stream_timestamp _feature _doc_count _size"), name)
}

// oracleDeclares says whether the index maps the field to a type.
func oracleDeclares(name string) bool {
	is := func(e *schema.Enrichment) bool { return e.Name == name }
	return slices.ContainsFunc(shop.schema.Enrich, is) || slices.ContainsFunc(shop.schema.Fields, func(f *schema.Field) bool { return f.Key == name })
}

// oracleHasRepeats says whether an object inside a value without white space has a key twice.
func oracleHasRepeats(value string) bool {
	var array []json.RawMessage
	switch value[0] {
	case '[':
		if err := json.Unmarshal([]byte(value), &array); err != nil {
			panic(err)
		}
	case '{':
		object, err := parseObject(value)
		if err != nil {
			panic(err)
		}
		if len(object.unique()) < len(object) {
			return true
		}
		for _, m := range object {
			array = append(array, json.RawMessage(m.value))
		}
	}
	for _, element := range array {
		if oracleHasRepeats(string(element)) {
			return true
		}
	}
	return false
}

var inStrings = regexp.MustCompile(`"(?:[^"\\]|\\.)*"`)

// oracleHasLongNumber says whether a number of a value has more than 1,000 digits.
func oracleHasLongNumber(value string) bool {
	for _, token := range strings.FieldsFunc(inStrings.ReplaceAllString(value, ""), func(r rune) bool { return strings.ContainsRune("[]{},:", r) }) {
		if digits := strings.Trim(token, "-"); len(strings.NewReplacer(".", "", "e", "", "E", "", "+", "", "-", "").Replace(digits)) > 1000 {
			return true
		}
	}
	return false
}

// oracle returns what an object of the stream becomes; nil when it is dropped.
func oracle(stream Stream, text, now string, drop ...string) (oracleObject, error) {
	sent, err := parseObject(text)
	if err != nil {
		return nil, err
	}
	sent = sent.unique()
	out := sent

	// The event's own malformed.
	var own oracleObject
	ownKind := ""
	moved := oracleObject{}
	if at := out.find("malformed"); at >= 0 {
		value := out[at].value
		out = out.without("malformed")
		switch value[0] {
		case '{':
			ownKind = "object"
			if own, err = parseObject(value); err != nil {
				return nil, err
			}
			own = slices.DeleteFunc(own.unique(), func(m oracleMember) bool { return m.value == "null" })
		case 'n':
			ownKind = "null"
		default:
			moved = append(moved, oracleMember{"malformed", asText(value)})
		}
	}

	// Declared fields in their declared type.
	conform := func(name string, kind schema.Kind) {
		at := out.find(name)
		if at < 0 {
			return
		}
		value, ok := oracleConform(kind, out[at].value)
		if ok {
			out = append(append(append(oracleObject{}, out[:at]...), oracleMember{name, value}), out[at+1:]...)
			return
		}
		moved = append(moved, oracleMember{name, asText(out[at].value)})
		out = out.without(name)
	}
	for _, f := range shop.schema.Fields {
		conform(f.Key, f.Type.Kind)
	}
	get := func(o oracleObject, name string) string {
		if at := o.find(name); at >= 0 {
			return o[at].value
		}
		return ""
	}
	if eventType := get(out, "event_type"); eventType != "" && eventType != "null" {
		for _, d := range drop {
			if meaning(eventType) == d {
				return nil, nil
			}
		}
	}

	for _, m := range sent {
		if !oracleDeclares(m.key) && m.key != "malformed" && oracleRejects(stream, m.key, m.value) {
			moved = append(moved, oracleMember{m.key, asText(m.value)})
			out = out.without(m.key)
		}
	}

	// came says whether a field came to a rule: now, or when the transform gave the event this rule's field before.
	had := func(rule string) bool {
		processed := sent.find("processed_timestamp")
		return processed >= 0 && sent.find(rule) >= processed
	}
	came := func(name, rule string) string {
		if value := get(sent, name); value != "" {
			return value
		}
		if had(rule) {
			if value := get(own, name); value != "" && value[0] == '"' {
				return meaning(value)
			} else if value != "" {
				return "{x}"
			}
		}
		return ""
	}
	rules := oracleObject{}
	set := func(name, value string) { rules = append(rules, oracleMember{name, value}) }
	if value := came("user_id", "user_category"); value != "" || get(sent, "user_id") == "" && had("user_category") && get(own, "user_id") == `""` {
		number, isNumber := oracleNumber(strings.Trim(value, `"`))
		zero := isNumber && (number == 0 && !strings.ContainsAny(mantissa(value), "123456789"))
		before := had("user_category") && get(sent, "user_category")[0] == '"' && meaning(get(sent, "user_category")) == "guest"
		inEvent := get(sent, "user_id") != ""
		switch {
		case value == `""` || value == "" || value == "null" || value == "false" || value == "{}" || value == "[]",
			zero && value[0] != '"' && (inEvent || value == "0"),
			inEvent && value[0] == '"' && (zeroText(meaning(value)) || meaning(value) == "false") && before:
			set("user_category", `"guest"`)
		default:
			set("user_category", `"registered"`)
		}
	}
	amountCame := get(sent, "amount") != "" || had("amount_category") && get(own, "amount") != ""
	tierCame := get(sent, "amount") != "" || had("amount_tier") && get(own, "amount") != ""
	amount, known := oracleNumber(get(out, "amount"))
	if amountCame {
		switch {
		case !known:
			set("amount_category", `"unknown"`)
		case amount > 100:
			set("amount_category", `"high"`)
		default:
			set("amount_category", `"low"`)
		}
	}
	if tierCame {
		switch {
		case !known:
			set("amount_tier", `"unknown"`)
		case amount > 500:
			set("amount_tier", `"premium"`)
		case amount > 100:
			set("amount_tier", `"standard"`)
		default:
			set("amount_tier", `"basic"`)
		}
	}
	if get(sent, "event_type") != "" || had("event_category") && get(own, "event_type") != "" {
		category := "other"
		if value := get(out, "event_type"); value != "" && value != "null" {
			switch meaning(value) {
			case "purchase", "add_to_cart", "remove_from_cart", "cart", "checkout":
				category = "commerce"
			case "view", "click", "scroll", "hover", "search":
				category = "engagement"
			}
		}
		set("event_category", `"`+category+`"`)
	}
	present := 0.0
	for _, weight := range []oracleWeight{{"event_id", 1}, {"event_type", 1}, {"timestamp", 1}, {"user_id", 0.5}, {"amount", 0.5}, {"product_id", 0.5}} {
		value := get(out, weight.name)
		if value == "" || value == "null" || value[0] == '"' && strings.TrimSpace(meaning(value)) == "" {
			continue
		}
		present += weight.weight
	}
	score := strings.TrimRight(strings.TrimRight(fmt.Sprintf("%.2f", 100*present/4.5), "0"), ".")
	if present == 0 {
		score = "0"
	}
	set("data_quality_score", score)

	for _, r := range shop.schema.Enrich[2:] {
		if rules.find(r.Name) >= 0 {
			out = out.without(r.Name)
		} else {
			conform(r.Name, r.Kind)
		}
	}
	out = out.without("processed_timestamp").without("processing_status")

	for _, m := range moved {
		own = own.without(m.key)
	}
	status := `"SUCCESS"`
	if len(own)+len(moved) > 0 {
		status = `"PARTIAL"`
	}
	out = append(out, oracleMember{"processed_timestamp", `"` + now + `"`}, oracleMember{"processing_status", status})
	for _, r := range shop.schema.Enrich {
		if at := rules.find(r.Name); at >= 0 {
			out = append(out, rules[at])
		}
	}
	switch {
	case ownKind == "object" || len(moved) > 0:
		value := ""
		for _, m := range append(own, moved...) {
			m.value = asText(m.value)
			key, err := json.Marshal(m.key)
			if err != nil {
				return nil, err
			}
			value += "," + string(key) + ":" + m.value
		}
		out = append(out, oracleMember{"malformed", "{" + strings.TrimPrefix(value, ",") + "}"})
	case ownKind == "null":
		out = append(out, oracleMember{"malformed", "null"})
	}
	return out, nil
}

type oracleWeight struct {
	name   string
	weight float64
}

func mantissa(number string) string {
	number, _, _ = strings.Cut(number, "e")
	number, _, _ = strings.Cut(number, "E")
	return number
}

func zeroText(text string) bool {
	_, isNumber := oracleNumber(text)
	return (isNumber || json.Valid([]byte(text)) && text != "" && strings.ContainsAny(text[:1], "-0123456789")) &&
		!strings.ContainsAny(mantissa(text), "123456789") && strings.TrimSpace(text) == text
}

// compareToOracle compares what the processor made of an object with what the oracle makes of it.
func compareToOracle(t *testing.T, stream Stream, sent, got, now string, drop ...string) {
	t.Helper()
	want, err := oracle(stream, sent, now, drop...)
	if err != nil {
		t.Fatalf("%s: %v", sent, err)
	}
	if want == nil {
		if got != "" {
			t.Fatalf("%s\nis to be dropped, became %s", sent, got)
		}
		return
	}
	if got == "" {
		t.Fatalf("%s\nwas dropped", sent)
	}
	if !utf8.ValidString(got) || strings.ContainsAny(got, "\n\r") {
		t.Fatalf("%s\nbecame %q, which is not one line of UTF-8", sent, got)
	}
	have, err := parseObject(got)
	if err != nil {
		t.Fatalf("%s\nbecame %s: %v", sent, got, err)
	}
	if len(have) != len(want) {
		t.Fatalf("%s\nbecame %v\nwant   %v", sent, have, want)
	}
	for i := range want {
		same := have[i] == want[i]
		if want[i].key == "malformed" && have[i].key == "malformed" { // own keys may be written with escapes
			same = sameKeys(t, have[i].value, want[i].value)
		}
		if !same {
			t.Fatalf("%s\nhas    %v\nwant   %v", sent, have[i], want[i])
		}
	}
	var compact bytes.Buffer
	if err := json.Compact(&compact, []byte(got)); err != nil || compact.String() != got {
		t.Fatalf("%s\nbecame %q, which has white space between tokens", sent, got)
	}
}

func sameKeys(t *testing.T, a, b string) bool {
	t.Helper()
	if a == "null" || b == "null" {
		return a == b
	}
	x, err := parseObject(a)
	if err != nil {
		t.Fatal(err)
	}
	y, err := parseObject(b)
	if err != nil {
		t.Fatal(err)
	}
	if len(x) != len(y) {
		return false
	}
	for i := range x {
		if x[i] != y[i] {
			return false
		}
	}
	return true
}
