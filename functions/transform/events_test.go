package transform

import (
	"bytes"
	"io"
	"os"
	"testing"

	"firehose-pipeline/event"
	"firehose-pipeline/internal/testkit/shopschema"
)

// shop is the layout of the shop's schema.
var shop = event.MustCompile(shopschema.Load())

// storeEvents returns the 500 shop events of testdata.
func storeEvents(t testing.TB) [][]byte {
	t.Helper()
	data, err := os.ReadFile("../../testdata/store-events.ndjson")
	if err != nil {
		t.Fatal(err)
	}
	events := bytes.Split(bytes.TrimSpace(data), []byte("\n"))
	if len(events) != 500 {
		t.Fatalf("store-events.ndjson has %d events", len(events))
	}
	return events
}

// newHandler is New with the shop's schema, which must work.
func newHandler(t testing.TB, settings Settings, metrics, logs io.Writer) *Handler {
	t.Helper()
	settings.Layout = shop
	h, err := New(settings, metrics, logs)
	if err != nil {
		t.Fatal(err)
	}
	return h
}
