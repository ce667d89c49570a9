package cost_test

import (
	"strings"
	"testing"

	"firehose-pipeline/cost"
)

func compare(t *testing.T, template string, w cost.Workload) map[string]cost.Variant {
	t.Helper()
	list, err := cost.Compare(readTemplate(t, template), w, cost.BuiltInPrices(), cost.DefaultInstanceTypes)
	if err != nil {
		t.Fatal(err)
	}
	found := map[string]cost.Variant{}
	for _, v := range list {
		found[v.Name] = v
		if v.USD.Plus(v.Saves).CompareTo(list[0].USD) != 0 {
			t.Errorf("%s: %s and savings of %s are not %s", v.Name, v.USD.Cents(), v.Saves.Cents(), list[0].USD.Cents())
		}
	}
	return found
}

// The variants have the totals of the bills by hand.
func TestCompare(t *testing.T) {
	direct, packed := readHandBill(t, "testdata/1-direct.txt"), readHandBill(t, "testdata/2-packed.txt")
	found := compare(t, direct.template, direct.workload)
	for name, want := range map[string]string{"as it is": direct.amounts["total"], "packed": packed.amounts["total"]} {
		if got := strings.ReplaceAll(found[name].USD.Cents(), ",", ""); got != want {
			t.Errorf("%s: %s, want %s", name, got, want)
		}
	}
	// Without search, its stream, transform, nodes, logs, 11 metrics, and four of the five metrics that alarms watch go.
	gone := cost.Number{}
	for item, usd := range direct.amounts {
		if strings.Contains(item, "search stream") || strings.HasPrefix(item, "OpenSearch") {
			gone = gone.Plus(parseNumber(t, usd))
		}
	}
	gone = gone.Plus(parseNumber(t, "3.30")).Plus(parseNumber(t, "0.40"))
	if got := found["without search"].Saves; got.CompareTo(gone) != 0 {
		t.Errorf("without search: saves %s, want %s", got.Cents(), gone.Cents())
	}
	// t3.small.search costs 0.036 an hour, m7g.large.search 0.135.
	if got := found["data nodes m7g.large.search"].Saves.Cents(); got != "-72.27" {
		t.Errorf("m7g.large.search: saves %s", got)
	}
	if _, ok := found["data nodes t3.small.search"]; ok {
		t.Error("the type that the domain has is no variant")
	}
}

// A data stream added in memory is priced as one in the template.
func TestCompareIngestion(t *testing.T) {
	w := workload(t)
	fromDirect := compare(t, "direct.template.json", w)
	fromKinesis := compare(t, "kinesis-api.template.json", w)
	for _, name := range []string{"one data stream, on demand", "one data stream, On-demand Advantage"} {
		if fromDirect[name].Saves.Sign() >= 0 {
			t.Errorf("%s: must cost more for 100 events a second (saves %s)", name, fromDirect[name].Saves.Cents())
		}
	}
	if fromKinesis["put directly to each stream"].Saves.Sign() <= 0 ||
		fromKinesis["put directly, packed"].Saves.CompareTo(fromKinesis["put directly to each stream"].Saves) <= 0 {
		t.Errorf("got %+v", fromKinesis)
	}
	// 25 MiB/s in and out, committed: 730 x 3,600 x 25 / 1,024 GB, at 0.032 and 0.016 USD.
	hand := fromDirect["one data stream, On-demand Advantage"].USD.Minus(fromDirect["one data stream, on demand"].USD)
	if hand.CompareTo(cost.WholeNumber(3000)) < 0 || hand.CompareTo(cost.WholeNumber(3100)) > 0 {
		t.Errorf("the commitment is some 3,080 USD a month above the price of so few events (got %s)", hand.Cents())
	}
}
