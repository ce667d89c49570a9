package cost

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/pricing"
	"github.com/aws/aws-sdk-go-v2/service/pricing/types"
)

// PriceListRegion is a region in which AWS's Price List API is served.
// https://docs.aws.amazon.com/awsaccountbilling/latest/aboutv2/price-changes.html
const PriceListRegion = "us-east-1"

// ProductLister is the part of the Price List API that [Refresh] calls.
type ProductLister interface {
	GetProducts(context.Context, *pricing.GetProductsInput, ...func(*pricing.Options)) (*pricing.GetProductsOutput, error)
}

// Miss is a price that the Price List did not give.
type Miss struct {
	ID  string `json:"id"`
	Why string `json:"why"`
}

// Refresh asks the Price List API for the prices of a region. A price that it does not find keeps that of base when
// base is of the same region, and is unknown otherwise: one region's price is not guessed from another's. An error of
// the API ends it. progress is called after each price.
func Refresh(ctx context.Context, client ProductLister, region string, base *Prices, now time.Time,
	progress func()) (*Prices, []Miss, error) {
	fresh := &Prices{Region: region, Date: now.UTC().Format(time.DateOnly)}
	var misses []Miss
	for _, price := range base.Prices {
		found, why, err := lookUp(ctx, client, region, price, fresh.Date)
		if err != nil {
			return nil, nil, fmt.Errorf("asking for the price %s: %w", price.ID, err)
		}
		if why != "" {
			misses = append(misses, Miss{price.ID, why})
			if found = price; region != base.Region {
				found = Price{ID: price.ID, Unit: price.Unit, Per: price.Per, Free: price.Free, Lookup: price.Lookup,
					Source: "not found in AWS's Price List for " + region, Seen: fresh.Date, Confidence: Unknown}
			}
		}
		fresh.Prices = append(fresh.Prices, found)
		progress()
	}
	return fresh, misses, fresh.check()
}

// product is an element of a PriceList, as far as it is needed.
// https://docs.aws.amazon.com/awsaccountbilling/latest/aboutv2/using-price-list-query-api.html
type product struct {
	Product struct {
		Attributes map[string]string `json:"attributes"`
	} `json:"product"`
	PublicationDate string `json:"publicationDate"`
	Terms           struct {
		OnDemand map[string]struct {
			PriceDimensions map[string]dimension `json:"priceDimensions"`
		} `json:"OnDemand"`
	} `json:"terms"`
}

type dimension struct {
	BeginRange   string            `json:"beginRange"`
	EndRange     string            `json:"endRange"`
	PricePerUnit map[string]string `json:"pricePerUnit"`
}

// lookUp finds one price. Without an error, why is empty or tells why there is none.
func lookUp(ctx context.Context, client ProductLister, region string, price Price, day string) (found Price, why string,
	err error) {
	if price.Lookup == nil {
		return found, "it is not in the Price List", nil
	}
	products, why, err := listProducts(ctx, client, region, *price.Lookup)
	if err != nil || why != "" {
		return found, why, err
	}
	found = price
	found.Tiers, found.Variants = nil, nil
	found.Confidence, found.Seen = FromList, day
	found.Source = "AWS's Price List API, " + price.Lookup.Service
	for _, p := range products {
		tiers, free, err := readTiers(p)
		switch name := p.Product.Attributes[price.Lookup.Variant]; {
		case err != nil:
			return found, err.Error(), nil
		case price.Lookup.Variant != "" && (name == "" || len(tiers) != 1):
			continue
		case price.Lookup.Variant != "":
			if found.Variants == nil {
				found.Variants = map[string]Number{}
			}
			if known, ok := found.Variants[name]; ok && known.CompareTo(tiers[0].USD) != 0 {
				return found, "it has different prices for " + name, nil
			}
			found.Variants[name] = tiers[0].USD
		case found.Tiers != nil && !equalTiers(found.Tiers, tiers):
			return found, fmt.Sprintf("%d products match, with different prices", len(products)), nil
		default:
			found.Tiers = tiers
			if free.Sign() > 0 {
				found.Free = free
			}
		}
		if published, err := time.Parse(time.RFC3339, p.PublicationDate); err == nil {
			found.Source = "AWS's Price List API, " + price.Lookup.Service + ", published " + published.Format(time.DateOnly)
		}
	}
	if len(found.Tiers) == 0 && len(found.Variants) == 0 {
		return found, "no product matches", nil
	}
	return found, findImplausible(price, found), nil
}

// Limits of an answer: more is an error of the server or of a filter.
const (
	maxPages    = 100
	maxProducts = 10_000
)

// listProducts lists the products of a lookup. Usage types begin with a short name of the region, such as EUW2-, that
// no list translates, and in us-east-1 sometimes with nothing; the filter for the region makes the rest unique.
func listProducts(ctx context.Context, client ProductLister, region string, l Lookup) (found []product, why string,
	err error) {
	input := &pricing.GetProductsInput{ServiceCode: &l.Service, FormatVersion: aws.String("aws_v1")}
	filters := maps.Clone(l.Filters)
	if filters == nil {
		filters = map[string]string{}
	}
	filters["regionCode"] = region
	for _, field := range slices.Sorted(maps.Keys(filters)) {
		input.Filters = append(input.Filters, types.Filter{Type: types.FilterTypeTermMatch, Field: aws.String(field),
			Value: aws.String(filters[field])})
	}
	seen := 0
	for page := 1; ; page++ {
		output, err := client.GetProducts(ctx, input)
		if err != nil {
			return nil, "", err
		}
		for _, text := range output.PriceList {
			if seen++; seen > maxProducts {
				return nil, "", fmt.Errorf("the answer has over %d products", maxProducts)
			}
			var p product
			if err := json.Unmarshal([]byte(text), &p); err != nil {
				return nil, "a product of the answer cannot be read", nil
			}
			if l.matches(p.Product.Attributes, region) {
				found = append(found, p)
			}
		}
		if aws.ToString(output.NextToken) == "" {
			return found, "", nil
		}
		if page == maxPages || aws.ToString(output.NextToken) == aws.ToString(input.NextToken) {
			return nil, "", errors.New("the answer has no end")
		}
		input.NextToken = output.NextToken
	}
}

// matches repeats the filters of the request, in case the server ignores one.
func (l Lookup) matches(attributes map[string]string, region string) bool {
	for field, want := range l.Filters {
		if got, ok := attributes[field]; ok && got != want {
			return false
		}
	}
	if got, ok := attributes["regionCode"]; ok && got != region {
		return false
	}
	kind := attributes["usagetype"]
	return l.UsageType == "" || kind == l.UsageType || strings.HasSuffix(kind, "-"+l.UsageType)
}

// readTiers reads the tiers of a product. A first tier that costs nothing is the free quantity of every account.
func readTiers(p product) (tiers []Tier, free Number, err error) {
	if len(p.Terms.OnDemand) != 1 {
		return nil, free, fmt.Errorf("a product has %d terms on demand, want 1", len(p.Terms.OnDemand))
	}
	for _, term := range p.Terms.OnDemand {
		for _, d := range term.PriceDimensions {
			usd, ok := d.PricePerUnit["USD"]
			if !ok {
				return nil, free, errors.New("a price is not in USD")
			}
			amount, err := ParseNumber(usd)
			if err != nil || amount.Sign() < 0 {
				return nil, free, fmt.Errorf("a price is not an amount: %.40q", usd)
			}
			from, err := ParseNumber(d.BeginRange)
			if err != nil || from.Sign() < 0 {
				return nil, free, fmt.Errorf("a tier begins at %.40q", d.BeginRange)
			}
			tiers = append(tiers, Tier{from, amount})
		}
	}
	slices.SortFunc(tiers, func(a, b Tier) int { return a.From.CompareTo(b.From) })
	if len(tiers) > 1 && tiers[0].USD.Sign() == 0 {
		free = tiers[1].From
		tiers = tiers[1:]
		tiers[0].From = Number{}
	}
	if len(tiers) == 0 || tiers[0].From.Sign() != 0 {
		return nil, free, errors.New("its tiers do not begin at 0")
	}
	for i := range tiers[1:] {
		if tiers[i].From.CompareTo(tiers[i+1].From) == 0 {
			return nil, free, errors.New("two tiers begin at the same quantity")
		}
	}
	return tiers, free, nil
}

func equalTiers(a, b []Tier) bool {
	return slices.EqualFunc(a, b, func(a, b Tier) bool {
		return a.From.CompareTo(b.From) == 0 && a.USD.CompareTo(b.USD) == 0
	})
}

// plausible is how many times the known price another may be: beyond it the unit is probably another one.
const plausible = 20

// findImplausible tells which price of an answer is far from the known one; empty when none is.
func findImplausible(known, found Price) string {
	far := func(a, b Number) bool {
		if a.Sign() == 0 || b.Sign() == 0 {
			return a.Sign() != b.Sign()
		}
		ratio, limit := a.DividedBy(b), WholeNumber(plausible)
		return ratio.CompareTo(limit) > 0 || one.DividedBy(ratio).CompareTo(limit) > 0
	}
	if len(known.Tiers) > 0 && len(found.Tiers) > 0 && far(found.Tiers[0].USD, known.Tiers[0].USD) {
		return fmt.Sprintf("the answer, %s USD, is over %d times or under a %dth of the known price, %s",
			found.Tiers[0].USD.Exact(), plausible, plausible, known.Tiers[0].USD.Exact())
	}
	for _, name := range slices.Sorted(maps.Keys(found.Variants)) {
		if usd, ok := known.Variants[name]; ok && far(found.Variants[name], usd) {
			return fmt.Sprintf("the answer for %s, %s USD, is over %d times or under a %dth of the known price, %s", name,
				found.Variants[name].Exact(), plausible, plausible, usd.Exact())
		}
	}
	return ""
}
