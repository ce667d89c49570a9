package main

import (
	"strings"
	"testing"
)

// good is the report of a run that accounts for every record.
const good = `{"events":4000,"notEvents":10,"streams":{
	"lake":{"received":4010,"delivered":3700,"dropped":40,"failed":270,"objects":8},
	"search":{"received":4010,"delivered":3600,"dropped":40,"failed":360,"discarded":10,"indices":{}}},
	"deadLetter":{"messages":1234567},"elapsedSeconds":1.5,"faults":{"search-down":2},
	"check":{"records":8020,"findings":[],"duplicates":{"letters":1,"stored":2,"overwritten":3000}}}`

func TestCheckReport(t *testing.T) {
	row, err := checkReport([]byte(good), "search-down")
	want := "| `search-down` | 4,010 | 2 | 3,700 · 40 · 270 | 3,600 · 40 · 360 | 1,234,567 | 1 · 2 · 3,000 | none | 0 |"
	if err != nil || row != want {
		t.Errorf("got  %s, %v\nwant %s", row, err, want)
	}
}

// With a data stream a stream may read records twice, and a producer may put them twice; none may be missing.
func TestCheckReportOfADataStream(t *testing.T) {
	text := strings.Replace(good, `"deadLetter"`, `"dataStream":{"records":4010},"deadLetter"`, 1)
	if _, err := checkReport([]byte(text), "x"); err != nil {
		t.Error(err)
	}
	text = strings.NewReplacer(`"received":4010,"delivered":3700`, `"received":4015,"delivered":3705`,
		`"records":8020`, `"records":8025`).Replace(text)
	if _, err := checkReport([]byte(text), "x"); err != nil {
		t.Error(err)
	}
	for _, c := range [][3]string{
		{`"dataStream":{"records":4010}`, `"dataStream":{"records":4009}`, "4010 sent, 4009 put to the data stream"},
		{`"received":4015,"delivered":3705`, `"received":4009,"delivered":3699`, "4009 and 4010 read"},
		{`"delivered":3705`, `"delivered":3704`, "lake: 4015 put, 4015 received, 4014 accounted for"},
	} {
		if _, err := checkReport([]byte(strings.Replace(text, c[0], c[1], 1)), "x"); err == nil ||
			!strings.Contains(err.Error(), c[2]) {
			t.Errorf("got %v, want %q", err, c[2])
		}
	}
}

func TestCheckReportOfAllFaults(t *testing.T) {
	text := strings.Replace(good, `{"search-down":2}`, `{"a-fault":1000,"b-fault":2}`, 1)
	row, err := checkReport([]byte(text), "all")
	if err != nil || !strings.Contains(row, "| a-fault 1,000, b-fault 2 |") {
		t.Errorf("got %s, %v", row, err)
	}
}

func TestCheckReportWithDeclaredLosses(t *testing.T) {
	text := strings.Replace(good, `"duplicates"`, `"declaredLosses":{"source backup":2000,"lake":1},"duplicates"`, 1)
	row, err := checkReport([]byte(text), lossyFault)
	if err != nil || !strings.Contains(row, "| 1 lake, 2,000 source backup |") {
		t.Errorf("got %s, %v", row, err)
	}
}

func TestCheckReportFindsWhatIsMissing(t *testing.T) {
	for _, c := range []struct{ name, old, new, fault, want string }{
		{"a record lost on its way to a stream", `"received":4010,"delivered":3700`, `"received":4009,"delivered":3699`, "x",
			"lake: 4010 put, 4009 received"},
		{"a record not accounted for", `"delivered":3600`, `"delivered":3599`, "x",
			"search: 4010 put, 4010 received, 4009 accounted for"},
		{"a record accounted for twice", `"failed":270`, `"failed":271`, "x", "4011 accounted for"},
		{"a record not checked", `"records":8020`, `"records":8019`, "x", "8019 records checked, want 8020"},
		{"a finding", `"findings":[]`, `"findings":[{}]`, "x", "1 findings"},
		{"a fault not injected", `"search-down":2`, `"search-down":0`, "x", "search-down was never injected"},
		{"a loss that AWS does not declare", `"duplicates"`, `"declaredLosses":{"lake":1},"duplicates"`, "x",
			"declared losses: 1 lake"},
		{"no loss where AWS declares some", "", "", lossyFault, "declared losses: none"},
		{"no stream", `"search":`, `"other":`, "x", "must have the streams"},
		{"no check", `"check"`, `"other"`, "x", "must have the streams lake and search, a check"},
		{"no faults", `{"search-down":2}`, `{}`, "x", "and faults"},
		{"a count missing", `"stored"`, `"kept"`, "x", "check.duplicates has no stored"},
		{"not JSON", `}}}`, `}}`, "x", "report: "},
	} {
		t.Run(c.name, func(t *testing.T) {
			if !strings.Contains(good, c.old) {
				t.Fatalf("the report has no %s", c.old)
			}
			row, err := checkReport([]byte(strings.Replace(good, c.old, c.new, 1)), c.fault)
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %q, %v; want an error with %q", row, err, c.want)
			}
		})
	}
}
