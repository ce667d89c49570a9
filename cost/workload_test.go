package cost_test

import (
	"strings"
	"testing"

	"firehose-pipeline/cost"
)

func TestEstimateRejectsWorkloads(t *testing.T) {
	template := readTemplate(t, "direct.template.json")
	for want, change := range map[string]func(*cost.Workload){
		"events per second: must be above 0": func(w *cost.Workload) { w.EventsPerSecond = cost.Number{} },
		"peak: must be at least 1":           func(w *cost.Workload) { w.Peak = parseNumber(t, "0.5") },
		"retention":                          func(w *cost.Workload) { w.RetentionDays = cost.Number{} },
		"failed per million: must be at most": func(w *cost.Workload) {
			w.FailedPerMillion = cost.WholeNumber(2e6)
		},
		"events per request": func(w *cost.Workload) { w.EventsPerRequest = cost.Number{} },
		"sizes":              func(w *cost.Workload) { w.Sizes = &cost.Sizes{} },
	} {
		w := workload(t)
		change(&w)
		if _, err := cost.Estimate(template, w, cost.BuiltInPrices()); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %q", err, want)
		}
	}
	for _, length := range []int{0, -1, 1_024_001} {
		if err := (&cost.Sizes{}).Add(length); err == nil {
			t.Errorf("an event of %d bytes must be rejected", length)
		}
	}
}

// quantity is that of a line.
func quantity(t *testing.T, template string, w cost.Workload, item string) cost.Number {
	t.Helper()
	bill, err := cost.Estimate(readTemplate(t, template), w, cost.BuiltInPrices())
	if err != nil {
		t.Fatal(err)
	}
	for _, line := range bill.Lines {
		if line.Item == item {
			return line.Quantity
		}
	}
	t.Fatalf("no line %s", item)
	return cost.Number{}
}

// Sizes of a sample count one by one: 5,119 bytes and a newline are one step of 5 KB, 5,120 bytes and a newline two.
func TestSizesOfASample(t *testing.T) {
	w := workload(t)
	w.Sizes = &cost.Sizes{}
	for _, length := range []int{5119, 5120} {
		if err := w.Sizes.Add(length); err != nil {
			t.Fatal(err)
		}
	}
	lake := quantity(t, "direct.template.json", w, "lake stream: ingestion")
	search := quantity(t, "direct.template.json", w, "search stream: ingestion")
	if ratio := lake.DividedBy(search); ratio.Exact() != "1.5" {
		t.Errorf("the lake must be billed 3 steps for 2 of search (got %s)", ratio.Exact())
	}
}

// A packed record takes events while they fit. Of 30,000 and 10,000 bytes in turn, one of each fits into 51,200, with
// newlines 40,002 bytes, billed as 40,960.
func TestPackingOfASample(t *testing.T) {
	w := workload(t)
	w.Sizes, w.Pack = &cost.Sizes{}, true
	for _, length := range []int{30_000, 10_000} {
		if err := w.Sizes.Add(length); err != nil {
			t.Fatal(err)
		}
	}
	got := quantity(t, "direct.template.json", w, "lake stream: ingestion")
	want := cost.WholeNumber(100 * 2_628_000 * 40_960 / 2).DividedBy(cost.WholeNumber(1 << 30))
	if got.CompareTo(want) != 0 {
		t.Errorf("got %s GB, want %s", got.Exact(), want.Exact())
	}
}

// With few events a batch has one each; with a peak, idle hours have none.
func TestBatches(t *testing.T) {
	const item = "transform of the lake stream: requests"
	w := workload(t)
	w.EventsPerSecond = parseNumber(t, "0.001")
	if got := quantity(t, "direct.template.json", w, item); got.Exact() != "2,628" {
		t.Errorf("one batch an event: %s", got.Exact())
	}
	w.EventsPerSecond = cost.WholeNumber(10)
	if got := quantity(t, "direct.template.json", w, item); got.Exact() != "262,800" {
		t.Errorf("one batch in ten seconds: %s", got.Exact())
	}
	w.Peak = cost.WholeNumber(4)
	if got := quantity(t, "direct.template.json", w, item); got.Exact() != "65,700" {
		t.Errorf("the same in a quarter of the time: %s", got.Exact())
	}
	w.Peak = parseNumber(t, "1.5")
	if got := quantity(t, "direct.template.json", w, item); got.Exact() != "262,800" {
		t.Errorf("never idle: %s", got.Exact())
	}
}
