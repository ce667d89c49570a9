package cost_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/pricing"

	"firehose-pipeline/cost"
	"firehose-pipeline/internal/awsclient"
)

// priceList is a server of the Price List API on loopback: GetProducts, in the shape of the API reference.
// https://docs.aws.amazon.com/aws-cost-management/latest/APIReference/API_pricing_GetProducts.html
type priceList struct {
	requests []getProducts
	// answer returns the products of a page, and the token of the next one.
	answer func(getProducts) (products []string, next string)
	status int // of every answer; 0 for 200
}

type getProducts struct {
	ServiceCode, NextToken string
	Filters                []struct{ Type, Field, Value string }
}

func (r getProducts) filter(field string) string {
	for _, f := range r.Filters {
		if f.Field == field && f.Type == "TERM_MATCH" {
			return f.Value
		}
	}
	return ""
}

func (p *priceList) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil || r.Header.Get("X-Amz-Target") != "AWSPriceListService.GetProducts" ||
		!strings.Contains(r.Header.Get("Authorization"), "/us-east-1/pricing/aws4_request") {
		http.Error(w, "not a signed GetProducts", http.StatusBadRequest)
		return
	}
	var request getProducts
	if err := json.Unmarshal(body, &request); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	p.requests = append(p.requests, request)
	w.Header().Set("Content-Type", "application/x-amz-json-1.1")
	if p.status != 0 {
		w.WriteHeader(p.status)
		fmt.Fprint(w, `{"__type":"AccessDeniedException","Message":"no pricing:GetProducts"}`)
		return
	}
	products, next := p.answer(request)
	answer := map[string]any{"FormatVersion": "aws_v1", "PriceList": products}
	if next != "" {
		answer["NextToken"] = next
	}
	_ = json.NewEncoder(w).Encode(answer) // to a recorder's connection
}

// client is the SDK's, on loopback.
func (p *priceList) client(t *testing.T) *pricing.Client {
	t.Helper()
	server := httptest.NewServer(p)
	t.Cleanup(server.Close)
	return pricing.New(pricing.Options{Region: cost.PriceListRegion, BaseEndpoint: &server.URL,
		HTTPClient: awsclient.ReadWhole(server.Client(), &server.URL),
		Retryer:    aws.NopRetryer{}, Credentials: aws.CredentialsProviderFunc(
			func(context.Context) (aws.Credentials, error) {
				return aws.Credentials{AccessKeyID: "test", SecretAccessKey: "test"}, nil
			})})
}

// offer is a product as the Price List has it, with one price for each tier: "0:0.029 512000:0.025".
func offer(usageType, region, extra, tiers string) string {
	var dimensions []string
	list := strings.Fields(tiers)
	for i, tier := range list {
		from, usd, _ := strings.Cut(tier, ":")
		end := "Inf"
		if i+1 < len(list) {
			end, _, _ = strings.Cut(list[i+1], ":")
		}
		dimensions = append(dimensions, fmt.Sprintf(`"SKU.TERM.%d":{"unit":"GB","beginRange":%q,"endRange":%q,`+
			`"rateCode":"SKU.TERM.%d","description":"","appliesTo":[],"pricePerUnit":{"USD":%q}}`, i, from, end, i, usd))
	}
	return fmt.Sprintf(`{"product":{"productFamily":"Any","sku":"SKU","attributes":{"usagetype":%q,"regionCode":%q%s}},`+
		`"serviceCode":"Any","publicationDate":"2026-11-20T18:00:00Z","version":"1","terms":{"OnDemand":{"SKU.TERM":{`+
		`"sku":"SKU","offerTermCode":"TERM","effectiveDate":"2026-11-01T00:00:00Z","termAttributes":{},`+
		`"priceDimensions":{%s}}}}}`, usageType, region, extra, strings.Join(dimensions, ","))
}

// onePrice is a file with a price of the built-in one.
func onePrice(t *testing.T, id string) *cost.Prices {
	t.Helper()
	built := cost.BuiltInPrices()
	i := slices.IndexFunc(built.Prices, func(p cost.Price) bool { return p.ID == id })
	if i < 0 {
		t.Fatalf("no price %s", id)
	}
	built.Prices = built.Prices[i : i+1]
	return built
}

func refresh(t *testing.T, list *priceList, region string, base *cost.Prices) (cost.Price, string, error) {
	t.Helper()
	prices, misses, err := cost.Refresh(t.Context(), list.client(t), region, base,
		time.Date(2026, 12, 1, 0, 0, 0, 0, time.UTC), func() {})
	if err != nil {
		return cost.Price{}, "", err
	}
	why := ""
	for _, miss := range misses {
		why += miss.Why
	}
	return prices.Prices[0], why, nil
}

func answerAlways(products ...string) *priceList {
	return &priceList{answer: func(getProducts) ([]string, string) { return products, "" }}
}

func TestRefreshReadsTiers(t *testing.T) {
	list := answerAlways(
		offer("EUW2-BilledBytes", "eu-west-2", "", "2048000:0.024 0:0.035 512000:0.030"),
		offer("EUW2-Other", "eu-west-2", "", "0:9"), offer("BilledBytes", "us-east-1", "", "0:0.029"))
	price, why, err := refresh(t, list, "eu-west-2", onePrice(t, "firehose.ingestion"))
	if err != nil || why != "" {
		t.Fatal(why, err)
	}
	got, err := json.Marshal(price.Tiers)
	if err != nil {
		t.Fatal(err)
	}
	want := `[{"from":0,"usd":0.035},{"from":512000,"usd":0.03},{"from":2048000,"usd":0.024}]`
	if string(got) != want || price.Confidence != cost.FromList || price.Seen != "2026-12-01" ||
		!strings.Contains(price.Source, "published 2026-11-20") {
		t.Errorf("got %s, %+v", got, price)
	}
	request := list.requests[0]
	if request.ServiceCode != "AmazonKinesisFirehose" || request.filter("regionCode") != "eu-west-2" ||
		request.filter("group") != "Event-by-Event Processing" {
		t.Errorf("asked for %+v", request)
	}
}

// A first tier without a price is the account's free quantity.
func TestRefreshReadsTheFreeTier(t *testing.T) {
	list := answerAlways(offer("us-east-1-KMS-Requests", "us-east-1", "", "0:0.0000000000 20000:0.0000030000"))
	price, why, err := refresh(t, list, "us-east-1", onePrice(t, "kms.requests"))
	if err != nil || why != "" {
		t.Fatal(why, err)
	}
	if len(price.Tiers) != 1 || price.Tiers[0].From.Sign() != 0 || price.Tiers[0].USD.Exact() != "0.000003" ||
		price.Free.Exact() != "20,000" {
		t.Errorf("got %+v", price)
	}
}

func TestRefreshReadsAllPages(t *testing.T) {
	list := &priceList{answer: func(r getProducts) ([]string, string) {
		switch r.NextToken {
		case "":
			return []string{offer("ESInstance:t3", "us-east-1", `,"instanceType":"t3.small.search"`, "0:0.036")}, "two"
		case "two":
			return nil, "three"
		}
		return []string{offer("ESInstance:r7g", "us-east-1", `,"instanceType":"r7g.large.search"`, "0:0.178"),
			offer("Anything", "us-east-1", "", "0:5")}, ""
	}}
	price, why, err := refresh(t, list, "us-east-1", onePrice(t, "opensearch.instance"))
	if err != nil || why != "" {
		t.Fatal(why, err)
	}
	if len(price.Variants) != 2 || price.Variants["r7g.large.search"].Exact() != "0.178" || len(list.requests) != 3 {
		t.Errorf("got %+v in %d requests", price.Variants, len(list.requests))
	}
}

// An answer in another shape than the documented one never becomes a price.
func TestRefreshRejectsAnswers(t *testing.T) {
	whole := offer("BilledBytes", "us-east-1", "", "0:0.029")
	for _, c := range []struct {
		name     string
		products []string
		want     string
	}{
		{"nothing", nil, "no product matches"},
		{"another region", []string{offer("BilledBytes", "eu-west-1", "", "0:0.03")}, "no product matches"},
		{"another usage type", []string{offer("UnbilledBytes", "us-east-1", "", "0:0.03")}, "no product matches"},
		{"not JSON", []string{`{"product":`}, "cannot be read"},
		{"another type", []string{`[]`}, "cannot be read"},
		{"no terms", []string{strings.ReplaceAll(whole, `"OnDemand"`, `"Reserved"`)}, "terms on demand"},
		{"no dimensions", []string{strings.ReplaceAll(whole, `"priceDimensions"`, `"x"`)}, "do not begin at 0"},
		{"another currency", []string{strings.ReplaceAll(whole, `"USD"`, `"CNY"`)}, "not in USD"},
		{"a word", []string{offer("BilledBytes", "us-east-1", "", "0:cheap")}, "not an amount"},
		{"below 0", []string{offer("BilledBytes", "us-east-1", "", "0:-1")}, "not an amount"},
		{"a huge exponent", []string{offer("BilledBytes", "us-east-1", "", "0:1e999999999")}, "not an amount"},
		{"a tier from a word", []string{offer("BilledBytes", "us-east-1", "", "x:0.029")}, "begins at"},
		{"no tier from 0", []string{offer("BilledBytes", "us-east-1", "", "5:0.029")}, "do not begin at 0"},
		{"a tier twice", []string{offer("BilledBytes", "us-east-1", "", "0:0.029 0:0.030")}, "same quantity"},
		{"a thousand times", []string{offer("BilledBytes", "us-east-1", "", "0:29")}, "over 20 times"},
		{"a thousandth", []string{offer("BilledBytes", "us-east-1", "", "0:0.000029")}, "over 20 times"},
		{"nothing to pay", []string{offer("BilledBytes", "us-east-1", "", "0:0")}, "over 20 times"},
		{"two that differ", []string{whole, offer("USE1-BilledBytes", "us-east-1", "", "0:0.030")}, "different prices"},
	} {
		t.Run(c.name, func(t *testing.T) {
			base := onePrice(t, "firehose.ingestion")
			price, why, err := refresh(t, answerAlways(c.products...), "us-east-1", base)
			if err != nil || !strings.Contains(why, c.want) {
				t.Errorf("got %q, %v, want %q", why, err, c.want)
			}
			if price.Confidence != base.Prices[0].Confidence || price.Seen != base.Prices[0].Seen {
				t.Errorf("the known price must stay (got %+v)", price)
			}
		})
	}
}

// The price of one region is not taken for another's.
func TestRefreshOfAnotherRegionForgetsOtherPrices(t *testing.T) {
	price, why, err := refresh(t, answerAlways(), "eu-north-1", onePrice(t, "firehose.conversion"))
	if err != nil || why == "" || price.Confidence != cost.Unknown || len(price.Tiers) > 0 {
		t.Errorf("got %+v, %q, %v", price, why, err)
	}
}

func TestRefreshEnds(t *testing.T) {
	n := 0
	for name, list := range map[string]*priceList{
		"the same token": {answer: func(getProducts) ([]string, string) { return nil, "again" }},
		"new tokens":     {answer: func(getProducts) ([]string, string) { n++; return nil, fmt.Sprint(n) }},
		"many products": {answer: func(getProducts) ([]string, string) {
			return slices.Repeat([]string{`{}`}, 10_001), ""
		}},
		"no permission": {status: http.StatusBadRequest},
	} {
		if _, _, err := refresh(t, list, "us-east-1", onePrice(t, "firehose.ingestion")); err == nil {
			t.Errorf("%s: must be an error", name)
		} else if name == "no permission" && !strings.Contains(err.Error(), "AccessDenied") {
			t.Errorf("%s: %v", name, err)
		}
		if len(list.requests) > 100 {
			t.Errorf("%s: %d requests", name, len(list.requests))
		}
	}
}

// The file is read again, with the same bill.
func TestRefreshedPricesAreRead(t *testing.T) {
	prices, misses, err := cost.Refresh(t.Context(), answerAlways().client(t), "us-east-1", cost.BuiltInPrices(),
		time.Now(), func() {})
	if err != nil || len(misses) != len(prices.Prices) {
		t.Fatal(len(misses), err)
	}
	text, err := json.Marshal(prices)
	if err != nil {
		t.Fatal(err)
	}
	again, err := cost.ReadPrices(bytes.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	want := readHandBill(t, "testdata/4-production-vpc.txt")
	bill, err := cost.Estimate(readTemplate(t, want.template), want.workload, again)
	if err != nil || strings.ReplaceAll(bill.USD.Cents(), ",", "") != want.amounts["total"] {
		t.Errorf("got %v, %v, want %s", bill.USD.Cents(), err, want.amounts["total"])
	}
}
