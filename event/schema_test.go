package event

import (
	"regexp"
	"strings"
	"testing"
)

func TestSchema(t *testing.T) {
	name := regexp.MustCompile(`^[a-z][a-z0-9_]*$`)
	seen := map[string]bool{Malformed: true}
	check := func(t *testing.T, field string, typ Type, comment string) {
		if !name.MatchString(field) {
			t.Errorf("%q is no name for a Glue column", field)
		}
		if seen[field] {
			t.Errorf("%q is declared twice", field)
		}
		seen[field] = true
		if glueTypes[typ] == "" {
			t.Errorf("%s has an unknown type %d", field, typ)
		}
		if comment == "" || len(comment) > 255 {
			t.Errorf("%s: Glue takes comments of 1 to 255 characters", field)
		}
	}
	t.Run("fields", func(t *testing.T) {
		for _, f := range Fields {
			check(t, f.Name, f.Type, f.Comment)
			if f.Weight < 0 {
				t.Errorf("%s has a negative weight", f.Name)
			}
		}
	})
	t.Run("rules have names of their own and one function that fits the type", func(t *testing.T) {
		for _, r := range Rules {
			check(t, r.Name, r.Type, r.Comment)
			text, number, flag := r.Text != nil, r.Number != nil, r.Flag != nil
			want := map[Type][3]bool{String: {true}, Timestamp: {true}, Double: {false, true}, BigInt: {false, true}, Boolean: {false, false, true}}[r.Type]
			if [3]bool{text, number, flag} != want {
				t.Errorf("%s: Text %v, Number %v, Flag %v", r.Name, text, number, flag)
			}
		}
	})
	t.Run("columns are the fields, the rules and malformed", func(t *testing.T) {
		columns := Columns()
		if len(columns) != len(seen) {
			t.Fatalf("%d columns for %d names", len(columns), len(seen))
		}
		for _, c := range columns {
			if !seen[c.Name] {
				t.Errorf("column %s", c.Name)
			}
		}
	})
}

// TestAddedRules adds rules of each type as a user would.
func TestAddedRules(t *testing.T) {
	const n = 12.345
	for _, c := range []struct {
		name string
		rule Rule
		want string
	}{
		{"text is escaped", Rule{Type: String, Text: func(*Event) string { return "a\"\\\né" }}, `"a\"\\\u000aé"`},
		{"empty text adds nothing", Rule{Type: String, Text: func(*Event) string { return "" }}, ``},
		{"a double has at most two decimals", Rule{Type: Double, Number: func(*Event) (float64, bool) { return n, true }}, `12.35`},
		{"a double without decimals", Rule{Type: Double, Number: func(*Event) (float64, bool) { return -7, true }}, `-7`},
		{"a double with one decimal", Rule{Type: Double, Number: func(*Event) (float64, bool) { return -0.5, true }}, `-0.5`},
		{"a large double", Rule{Type: Double, Number: func(*Event) (float64, bool) { return 1e20, true }}, `100000000000000000000`},
		{"a double that is none adds nothing", Rule{Type: Double, Number: func(*Event) (float64, bool) { return n / zero, true }}, ``},
		{"a double that is not ok adds nothing", Rule{Type: Double, Number: func(*Event) (float64, bool) { return n, false }}, ``},
		{"a bigint", Rule{Type: BigInt, Number: func(*Event) (float64, bool) { return 3, true }}, `3`},
		{"a boolean", Rule{Type: Boolean, Flag: func(e *Event) (bool, bool) { return e.Present(amount), true }}, `false`},
		{"a boolean that is not ok adds nothing", Rule{Type: Boolean, Flag: func(*Event) (bool, bool) { return true, false }}, ``},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := string(c.rule.append(nil, &NewProcessor(Lake, nil).event)); got != c.want {
				t.Errorf("%s, want %s", got, c.want)
			}
		})
	}
}

var zero float64

// TestRuleThatLooksAtPartial has a rule that changes its mind when the event's own field of its name turns out malformed.
func TestRuleThatLooksAtPartial(t *testing.T) {
	rule := &Rules[names.Index("user_category")-firstRule]
	defer func(text func(*Event) string) { rule.Text = text }(rule.Text)
	rule.Text = func(e *Event) string {
		if e.IsPartial() {
			return "partial"
		}
		return ""
	}
	for _, c := range []struct{ rule, record, want string }{
		{"not partial: the own value stays", `{"user_category":"own"}`, `{"user_category":"own",@"SUCCESS","data_quality_score":0}`},
		{"partial: the own value is replaced", `{"user_category":"own","amount":[]}`,
			`{@"PARTIAL","user_category":"partial","amount_category":"unknown","amount_tier":"unknown","data_quality_score":0,"malformed":{"amount":"[]"}}`},
		{"partial because of the own value: it is malformed and nothing is added", `{"user_category":{}}`,
			`{@"PARTIAL","data_quality_score":0,"malformed":{"user_category":"{}"}}`},
	} {
		t.Run(c.rule, func(t *testing.T) {
			want := strings.Replace(c.want, "@", `"processed_timestamp":"`+testNow+`","processing_status":`, 1)
			if got := added.CutFrom(become(t, newTestProcessor(Search), c.record)); got != want {
				t.Errorf("%s, want %s", got, want)
			}
		})
	}
}
