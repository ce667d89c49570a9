package constructs_test

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"firehose-pipeline/cost"
	"firehose-pipeline/settings"
)

// costWorkload is 100 events a second of 253 bytes.
func costWorkload(t *testing.T) cost.Workload {
	t.Helper()
	w := cost.DefaultWorkload()
	w.EventsPerSecond, w.Sizes = cost.WholeNumber(100), &cost.Sizes{}
	if err := w.Sizes.Add(253); err != nil {
		t.Fatal(err)
	}
	return w
}

func costTemplate(t *testing.T, synthesised *template) *cost.Template {
	t.Helper()
	text, err := json.Marshal(synthesised.cdk.ToJSON())
	if err != nil {
		t.Fatal(err)
	}
	parsed, err := cost.ReadTemplate(text)
	if err != nil {
		t.Fatal(err)
	}
	return parsed
}

// The cost command knows every resource of every template that the app writes: each has a line, or a reason to have none.
func TestTheCostOfEveryResourceIsKnown(t *testing.T) {
	everyVariant(t, func(t *testing.T, config settings.Settings, synthesised *template) {
		bill, err := cost.Estimate(costTemplate(t, synthesised), costWorkload(t), cost.BuiltInPrices())
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range bill.NotPriced {
			if r.Type != "AWS::XRay::Trace" {
				t.Errorf("not priced: %s: %s", r.Type, r.Why)
			}
		}
		var items []string
		for _, line := range bill.Lines {
			items = append(items, line.Item)
			if line.USD == nil && !strings.HasPrefix(line.PriceID, "firehose.vpc-") {
				t.Errorf("%s: no price for %s", line.Item, line.PriceID)
			}
		}
		for item, want := range map[string]bool{"lake stream: ingestion": true, "alarms": true, "keys": true,
			"search stream: ingestion": config.EnableOpenSearch, "volumes, gp3": config.EnableOpenSearch,
			"transform of the lake stream: requests": config.EnableDataTransformation,
			"lake stream: format conversion":         config.DataFormat != "json",
			"source-data/: PUT requests":             config.EnableSourceBackup} {
			if slices.Contains(items, item) != want {
				t.Errorf("%s: must be a line just when the setting is on (%v)", item, want)
			}
		}
	})
}

// The variant without search, which is made in memory, costs as much as the template of enableOpenSearch=false.
func TestTheCostWithoutSearchIsThatOfTheTemplate(t *testing.T) {
	list, err := cost.Compare(costTemplate(t, synth(t, variants["dev"])), costWorkload(t), cost.BuiltInPrices(), nil)
	if err != nil {
		t.Fatal(err)
	}
	i := slices.IndexFunc(list, func(v cost.Variant) bool { return v.Name == "without search" })
	bill, err := cost.Estimate(costTemplate(t, synth(t, variants["enableOpenSearch false"])), costWorkload(t),
		cost.BuiltInPrices())
	if err != nil {
		t.Fatal(err)
	}
	if i < 0 || list[i].USD.CompareTo(bill.USD) != 0 {
		t.Errorf("got %v, want %v USD", list, bill.USD)
	}
}

// The other ingestion, which is made in memory, costs as much as the template of that setting.
func TestTheCostOfTheOtherIngestionIsThatOfTheTemplate(t *testing.T) {
	for name, from := range map[string][2]string{
		"one data stream, on demand":  {"dev", "ingestion kinesis"},
		"put directly to each stream": {"ingestion kinesis", "dev"},
	} {
		list, err := cost.Compare(costTemplate(t, synth(t, variants[from[0]])), costWorkload(t), cost.BuiltInPrices(), nil)
		if err != nil {
			t.Fatal(err)
		}
		bill, err := cost.Estimate(costTemplate(t, synth(t, variants[from[1]])), costWorkload(t), cost.BuiltInPrices())
		if err != nil {
			t.Fatal(err)
		}
		i := slices.IndexFunc(list, func(v cost.Variant) bool { return v.Name == name })
		if i < 0 || list[i].USD.CompareTo(bill.USD) != 0 {
			t.Errorf("%s: got %v, want %v USD", name, list[max(i, 0)].USD.Exact(), bill.USD.Exact())
		}
	}
}
