package main_test

import (
	"bytes"
	"encoding/json"
	"maps"
	"math"
	"math/big"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

// member is one member of a JSON object; raw is its value without white space between tokens.
type member struct {
	key string
	raw string
}

// members reads an object; of a repeated key the last one counts.
func members(t *testing.T, object []byte) []member {
	t.Helper()
	decoder := json.NewDecoder(bytes.NewReader(object))
	token, err := decoder.Token()
	if err != nil || token != json.Delim('{') {
		t.Fatalf("%v: no object: %.200s", err, object)
	}
	var all []member
	for decoder.More() {
		key, err := decoder.Token()
		if err != nil {
			t.Fatal(err)
		}
		var raw json.RawMessage
		if err := decoder.Decode(&raw); err != nil {
			t.Fatal(err)
		}
		var compact bytes.Buffer
		if err := json.Compact(&compact, raw); err != nil {
			t.Fatal(err)
		}
		all = slices.DeleteFunc(all, func(m member) bool { return m.key == key })
		all = append(all, member{key.(string), compact.String()})
	}
	return all
}

// The contract's tables. Fields and rules beyond them are not the oracle's concern.
var (
	declared = map[string]string{
		"event_id": "string", "user_id": "string", "event_type": "string", "product_id": "string",
		"session_id":    "string",
		"category_code": "string", "brand": "string", "amount": "double", "category_id": "bigint",
		"timestamp": "timestamp",
	}
	replaced = []string{"processed_timestamp", "processing_status", "user_category", "amount_category", "amount_tier",
		"event_category", "data_quality_score", "malformed"}
	weights = map[string]float64{"event_id": 1, "event_type": 1, "timestamp": 1, "user_id": 0.5, "amount": 0.5,
		"product_id": 0.5}
	commerce   = []string{"purchase", "add_to_cart", "remove_from_cart", "cart", "checkout"}
	engagement = []string{"view", "click", "scroll", "hover", "search"}
)

// conform returns the value in the declared type; false: it is malformed.
func conform(kind, raw string) (string, bool) {
	if raw == "null" {
		return raw, true
	}
	var text string
	isText := raw[0] == '"' && json.Unmarshal([]byte(raw), &text) == nil
	isNumber := strings.ContainsRune("-0123456789", rune(raw[0]))
	switch kind {
	case "string":
		if isNumber || raw == "true" || raw == "false" {
			return `"` + raw + `"`, true
		}
		return raw, isText
	case "double":
		if isText {
			raw = strings.TrimSpace(text)
			isNumber = raw != "" && strings.ContainsRune("-0123456789", rune(raw[0])) && json.Valid([]byte(raw))
		}
		_, err := strconv.ParseFloat(raw, 64)
		return raw, isNumber && err == nil
	case "bigint":
		if isText {
			raw = text
		}
		n, ok := new(big.Int).SetString(raw, 10)
		return raw, ok && n.IsInt64() && (raw == n.String() || raw == "-0")
	case "timestamp":
		if seconds, err := strconv.ParseInt(raw, 10, 64); err == nil && len(raw) == 10 && raw[0] != '-' {
			return time.Unix(seconds, 0).UTC().Format(`"2006-01-02T15:04:05Z"`), true
		}
		_, err := time.Parse(time.RFC3339, text)
		return raw, isText && err == nil
	}
	panic("no type " + kind)
}

// setsAside reports whether the stream's store would reject an event with this undeclared member: of what the tests
// here send that is an empty key in search, arrays deep inside each other in search, and a key twice in an object in
// both.
func setsAside(t *testing.T, stream string, m member) bool {
	if stream == "search" && (m.key == "" || strings.HasPrefix(m.raw, strings.Repeat("[", 21))) {
		return true
	}
	return m.raw[0] == '{' && countKeys(t, m.raw) != len(members(t, []byte(m.raw)))
}

// asText is a value as it is in the malformed object.
func asText(t *testing.T, raw string) string {
	text := raw
	if text[0] == '"' {
		if err := json.Unmarshal([]byte(raw), &text); err != nil {
			t.Fatal(err)
		}
	}
	quoted, err := json.Marshal(text)
	if err != nil {
		t.Fatal(err)
	}
	return string(quoted)
}

// enriched returns the members that the event should come out with. The value of processed_timestamp is left empty.
func enriched(t *testing.T, stream string, event []byte) []member {
	t.Helper()
	var out, malformed, aside []member
	sent := map[string]string{}
	value := map[string]string{} // of declared fields that came and are not malformed
	for _, m := range members(t, event) {
		if m.key == "malformed" {
			malformed = members(t, []byte(m.raw))
			continue
		}
		if slices.Contains(replaced, m.key) {
			continue
		}
		sent[m.key] = m.raw
		kind, isDeclared := declared[m.key]
		if !isDeclared && setsAside(t, stream, m) {
			aside = append(aside, member{m.key, asText(t, m.raw)})
			continue
		}
		if !isDeclared {
			out = append(out, m)
			continue
		}
		converted, ok := conform(kind, m.raw)
		if !ok {
			malformed = append(malformed, member{m.key, asText(t, m.raw)})
			continue
		}
		value[m.key] = converted
		out = append(out, member{m.key, converted})
	}
	malformed = append(malformed, aside...)
	text := func(key string) (s string) {
		if raw := value[key]; raw != "" && raw[0] == '"' {
			if err := json.Unmarshal([]byte(raw), &s); err != nil {
				t.Fatal(err)
			}
		}
		return s
	}
	add := func(key, value string) { out = append(out, member{key, strconv.Quote(value)}) }
	out = append(out, member{key: "processed_timestamp"})
	if len(malformed) > 0 {
		add("processing_status", "PARTIAL")
	} else {
		add("processing_status", "SUCCESS")
	}
	if raw, came := sent["user_id"]; came {
		category := "registered"
		mantissa, _, _ := strings.Cut(strings.ToLower(raw), "e")
		isZero := strings.Contains(mantissa, "0") && strings.Trim(mantissa, "-0.") == ""
		if slices.Contains([]string{`""`, "null", "false", "{}", "[]"}, raw) || isZero {
			category = "guest"
		}
		add("user_category", category)
	}
	if _, came := sent["amount"]; came {
		category, tier := "unknown", "unknown"
		if n, err := strconv.ParseFloat(value["amount"], 64); err == nil {
			category, tier = "low", "basic"
			if n > 100 {
				category, tier = "high", "standard"
			}
			if n > 500 {
				tier = "premium"
			}
		}
		add("amount_category", category)
		add("amount_tier", tier)
	}
	if _, came := sent["event_type"]; came {
		category := "other"
		if slices.Contains(commerce, text("event_type")) {
			category = "commerce"
		} else if slices.Contains(engagement, text("event_type")) {
			category = "engagement"
		}
		add("event_category", category)
	}
	score := 0.0
	for name, weight := range weights {
		raw, ok := value[name]
		if ok && raw != "null" && (raw[0] != '"' || strings.TrimSpace(text(name)) != "") {
			score += weight
		}
	}
	out = append(out, member{"data_quality_score", strconv.FormatFloat(math.Round(score/4.5*10000)/100, 'f', -1, 64)})
	if len(malformed) > 0 {
		var object []string
		for _, m := range malformed {
			key, err := json.Marshal(m.key)
			if err != nil {
				t.Fatal(err)
			}
			object = append(object, string(key)+":"+m.raw)
		}
		out = append(out, member{"malformed", "{" + strings.Join(object, ",") + "}"})
	}
	return out
}

// wantEnriched checks one line of output, member by member, and returns its processed_timestamp.
func wantEnriched(t *testing.T, stream string, event []byte, line string) string {
	t.Helper()
	if strings.ContainsAny(line, "\n\r") {
		t.Errorf("%.200s: got more than one line: %q", event, line)
	}
	got, want := members(t, []byte(line)), enriched(t, stream, event)
	var stamp string
	for i, m := range got {
		if m.key == "processed_timestamp" {
			if err := json.Unmarshal([]byte(m.raw), &stamp); err != nil {
				t.Error(err)
			}
			got[i].raw = ""
		}
	}
	sameMalformed(t, got, want)
	if !slices.Equal(got, want) {
		t.Errorf("event %.300s\ngot  %q\nwant %q", event, got, want)
	}
	// members is lenient about white space and repeated keys.
	var compact bytes.Buffer
	if err := json.Compact(&compact, []byte(line)); err != nil || compact.String() != line {
		t.Errorf("event %.200s: got white space between tokens: %q", event, line)
	}
	if n, different := countKeys(t, line), len(members(t, []byte(line))); n != different {
		t.Errorf("event %.200s: got %d members, %d different keys", event, n, different)
	}
	return stamp
}

// sameMalformed gives the malformed object of got the spelling of want's when both say the same: the contract leaves
// open in which order its members come and which characters are escaped.
func sameMalformed(t *testing.T, got, want []member) {
	t.Helper()
	if len(got) == 0 || len(want) == 0 || got[len(got)-1].key != "malformed" || want[len(want)-1].key != "malformed" {
		return
	}
	var texts [2]map[string]string
	for i, m := range []member{got[len(got)-1], want[len(want)-1]} {
		if err := json.Unmarshal([]byte(m.raw), &texts[i]); err != nil {
			t.Errorf("%v in malformed object %s", err, m.raw)
			return
		}
	}
	if maps.Equal(texts[0], texts[1]) {
		got[len(got)-1].raw = want[len(want)-1].raw
	}
}

func countKeys(t *testing.T, object string) int {
	t.Helper()
	decoder := json.NewDecoder(strings.NewReader(object))
	if _, err := decoder.Token(); err != nil {
		t.Fatal(err)
	}
	n := 0
	for decoder.More() {
		n++
		var raw json.RawMessage
		if _, err := decoder.Token(); err != nil {
			t.Fatal(err)
		}
		if err := decoder.Decode(&raw); err != nil {
			t.Fatal(err)
		}
	}
	return n
}
