package cost

import (
	"bytes"
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"
)

// Confidence tells how well a price is known.
type Confidence string

// The confidences, the best first.
const (
	FromList   Confidence = "list"       // AWS's Price List API, asked by [Refresh]
	Verified   Confidence = "verified"   // AWS's own text, or a dated copy of the Price List, of the year of the file
	Dated      Confidence = "dated"      // a copy of the Price List that is older than a year
	Secondhand Confidence = "secondhand" // quoted by others, without a copy of the list
	Unknown    Confidence = "unknown"    // no source: its lines are not part of the total
)

var confidences = []Confidence{FromList, Verified, Dated, Secondhand, Unknown}

// Tier is the price of one unit from a quantity of a month on.
type Tier struct {
	From Number `json:"from"`
	USD  Number `json:"usd"`
}

// Price is the price of one kind of usage.
type Price struct {
	ID string `json:"id"`
	// Unit is one unit, in the plural: "requests". Per is how many of them the price is usually quoted for.
	Unit string `json:"unit"`
	Per  int64  `json:"per,omitempty"`
	// Tiers begin at 0 and ascend; empty for an unknown price, or one with Variants.
	Tiers []Tier `json:"tiers,omitempty"`
	// Variants are the prices of types of instances.
	Variants map[string]Number `json:"variants,omitempty"`
	// Free is the quantity that every account has free each month, for all its stacks together, without an end.
	Free       Number     `json:"free,omitzero"`
	Source     string     `json:"source"`
	Seen       string     `json:"seen"` // day on which the source was read, or was true
	Confidence Confidence `json:"confidence"`
	// Lookup finds the price in the Price List; nil when it is not there.
	Lookup *Lookup `json:"lookup,omitempty"`
}

// Lookup finds the product of a price in AWS's Price List.
type Lookup struct {
	Service string `json:"service"`
	// Filters are attributes and their values.
	Filters map[string]string `json:"filters,omitempty"`
	// UsageType is the usage type without the prefix of a region; empty for any.
	UsageType string `json:"usageType,omitempty"`
	// Variant is the attribute that tells variants apart.
	Variant string `json:"variant,omitempty"`
}

// Prices are the prices of one region.
type Prices struct {
	Region string  `json:"region"`
	Date   string  `json:"date"` // day of the file
	Prices []Price `json:"prices"`

	byID map[string]*Price
}

//go:embed prices.json
var builtIn []byte

// BuiltInPrices returns the prices that come with the command: list prices of us-east-1.
func BuiltInPrices() *Prices {
	p, err := ReadPrices(bytes.NewReader(builtIn))
	if err != nil {
		panic(fmt.Sprintf("prices.json: %v", err)) // the tests read it
	}
	return p
}

// maxPriceFile bounds a file of prices, in bytes.
const maxPriceFile = 8 << 20

// ReadPrices reads and checks a file of prices.
func ReadPrices(from io.Reader) (*Prices, error) {
	text, err := io.ReadAll(io.LimitReader(from, maxPriceFile+1))
	if err != nil {
		return nil, err
	}
	if len(text) > maxPriceFile {
		return nil, fmt.Errorf("must have at most %d bytes", maxPriceFile)
	}
	p := &Prices{}
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(p); err != nil {
		return nil, fmt.Errorf("must be a file of prices as `pipeline cost --refresh` writes it: %w", err)
	}
	if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
		return nil, errors.New("must have one JSON object and nothing after it")
	}
	return p, p.check()
}

func (p *Prices) check() error {
	if p.Region == "" {
		return errors.New("region: must be set")
	}
	if _, err := time.Parse(time.DateOnly, p.Date); err != nil {
		return fmt.Errorf("date: must be a day such as 2026-01-31 (got %q)", p.Date)
	}
	p.byID = map[string]*Price{}
	for i := range p.Prices {
		price := &p.Prices[i]
		if p.byID[price.ID] != nil {
			return fmt.Errorf("prices: %q: must appear once", price.ID)
		}
		if err := price.check(); err != nil {
			return fmt.Errorf("prices: %q: %w", price.ID, err)
		}
		p.byID[price.ID] = price
	}
	return nil
}

func (p *Price) check() error {
	switch {
	case p.ID == "" || p.Unit == "" || p.Source == "":
		return errors.New("id, unit and source must be set")
	case !slices.Contains(confidences, p.Confidence):
		return fmt.Errorf("confidence: must be one of %v (got %q)", confidences, p.Confidence)
	case p.Per < 0:
		return fmt.Errorf("per: must be 1 or more (got %d)", p.Per)
	case p.Free.Sign() < 0:
		return errors.New("free: must not be below 0")
	case p.Confidence == Unknown && (len(p.Tiers) > 0 || len(p.Variants) > 0):
		return errors.New("tiers: an unknown price must have none")
	case p.Confidence != Unknown && len(p.Tiers) == 0 && len(p.Variants) == 0:
		return errors.New("tiers: must have at least one")
	}
	for i, tier := range p.Tiers {
		switch {
		case tier.USD.Sign() < 0:
			return fmt.Errorf("tiers: usd: must not be below 0 (got %s)", tier.USD.Exact())
		case i == 0 && tier.From.Sign() != 0:
			return fmt.Errorf("tiers: the first must be from 0 (got %s)", tier.From.Exact())
		case i > 0 && tier.From.CompareTo(p.Tiers[i-1].From) <= 0:
			return errors.New("tiers: from: must ascend")
		}
	}
	for name, usd := range p.Variants {
		if usd.Sign() < 0 {
			return fmt.Errorf("variants: %s: must not be below 0 (got %s)", name, usd.Exact())
		}
	}
	return nil
}

// find returns a price; one that the file does not have is unknown.
func (p *Prices) find(id, variant string) Price {
	found := p.byID[id]
	if found == nil {
		return Price{ID: id, Unit: "units", Confidence: Unknown, Source: "not in the file of prices"}
	}
	price := *found
	if variant == "" {
		return price
	}
	price.ID += "." + variant
	usd, ok := price.Variants[variant]
	price.Variants = nil
	if !ok {
		price.Tiers, price.Confidence = nil, Unknown
		price.Source = "not in the file of prices"
		return price
	}
	price.Tiers = []Tier{{USD: usd}}
	return price
}

// quote is a price as it is usually given: "$0.20 per 1,000,000 requests".
func (p Price) quote(usd Number) string {
	per := max(p.Per, 1)
	unit := strings.TrimSuffix(p.Unit, "s")
	if per > 1 {
		unit = WholeNumber(per).Exact() + " " + p.Unit
	}
	return "$" + usd.Times(WholeNumber(per)).price() + " per " + unit
}
