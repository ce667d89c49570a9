package cost

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// Bill is the estimate of a month.
type Bill struct {
	Region    string      `json:"region"`    // of the prices
	PriceDate string      `json:"priceDate"` // of the file of prices
	Lines     []Line      `json:"lines"`
	USD       Number      `json:"usd"` // the sum of the lines that have a price
	NotPriced []Resources `json:"notPriced"`
	Free      []Resources `json:"free"`
	// Notes are for every reader: items that are not part of the total, quotas, capacity.
	Notes []string `json:"notes"`
	// Assumptions are figures that neither the template nor the price list has.
	Assumptions []string `json:"assumptions"`
}

// Line is an item of the bill.
type Line struct {
	Service  string `json:"service"`
	Item     string `json:"item"`
	Quantity Number `json:"quantity"`
	Unit     string `json:"unit"`
	// How shows the calculation of the quantity, and Prices that of the amount, from the quantity to the cent.
	How    string `json:"how"`
	Prices string `json:"prices"`
	// USD is rounded to the cent; nil when the price is unknown, and the line is not part of the total.
	USD        *Number    `json:"usd"`
	PriceID    string     `json:"priceId"`
	Confidence Confidence `json:"confidence"`
	Source     string     `json:"source"`
	Seen       string     `json:"seen"`
}

// Resources are resources of a type that have no line.
type Resources struct {
	Type  string `json:"type"`
	Count int    `json:"count"`
	Why   string `json:"why"`
}

// Services returns the services of the lines and their sums, in the order of the lines.
func (b *Bill) Services() (names []string, sums map[string]Number) {
	sums = map[string]Number{}
	for _, line := range b.Lines {
		if !slices.Contains(names, line.Service) {
			names = append(names, line.Service)
		}
		if line.USD != nil {
			sums[line.Service] = sums[line.Service].Plus(*line.USD)
		}
	}
	return names, sums
}

// Excluded counts the lines without a price.
func (b *Bill) Excluded() int {
	count := 0
	for _, line := range b.Lines {
		if line.USD == nil {
			count++
		}
	}
	return count
}

// estimator makes a bill.
type estimator struct {
	t      *Template
	w      Workload
	prices *Prices
	bill   *Bill

	used    map[string]Number // by price: where its next line begins in the tiers
	streams []*stream
	kms     []kmsUse
}

// Estimate calculates the bill of a month.
func Estimate(t *Template, w Workload, p *Prices) (*Bill, error) {
	if err := w.check(); err != nil {
		return nil, err
	}
	e := &estimator{t: t, w: w, prices: p, used: map[string]Number{},
		bill: &Bill{Region: p.Region, PriceDate: p.Date, Lines: []Line{}, NotPriced: []Resources{}, Free: []Resources{},
			Notes: []string{}, Assumptions: []string{}}}
	for _, step := range []func() error{e.readStreams, e.addFirehose, e.addKinesis, e.addAPI, e.addLambda, e.addS3,
		e.addSearch, e.addKMS, e.addCloudWatch, e.addQueues, e.addSecrets, e.addNetwork, e.addAthena} {
		if err := step(); err != nil {
			return nil, err
		}
	}
	e.classifyResources()
	e.noteLimits()
	for _, line := range e.bill.Lines {
		if line.USD != nil {
			e.bill.USD = e.bill.USD.Plus(*line.USD)
		}
	}
	if n := e.bill.Excluded(); n > 0 {
		e.note("%d of the lines have no price and are not part of the total: no source was found for it (--refresh asks "+
			"AWS)", n)
	}
	return e.bill, nil
}

func (e *estimator) note(format string, args ...any) {
	e.bill.Notes = append(e.bill.Notes, fmt.Sprintf(format, args...))
}

// assume notes an assumption, once.
func (e *estimator) assume(format string, args ...any) {
	text := fmt.Sprintf(format, args...)
	if !slices.Contains(e.bill.Assumptions, text) {
		e.bill.Assumptions = append(e.bill.Assumptions, text)
	}
}

// skip lists a resource, or a part of one, that has a price which the estimate does not know.
func (e *estimator) skip(kind, why string) {
	e.bill.NotPriced = countResource(e.bill.NotPriced, kind, why)
}

func countResource(list []Resources, kind, why string) []Resources {
	for i := range list {
		if list[i].Type == kind && list[i].Why == why {
			list[i].Count++
			return list
		}
	}
	return append(list, Resources{kind, 1, why})
}

// usage is a quantity and how it is calculated.
type usage struct {
	quantity Number
	how      string
}

// add adds a line for a quantity above 0. id is that of a price.
func (e *estimator) add(service, item, id string, u usage) { e.addVariant(service, item, id, "", u) }

func (e *estimator) addVariant(service, item, id, variant string, u usage) {
	if u.quantity.Sign() <= 0 {
		return
	}
	price := e.prices.find(id, variant)
	line := Line{Service: service, Item: item, Quantity: u.quantity, Unit: price.Unit, How: u.how, PriceID: price.ID,
		Confidence: price.Confidence, Source: price.Source, Seen: price.Seen}
	if price.Confidence == Unknown {
		line.Prices = u.quantity.Text(2) + " " + price.Unit + ", price unknown: not part of the total"
		e.bill.Lines = append(e.bill.Lines, line)
		return
	}
	start := e.used[price.ID]
	end := start.Plus(u.quantity)
	e.used[price.ID] = end
	usd, parts := Number{}, []string{}
	from := start
	if e.w.FreeTier && from.CompareTo(price.Free) < 0 {
		from = price.Free.SmallerOf(end)
		parts = append(parts, from.Minus(start).Text(2)+" "+price.Unit+" free")
	}
	for i, tier := range price.Tiers {
		upTo := end
		if i+1 < len(price.Tiers) {
			upTo = upTo.SmallerOf(price.Tiers[i+1].From)
		}
		part := upTo.Minus(from.LargerOf(tier.From))
		if part.Sign() > 0 {
			usd = usd.Plus(part.Times(tier.USD))
			parts = append(parts, part.Text(2)+" "+price.Unit+" × "+price.quote(tier.USD))
		}
	}
	rounded := usd.RoundedToCents()
	line.USD = &rounded
	line.Prices = strings.Join(parts, " + ") + " = $" + rounded.Cents()
	if price.Free.Sign() > 0 && !e.w.FreeTier {
		line.Prices += " (free for each account, not applied: " + price.Free.Exact() + " " + price.Unit + ")"
	}
	e.bill.Lines = append(e.bill.Lines, line)
}

// classifyResources lists every resource that has no line: it is free for a reason, or not priced.
func (e *estimator) classifyResources() {
	for _, id := range slices.Sorted(maps.Keys(e.t.resources)) {
		r := e.t.resources[id]
		if r.Condition != "" {
			e.note("%s (%s) depends on the condition %s, and is counted", r.id, r.Type, r.Condition)
		}
		if slices.Contains(pricedTypes, r.Type) {
			continue
		}
		if why := whyFree(r.Type); why != "" {
			e.bill.Free = countResource(e.bill.Free, r.Type, why)
		} else {
			e.skip(r.Type, "this command does not know its price")
		}
	}
}
