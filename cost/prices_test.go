package cost_test

import (
	"strings"
	"testing"
	"time"

	"firehose-pipeline/cost"
)

// Every price has a source, a day and a confidence, and only those stay unknown for which none was found.
func TestBuiltInPrices(t *testing.T) {
	unknown := map[string]bool{"firehose.vpc-data": true, "firehose.vpc-hours": true, "opensearch.gp3-iops": true,
		"opensearch.gp3-throughput": true}
	for _, price := range cost.BuiltInPrices().Prices {
		if _, err := time.Parse(time.DateOnly, price.Seen); err != nil {
			t.Errorf("%s: seen: %v", price.ID, err)
		}
		if (price.Confidence == cost.Unknown) != unknown[price.ID] || price.Confidence == cost.FromList {
			t.Errorf("%s: confidence %s", price.ID, price.Confidence)
		}
	}
}

// The code names no price that the file does not have.
func TestEveryPriceIsInTheFile(t *testing.T) {
	for _, name := range []string{"1-direct", "2-packed", "3-kinesis-api", "4-production-vpc", "5-provisioned"} {
		hand := readHandBill(t, "testdata/"+name+".txt")
		bill, err := cost.Estimate(readTemplate(t, hand.template), hand.workload, cost.BuiltInPrices())
		if err != nil {
			t.Fatal(err)
		}
		for _, line := range bill.Lines {
			if strings.Contains(line.Source, "not in the file") {
				t.Errorf("%s: %s: %s", name, line.Item, line.PriceID)
			}
		}
	}
}

func TestReadPricesRejects(t *testing.T) {
	const file = `{"region":"us-east-1","date":"2026-11-30","prices":[{"id":"a","unit":"GB",` +
		`"tiers":[{"from":0,"usd":"0.1"},{"from":10,"usd":0.05}],"source":"x","seen":"2026-11-30","confidence":"list"}]}`
	if _, err := cost.ReadPrices(strings.NewReader(file)); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ old, new, want string }{
		{file, ``, "file of prices"}, {file, `[]`, "file of prices"}, {file, file + `{}`, "nothing after"},
		{file, file + strings.Repeat(" ", 9<<20), "at most"}, {`"region":"us-east-1"`, `"region":""`, "region"},
		{"2026-11-30", "yesterday", "date"}, {`"unit":"GB"`, `"unit":""`, "unit"}, {`"source":"x"`, `"source":""`, "source"},
		{`"confidence":"list"`, `"confidence":"sure"`, "confidence"},
		{`"confidence":"list"`, `"confidence":"unknown"`, "must have none"},
		{`"usd":"0.1"`, `"usd":"-0.1"`, "below 0"}, {`"usd":"0.1"`, `"usd":"1e400"`, "decimal number"},
		{`"from":0`, `"from":1`, "from 0"}, {`"from":10`, `"from":0`, "ascend"}, {`"id":"a"`, `"id":"a","hidden":1`, "hidden"},
		{`"tiers":[{"from":0,"usd":"0.1"},{"from":10,"usd":0.05}],`, ``, "at least one"},
		{`"id":"a"`, `"id":"a","free":-1`, "free"}, {`"id":"a"`, `"id":"a","per":-1`, "per"},
		{`"id":"a"`, `"id":"a","variants":{"x":-1}`, "variants"}, {`"prices":[`, `"prices":[` + priceOf(file) + `,`, "once"},
	} {
		text := strings.Replace(file, c.old, c.new, 1)
		if _, err := cost.ReadPrices(strings.NewReader(text)); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s → %.60s: got %v, want %q", c.old, c.new, err, c.want)
		}
	}
}

// priceOf is the first price of a file.
func priceOf(file string) string {
	return strings.TrimSuffix(file[strings.Index(file, `{"id"`):], "]}")
}
