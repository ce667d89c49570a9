package event

import (
	"testing"

	"firehose-pipeline/schema"
)

// shop is the layout of the repository's own schema.
var shop = MustCompile(shopSchema())

func shopSchema() *schema.Schema {
	s := &schema.Schema{}
	add := func(key string, kind schema.Kind) *schema.Field {
		f := &schema.Field{Key: key, Column: key, Pointer: "/" + key, Type: &schema.Type{Kind: kind, MaxLength: -1}}
		s.Fields = append(s.Fields, f)
		return f
	}
	id, user, typ := add("event_id", schema.String), add("user_id", schema.String), add("event_type", schema.String)
	amount, product, at := add("amount", schema.Double), add("product_id", schema.String), add("timestamp", schema.Timestamp)
	add("session_id", schema.String)
	add("category_id", schema.BigInt)
	add("category_code", schema.String)
	add("brand", schema.String)
	s.EventID, s.EventType = id, typ
	p := func(s string) *string { return &s }
	s.Enrich = []*schema.Enrichment{
		{Name: "processed_timestamp", Kind: schema.Timestamp, ProcessedAt: true},
		{Name: "processing_status", Kind: schema.String, Status: &schema.Status{Complete: "SUCCESS", Partial: "PARTIAL"}},
		{Name: "user_category", Kind: schema.String, Truth: &schema.Truth{Field: user, True: "registered", False: "guest"}},
		{Name: "amount_category", Kind: schema.String, Bands: &schema.Bands{Field: amount, Bands: []schema.Band{{Bound: 100, Value: "high"}},
			Otherwise: p("low"), Invalid: p("unknown")}},
		{Name: "amount_tier", Kind: schema.String, Bands: &schema.Bands{Field: amount,
			Bands: []schema.Band{{Bound: 500, Value: "premium"}, {Bound: 100, Value: "standard"}}, Otherwise: p("basic"), Invalid: p("unknown")}},
		{Name: "event_category", Kind: schema.String, Categories: &schema.Categories{Field: typ, Sets: []schema.Set{
			{Value: "commerce", Members: []string{"purchase", "add_to_cart", "remove_from_cart", "cart", "checkout"}},
			{Value: "engagement", Members: []string{"view", "click", "scroll", "hover", "search"}}}, Otherwise: p("other")}},
		{Name: "data_quality_score", Kind: schema.Double, Score: &schema.Score{Weights: []schema.Weight{
			{Field: id, Weight: 1}, {Field: user, Weight: .5}, {Field: typ, Weight: 1}, {Field: amount, Weight: .5}, {Field: product, Weight: .5}, {Field: at, Weight: 1}}}},
	}
	return s
}

// newProcessor is NewProcessor, which must work.
func newProcessor(t testing.TB, l *Layout, stream Stream, options Options) *Processor {
	p, err := NewProcessor(l, stream, options)
	if err != nil {
		t.Fatal(err)
	}
	return p
}
