package transform

import (
	"bytes"
	"os"
	"testing"

	"firehose-pipeline/event"
	"firehose-pipeline/internal/testkit/builtinrules"
)

// added are the rules that are not shipped: their fields are cut out before whole outputs are compared.
var added = builtinrules.Beyond(event.Rules, func(r event.Rule) string { return r.Name })

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
