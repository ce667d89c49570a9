package replay

import (
	"testing"

	"firehose-pipeline/event"
	"firehose-pipeline/internal/testkit/shopschema"
)

var shop = event.MustCompile(shopschema.Load())

func newProcessor(t testing.TB, stream event.Stream) *event.Processor {
	t.Helper()
	p, err := event.NewProcessor(shop, stream, event.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return p
}
