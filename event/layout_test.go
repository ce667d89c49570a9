package event

import (
	"testing"

	"firehose-pipeline/internal/testkit/shopschema"
)

// shop is the layout of the shop's schema.
var shop = MustCompile(shopschema.Load())

// newProcessor is NewProcessor, which must work.
func newProcessor(t testing.TB, l *Layout, stream Stream, options Options) *Processor {
	t.Helper()
	p, err := NewProcessor(l, stream, options)
	if err != nil {
		t.Fatal(err)
	}
	return p
}
