package cost_test

import (
	"go/constant"
	"go/token"
	"go/types"
	"math/big"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"firehose-pipeline/cost"
)

// handBill is a bill that was worked out by hand: testdata/*.txt. The amounts are written there; the arithmetic beside
// them is evaluated by go/types, which shares nothing with this package.
type handBill struct {
	template string
	workload cost.Workload
	amounts  map[string]string // by service and item; unknown for lines without a price
	order    []string
}

func readHandBill(t *testing.T, path string) *handBill {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	bill := &handBill{workload: cost.DefaultWorkload(), amounts: map[string]string{}}
	bill.workload.Sizes = &cost.Sizes{}
	var item, arithmetic string
	for line := range strings.Lines(string(text)) {
		line = strings.TrimRight(line, "\n")
		trimmed := strings.TrimSpace(line)
		switch {
		case trimmed == "" || strings.HasPrefix(line, "#"):
		case !strings.HasPrefix(line, " ") && (strings.Contains(line, " | ") || line == "total"):
			item, arithmetic = line, ""
			bill.order = append(bill.order, item)
		case item == "":
			bill.readParameter(t, line)
		case strings.HasPrefix(trimmed, "= "):
			arithmetic = strings.TrimPrefix(trimmed, "= ")
		case trimmed == "unknown" || amount.MatchString(trimmed):
			bill.amounts[item] = trimmed
			if got := evaluate(t, arithmetic); arithmetic != "" && got != trimmed {
				t.Errorf("%s: %s: %s is %s, and %s is written", path, item, arithmetic, got, trimmed)
			}
		}
	}
	return bill
}

var amount = regexp.MustCompile(`^\d+\.\d\d$`)

func (b *handBill) readParameter(t *testing.T, line string) {
	t.Helper()
	name, value, _ := strings.Cut(line, " ")
	w := &b.workload
	fields := map[string]*cost.Number{"events-per-second": &w.EventsPerSecond, "retention": &w.RetentionDays,
		"peak": &w.Peak, "failed-per-million": &w.FailedPerMillion, "transform-duration": &w.TransformMS,
		"alarm-emails": &w.AlarmEmails, "athena-tb": &w.AthenaTB}
	number, err := cost.ParseNumber(value)
	switch {
	case name == "template":
		b.template = value
	case name == "pack":
		w.Pack = true
	case name == "free-tier":
		w.FreeTier = true
	case err != nil:
		t.Fatalf("%s: %v", line, err)
	case name == "bytes":
		length, _ := new(big.Int).SetString(value, 10)
		if err := w.Sizes.Add(int(length.Int64())); err != nil {
			t.Fatal(err)
		}
	case fields[name] != nil:
		*fields[name] = number
	default:
		t.Fatalf("unknown parameter: %s", line)
	}
}

var literal = regexp.MustCompile(`\d+(\.\d+)?`)

// evaluate returns the value of an expression, rounded half up to the cent. Its literals are made floating-point
// constants, which Go keeps as exact fractions.
func evaluate(t *testing.T, expression string) string {
	t.Helper()
	if expression == "" {
		return ""
	}
	expression = literal.ReplaceAllStringFunc(expression, func(text string) string {
		if strings.Contains(text, ".") {
			return text
		}
		return text + ".0"
	})
	value, err := types.Eval(token.NewFileSet(), nil, token.NoPos, expression)
	if err != nil {
		t.Fatalf("%s: %v", expression, err)
	}
	switch exact := constant.Val(value.Value).(type) {
	case *big.Rat:
		return exact.FloatString(2)
	case int64:
		return big.NewRat(exact, 1).FloatString(2)
	}
	t.Fatalf("%s: %T is not exact", expression, constant.Val(value.Value))
	return ""
}

func readTemplate(t *testing.T, name string) *cost.Template {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	template, err := cost.ReadTemplate(text)
	if err != nil {
		t.Fatal(err)
	}
	return template
}

func TestBillsCalculatedByHand(t *testing.T) {
	paths, err := filepath.Glob("testdata/*.txt")
	if err != nil || len(paths) != 5 {
		t.Fatalf("found %d bills, want 5: %v", len(paths), err)
	}
	for _, path := range paths {
		t.Run(strings.TrimSuffix(filepath.Base(path), ".txt"), func(t *testing.T) {
			want := readHandBill(t, path)
			bill, err := cost.Estimate(readTemplate(t, want.template), want.workload, cost.BuiltInPrices())
			if err != nil {
				t.Fatal(err)
			}
			found := map[string]bool{"total": true}
			for _, line := range bill.Lines {
				item, got := line.Service+" | "+line.Item, "unknown"
				if line.USD != nil {
					got = strings.ReplaceAll(line.USD.Cents(), ",", "")
				}
				if want.amounts[item] != got {
					t.Errorf("%s: %s, by hand %s\n\t%s\n\t%s", item, got, want.amounts[item], line.How, line.Prices)
				}
				found[item] = true
			}
			for _, item := range want.order {
				if !found[item] {
					t.Errorf("%s: is not in the bill", item)
				}
			}
			if got := strings.ReplaceAll(bill.USD.Cents(), ",", ""); got != want.amounts["total"] {
				t.Errorf("total: %s, by hand %s", got, want.amounts["total"])
			}
		})
	}
}
